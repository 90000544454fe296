import dataclasses
import subprocess
import sys

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome import alphabet
from genomenet.windows.batch import reverse_complement, reverse_rows, to_model_inputs
from genomenet.windows.window_batch import WindowBatch

ROWS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=9), st.booleans()
    ),
    min_size=1,
    max_size=5,
)


def window_batch(rows) -> WindowBatch:
    length = max(len(bases) for bases, _ in rows)
    codes = np.full((len(rows), length), 4, dtype=np.uint8)
    masked = np.zeros((len(rows), length), dtype=bool)
    for row, (bases, _) in enumerate(rows):
        codes[row, : len(bases)] = [code for code, _ in bases]
        masked[row, : len(bases)] = [is_masked for _, is_masked in bases]
    return WindowBatch(
        codes + 8 * masked.astype(np.uint8),
        np.array([len(bases) for bases, _ in rows]),
        np.array([flip for _, flip in rows]),
        ("c",) * len(rows),
        np.zeros(len(rows), dtype=np.int64),
        np.array([len(bases) for bases, _ in rows]),
    )


@given(ROWS)
def test_reverse_complement_of_ragged_rows(rows):
    batch = window_batch(rows)
    codes, lengths = torch.from_numpy(batch.codes), torch.from_numpy(batch.lengths)
    other = reverse_complement(codes, lengths)
    packed = reverse_complement(torch.from_numpy(batch.packed), lengths)
    assert torch.equal(packed & 7, other)
    assert torch.equal(packed & 8, reverse_rows(torch.from_numpy(batch.packed & 8), lengths))
    assert other.dtype == torch.uint8
    for row, length in enumerate(batch.lengths.tolist()):
        expected = alphabet.reverse_complement(batch.codes[row, :length])
        assert np.array_equal(other[row, :length].numpy(), expected)
        assert (other[row, length:] == 4).all()
    assert torch.equal(reverse_complement(other, lengths), codes)
    masked = torch.from_numpy(batch.masked)
    assert torch.equal(reverse_rows(reverse_rows(masked, lengths), lengths), masked)


@given(ROWS, st.sampled_from([0.0, 0.1, 1.0]))
def test_model_inputs_base_by_base(rows, soft_mask_weight):
    batch = window_batch(rows)
    before = batch.codes.copy(), batch.masked.copy()
    inputs = to_model_inputs(batch, "cpu", soft_mask_weight)
    assert np.array_equal(batch.codes, before[0])
    assert np.array_equal(batch.masked, before[1])
    for row, (bases, flip) in enumerate(rows):
        if flip:
            bases = [(3 - c if c < 4 else 4, m) for c, m in reversed(bases)]
        padding = batch.codes.shape[1] - len(bases)
        targets = [code for code, _ in bases] + [4] * padding
        weights = [0.0 if c == 4 else soft_mask_weight if m else 1.0 for c, m in bases]
        assert inputs.targets[row].tolist() == targets
        assert inputs.tokens[row].tolist() == [4, *targets[:-1]]
        expected = torch.tensor(weights + [0.0] * padding, dtype=torch.float32)
        assert torch.equal(inputs.weights[row], expected)
        assert inputs.valid[row].tolist() == [True] * len(bases) + [False] * padding
    assert inputs.tokens.dtype == inputs.targets.dtype == torch.int64
    assert inputs.weights.dtype == torch.float32
    assert inputs.valid.dtype == torch.bool
    assert inputs.scores is None


@given(ROWS)
def test_mask_and_scores_belong_to_the_base_that_a_position_reads(rows):
    bare = window_batch(rows)
    scores = np.full(bare.codes.shape, np.nan, dtype=np.float32)
    for row, (bases, _) in enumerate(rows):
        scores[row, : len(bases)] = np.arange(len(bases))
    inputs = to_model_inputs(dataclasses.replace(bare, scores=scores), "cpu")
    assert inputs.scores is not None
    assert inputs.scores.dtype == torch.float32
    assert inputs.masked.dtype == torch.bool
    for row, (bases, flip) in enumerate(rows):
        masks = [masked for _, masked in bases]
        order = list(range(len(bases)))
        if flip:
            masks, order = masks[::-1], order[::-1]
        assert inputs.masked[row, : len(bases)].tolist() == [False, *masks[:-1]]
        assert torch.isnan(inputs.scores[row, 0])
        assert inputs.scores[row, 1 : len(bases)].tolist() == order[:-1]
    assert np.array_equal(scores[0, : len(rows[0][0])], np.arange(len(rows[0][0])))


def test_no_other_file_of_the_room_imports_torch():
    script = (
        "import importlib, pkgutil, sys, genomenet.genome as room\n"
        "names = [m.name for m in pkgutil.iter_modules(room.__path__) if m.name != 'batch']\n"
        "for name in names: importlib.import_module('genomenet.genome.' + name)\n"
        "print(len(names), 'torch' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    count, has_torch = said.stdout.split()
    assert int(count) > 15
    assert has_torch == "False"

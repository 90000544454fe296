"""A batch in memory: what its packed bytes say, and what its bases weigh."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome.alphabet import ALPHABETS, BYTES, DNA, Alphabet
from genomenet.windows import window_batch
from genomenet.windows.window_batch import WindowBatch

BASES = [code + flag for flag in (0, 8) for code in range(5)]


def batch_of(packed: np.ndarray, alphabet: Alphabet) -> WindowBatch:
    rows = len(packed)
    numbers = np.zeros(rows, dtype=np.int64)
    flip = np.zeros(rows, dtype=np.bool_)
    names = ("c",) * rows
    return WindowBatch(packed, numbers, flip, names, numbers, numbers, alphabet=alphabet)


@pytest.mark.parametrize("counted_bp", [1, 20, 1 << 16])
@pytest.mark.parametrize("called_only", [False, True])
@given(st.data(), st.integers(0, 6), st.integers(1, 15), st.sampled_from([0.0, 0.25, 1.0]))
def test_weight_base_by_base(counted_bp, called_only, data, rows, length_bp, soft_mask_weight):
    bases = [base for base in BASES if base % 8 < 4] if called_only else BASES
    row = st.lists(st.sampled_from(bases), min_size=length_bp, max_size=length_bp)
    content = data.draw(st.lists(row, min_size=rows, max_size=rows))
    batch = batch_of(np.array(content, dtype=np.uint8).reshape(rows, length_bp), DNA)
    assert batch.codes.tolist() == [[base % 8 for base in row] for row in content]
    assert batch.masked.tolist() == [[base >= 8 for base in row] for row in content]
    expected = sum(
        soft_mask_weight if base >= 8 else 1.0 for row in content for base in row if base % 8 < 4
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_batch, "_COUNTED_BP", counted_bp)
        assert batch.target_weight(soft_mask_weight) == expected


def test_every_byte_of_text_is_a_code():
    everything = np.arange(256, dtype=np.uint8).reshape(2, 128)
    batch = batch_of(everything, BYTES)
    assert np.array_equal(batch.codes, everything)
    assert not batch.masked.any()
    assert batch.target_weight(1.0) == 256


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=list(ALPHABETS))
def test_bits_that_no_target_has(alphabet):
    for code in range(alphabet.code_bits + 1):
        assert (code & alphabet.unscored_bits == 0) == (code < alphabet.scored_codes)

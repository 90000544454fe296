"""Many positions read behind a state, against the parallel form and single steps, for every arm."""

from dataclasses import replace

import pytest
import torch

from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.reading import read_long, score_long
from genomenet.nn.rows import copy_rows
from tests.models.arms import ARMS, SMALL
from tests.models.test_incremental import LENGTHS, N, make

LENGTH = 150
ROWS = 3
SPLITS = {
    "ones": [1] * 12,
    "threes": [3] * 11,
    "mixed": [17, 1, 3, 64, 5, 40, 20],
    "two": [64, 86],
    "whole": [150],
}


def some_inputs(rows: int = ROWS, length: int = LENGTH, seed: int = 3) -> dict[str, torch.Tensor]:
    """Tokens behind a start symbol, with runs of N; a soft mask and a track with gaps."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 4, (rows, length), generator=generator)
    tokens[0, 8:12] = tokens[-1, 2:3] = tokens[0, 62:66] = N
    tokens[:, 0] = N
    masked = (torch.rand(rows, length, generator=generator) < 0.1).cumsum(1) % 2 == 1
    scores = torch.randn(rows, length, generator=generator)
    scores[torch.rand(rows, length, generator=generator) < 0.2] = torch.nan
    masked[:, 0], scores[:, 0] = False, torch.nan
    return {"tokens_BL": tokens, "masked_BL": masked, "scores_BL": scores}


def parts(inputs: dict[str, torch.Tensor], some: slice) -> dict[str, torch.Tensor]:
    return {name: value[:, some] for name, value in inputs.items()}


def at(inputs: dict[str, torch.Tensor], rows: torch.Tensor, here: torch.Tensor):
    """What `step` takes of single positions."""
    return inputs["tokens_BL"][rows, here], {
        "masked_R": inputs["masked_BL"][rows, here],
        "scores_R": inputs["scores_BL"][rows, here],
    }


def assert_close(found, expected, bound=1e-9):
    torch.testing.assert_close(found, expected, rtol=bound, atol=bound)


def whole(model, inputs, valid=None):
    with torch.no_grad():
        return model(valid_BL=valid, **inputs)


def read_all(model, inputs, state, lengths, first=0):
    outputs = []
    for length in lengths:
        outputs.append(model.read(state=state, **parts(inputs, slice(first, first + length))))
        first += length
    return outputs, first


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", ARMS)
def test_segments_equal_the_whole_and_steps_go_on(name, split):
    model, inputs = make(name, torch.float64), some_inputs()
    expected = whole(model, inputs)
    state = model.new_state(ROWS, "cpu")
    outputs, done = read_all(model, inputs, state, SPLITS[split])
    logits = torch.cat([output.logits for output in outputs], 1)
    assert_close(logits, expected.logits[:, :done])
    steps = [done * ROWS]
    for stage, boundaries in enumerate(expected.boundaries):
        found = [output.boundaries[stage] for output in outputs]
        for row in range(ROWS):
            valid = boundaries.valid[row]
            if stage == 0:
                valid = valid & (torch.arange(LENGTH) < done)
            decided = torch.cat([one.mask[row][one.valid[row]] for one in found])
            wanted = boundaries.mask[row][valid][: len(decided)]
            assert torch.equal(decided, wanted)
            probability = torch.cat([one.probability[row][one.valid[row]] for one in found])
            assert_close(probability, boundaries.probability[row][valid][: len(decided)])
        steps.append(sum(int(one.mask.sum()) for one in found))
    assert state.steps == tuple(steps)
    for t in range(done, min(done + 8, LENGTH)):
        rows = torch.arange(ROWS)
        tokens, sides = at(inputs, rows, torch.full((ROWS,), t))
        with torch.no_grad():
            assert_close(model.step(tokens, state, rows, **sides), expected.logits[:, t])


@pytest.mark.parametrize("name", ARMS)
def test_rows_end_where_their_valid_positions_end(name):
    """Ragged rows, some of them empty, in several reads with steps between them."""
    model, inputs = make(name, torch.float64), some_inputs(5)
    expected = whole(model, inputs).logits
    state = model.new_state(5, "cpu")
    done = torch.zeros(5, dtype=torch.int64)
    for counts in ([20, 0, 1, 7, 66], [0, 0, 9, 2, 0], [3, 30, 0, 70, 1], [64, 1, 2, 0, 17]):
        count = torch.tensor(counts)
        place = torch.arange(int(count.max()))
        valid = place < count[:, None]
        index = (done[:, None] + place).clamp(max=LENGTH - 1)
        segment = {key: value.gather(1, index) for key, value in inputs.items()}
        # What stands in the padding must not matter.
        segment["tokens_BL"] = torch.where(valid, segment["tokens_BL"], 2)
        segment["masked_BL"] = segment["masked_BL"] | ~valid
        logits = model.read(state=state, valid_BL=valid, **segment).logits
        for row in range(5):
            end = int(count[row])
            assert_close(logits[row, :end], expected[row, done[row] : done[row] + end])
        done += count
        rows = torch.tensor([0, 3, 4])
        tokens, sides = at(inputs, rows, done[rows])
        with torch.no_grad():
            assert_close(model.step(tokens, state, rows, **sides), expected[rows, done[rows]])
        done[rows] += 1


@pytest.mark.parametrize("name", ARMS)
def test_copies_of_a_row_go_on_alone(name):
    model, inputs = make(name, torch.float64), some_inputs(2)
    state = model.new_state(2, "cpu")
    model.read(state=state, **parts(inputs, slice(0, 70)))
    rows = torch.tensor([1, 0, 1])
    copies = copy_rows(state, rows)
    other = some_inputs(3, seed=9)
    joined = {
        key: torch.cat([value[rows, :70], other[key][:, 70:]], 1) for key, value in inputs.items()
    }
    found = model.read(state=copies, **parts(joined, slice(70, None))).logits
    assert_close(found, whole(model, joined).logits[:, 70:])
    assert not torch.allclose(found[0], found[2])
    # What the copies have read is unknown to the state that they came from.
    rest = model.read(state=state, **parts(inputs, slice(70, None))).logits
    assert_close(rest, whole(model, inputs).logits[:, 70:])


@pytest.mark.parametrize("name", ["mamba2", "hnet two stages", "blt learned", "guarded", "markov"])
def test_a_segment_says_nothing_of_later_ones(name):
    model, inputs, other = make(name, torch.float64), some_inputs(), some_inputs(seed=8)
    for t in (1, 30, 63):
        changed = {
            key: torch.cat([value[:, :t], other[key][:, t:]], 1) for key, value in inputs.items()
        }
        found = [
            next(iter(read_long(model, given["tokens_BL"], 64, **sides(given)))).logits[:, :t]
            for given in (inputs, changed)
        ]
        assert torch.equal(*found)
        states = []
        for given in (inputs, changed):
            state = model.new_state(ROWS, "cpu")
            model.read(state=state, **parts(given, slice(0, t)))
            states.append(model.read(state=state, **parts(inputs, slice(t, None))).logits)
        assert torch.equal(*states)


def sides(inputs):
    return {key: value for key, value in inputs.items() if key != "tokens_BL"}


def test_reading_equals_the_parallel_form_of_the_published_smoothing():
    model, inputs = make("hnet, published smoothing", torch.float64), some_inputs()
    state = model.new_state(ROWS, "cpu")
    outputs, _ = read_all(model, inputs, state, SPLITS["mixed"])
    logits = torch.cat([output.logits for output in outputs], 1)
    assert_close(logits, whole(model, inputs).logits)


@pytest.mark.parametrize("name", ["transformer", "mamba2", "hnet mamba2", "blt learned", "moe"])
def test_float32_and_autocast_stay_near_the_parallel_form(name):
    model, inputs = make(name), some_inputs()
    state = model.new_state(ROWS, "cpu")
    outputs, _ = read_all(model, inputs, state, SPLITS["mixed"])
    found = torch.cat([output.logits for output in outputs], 1)
    assert_close(found, whole(model, inputs).logits, 1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        expected = whole(model, inputs).logits
        outputs, _ = read_all(model, inputs, model.new_state(ROWS, "cpu"), SPLITS["mixed"])
    found = torch.cat([output.logits for output in outputs], 1)
    assert found.dtype == torch.bfloat16
    difference = (found[0].float() - expected[0].float()).abs().mean()
    assert difference < 0.1 * expected[0].float().abs().mean()


def state_bytes(state) -> int:
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, list | tuple):
        return sum(map(state_bytes, state))
    return sum(map(state_bytes, vars(state).values())) if hasattr(state, "__dict__") else 0


@pytest.mark.parametrize("name", ["mamba2", "hnet mamba2", "windowed transformer", "mamba2 within"])
def test_the_state_does_not_grow_with_length(name):
    within = ModelConfig(**{**SMALL, "layout": "m1 + m1 + M2 + m1 + m1", "targets": [2, 2]})
    window = replace(ARMS["hnet mamba2"], window=5)
    torch.manual_seed(7)
    config = {"mamba2 within": within, "hnet mamba2": window}.get(name) or ARMS[name]
    model = LanguageModel(config).eval()
    tokens = some_inputs(2, 600)["tokens_BL"]
    state = model.new_state(2, "cpu")
    sizes = []
    for _ in read_long(model, tokens, 50, state=state):
        sizes.append(state_bytes(state))
    assert len(sizes) == 12
    assert len(set(sizes)) == 1


@pytest.mark.parametrize("name", ["transformer", "hnet two stages", "blt around hnet"])
def test_long_sequences_are_scored_as_short_ones_are(name):
    model, inputs = make(name, torch.float64), some_inputs(4, max(LENGTHS))
    valid = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    targets = inputs["tokens_BL"].roll(-1, 1).masked_fill(~valid, -1)
    targets[targets == N] = -1
    with torch.no_grad():
        expected = model.score(inputs["tokens_BL"], targets, valid, **sides(inputs))
    found = score_long(model, inputs["tokens_BL"], targets, valid, 16, **sides(inputs))
    assert_close(found.nats_BL, expected.nats_BL)
    assert len(found.boundaries) == len(expected.boundaries)
    for one, other in zip(found.boundaries, expected.boundaries, strict=True):
        for row in range(4):
            assert torch.equal(one.mask[row][one.valid[row]], other.mask[row][other.valid[row]])
        assert one.positions_per_chunk == other.positions_per_chunk

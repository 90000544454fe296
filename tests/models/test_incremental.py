"""Models stepped one base at a time against their parallel form, for every arm."""

from dataclasses import replace

import pytest
import torch

from genomenet.models.language_model import LanguageModel
from tests.models.arms import ARMS

LENGTHS = (70, 17, 1, 30)
"""The longest crosses a block of the parallel scan."""

N = 4
PRECISIONS = [(torch.float64, 1e-10), (torch.float32, 1e-4)]


def make(name: str, dtype: torch.dtype = torch.float32) -> LanguageModel:
    """A model whose zero-initialised parts are not zero, so that they are tested too."""
    torch.manual_seed(7)
    arms = {**ARMS, "hnet, published smoothing": replace(ARMS["hnet mamba2"], parity=True)}
    model = LanguageModel(arms[name])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.to(dtype).eval()


def some_inputs() -> dict[str, torch.Tensor]:
    """Tokens behind a start symbol, with N runs; a soft mask and a track with gaps."""
    generator = torch.Generator().manual_seed(3)
    shape = (len(LENGTHS), max(LENGTHS))
    tokens = torch.randint(0, 4, shape, generator=generator)
    tokens[0, 8:12] = tokens[3, 2:3] = N
    tokens[:, 0] = N
    masked = (torch.rand(shape, generator=generator) < 0.1).cumsum(1) % 2 == 1
    masked[:, 0] = False
    scores = torch.randn(shape, generator=generator)
    scores[torch.rand(shape, generator=generator) < 0.2] = torch.nan
    scores[:, 0] = torch.nan
    return {"tokens": tokens, "masked": masked, "scores": scores}


@torch.no_grad()
def stepped(model: LanguageModel, inputs: dict[str, torch.Tensor], share: float):
    """Logits of every position, where each turn steps a random `share` of the rows."""
    state = model.new_state(len(LENGTHS), "cpu")
    logits_BLV = None
    done = torch.zeros(len(LENGTHS), dtype=torch.int64)
    turn = torch.Generator().manual_seed(1)
    while (left := done < torch.tensor(LENGTHS)).any():
        rows = (left & (torch.rand(len(LENGTHS), generator=turn) < share)).nonzero()[:, 0]
        if not len(rows):
            continue
        at = done[rows]
        logits = model.step(
            inputs["tokens"][rows, at],
            state,
            rows,
            masked_R=inputs["masked"][rows, at],
            scores_R=inputs["scores"][rows, at],
        )
        if logits_BLV is None:
            shape = (*inputs["tokens"].shape, logits.shape[-1])
            logits_BLV = torch.full(shape, torch.nan, dtype=logits.dtype)
        logits_BLV[rows, at] = logits
        done[rows] += 1
    return logits_BLV, state


def check(model: LanguageModel, bound: float, share: float) -> tuple[int, ...]:
    """Compare logits and boundaries; returns the steps of each stage."""
    inputs = some_inputs()
    valid = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    with torch.no_grad():
        expected = model(
            inputs["tokens"], valid, masked_BL=inputs["masked"], scores_BL=inputs["scores"]
        )
    logits, state = stepped(model, inputs, share)
    torch.testing.assert_close(logits[valid], expected.logits[valid], rtol=bound, atol=bound)
    boundaries = [int(stage.mask.sum()) for stage in expected.boundaries]
    assert state.steps == (sum(LENGTHS), *boundaries)
    return state.steps


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize(("dtype", "bound"), PRECISIONS)
def test_steps_equal_the_parallel_form(name, dtype, bound):
    # All rows in step take a shorter way through the code than some of them.
    check(make(name, dtype), bound, share=0.6 if dtype == torch.float64 else 1.0)


def test_steps_equal_the_parallel_form_of_the_published_smoothing():
    """In float64, lest sums that differ in their last digit round to other bfloat16 numbers."""
    check(make("hnet, published smoothing", torch.float64), 1e-10, share=0.6)


def test_only_rows_with_a_boundary_step_the_network_within(monkeypatch):
    model = make("hnet mamba2", torch.float64)
    inputs = some_inputs()
    valid = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    with torch.no_grad():
        mask = model(inputs["tokens"], valid).boundaries[0].mask
    within = model.backbone.main_network
    step, seen = within.step, []

    def spy(x_RD, position, state, rows_R):
        seen.append(rows_R.tolist())
        return step(x_RD, position, state, rows_R)

    monkeypatch.setattr(within, "step", spy)
    stepped(model, inputs, 1.0)
    fired = [mask[:, t].nonzero()[:, 0].tolist() for t in range(max(LENGTHS))]
    assert seen == [rows for rows in fired if rows]
    assert len({tuple(rows) for rows in seen}) > 3


@pytest.mark.parametrize("name", ["hnet mamba2", "blt fixed", "blt n-grams", "moe"])
def test_steps_under_autocast_stay_near_the_parallel_form(name):
    model, inputs = make(name), some_inputs()
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            expected = model(inputs["tokens"]).logits
        logits, _ = stepped(model, inputs, 0.6)
    assert logits.dtype == torch.bfloat16
    difference = (logits[0].float() - expected[0].float()).abs().mean()
    assert difference < 0.1 * expected[0].float().abs().mean()

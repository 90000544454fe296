"""The host waits for the device once a chunking stage, and never in the backward pass."""

import pytest
import torch

from genomenet.models.tokenised import make_language_model
from tests.host_waits import HostWaits
from tests.models.arms import ARMS, side_inputs, some_tokens


def test_what_waits_is_counted():
    x = torch.arange(4.0, requires_grad=True)
    with HostWaits() as waits:
        assert int(x.sum()) == 6
        assert x.tolist()[1] == 1
        x[x > 1].sum().backward()  # once each way
        x.detach().nonzero()
        (x * 2).sum()
    assert waits.total == 5, waits.counts


@pytest.mark.parametrize("arm", ARMS)
def test_one_wait_a_stage_and_one_a_mixture(arm):
    config, rows, length = ARMS[arm], 3, 70
    torch.manual_seed(0)
    model = make_language_model(config)
    tokens, sides = some_tokens(rows, length), side_inputs(rows, length)
    targets = tokens.where(tokens < 4, -1)
    valid = torch.ones_like(tokens, dtype=torch.bool)
    with HostWaits() as forward:
        scores = model.score(tokens, targets, valid, **sides)
        loss = scores.nats_BL.sum()
    layout = config.networks()
    mixtures = "".join((*layout.encoders, layout.main, *layout.decoders)).count("E")
    assert forward.total == config.compressions + mixtures, forward.counts
    with HostWaits() as backward:
        loss.backward()
    assert backward.total == 0, backward.counts

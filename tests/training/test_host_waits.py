"""A step of training makes the host wait once, beside once a chunking stage of every forward."""

import pytest
import torch

from genomenet.training.batch import StepBatch
from genomenet.training.config import RunConfig
from genomenet.training.module import GenomeModule
from tests.host_waits import HostWaits
from tests.models.arms import ARMS, some_tokens

MICRO_BATCHES = 3


class Module(GenomeModule):
    """Outside of a trainer."""

    _logs_this_step = False
    global_step = 0
    trainer = None


def batch(rows: int, length: int) -> StepBatch:
    tokens = some_tokens(rows, length)
    ones = torch.ones_like(tokens, dtype=torch.bool)
    return StepBatch(
        tokens_BL=tokens,
        targets_BL=tokens.masked_fill(tokens == 4, -1),
        weights_BL=(tokens < 4).float(),
        valid_BL=ones,
        masked_BL=~ones,
        scores_BL=None,
        windows=None,
        step_weight=1.0,
        micro_batches=MICRO_BATCHES,
        stands_in=False,
    )


@pytest.mark.parametrize("arm", ["mamba2", "hnet transformer", "hnet two stages", "blt learned"])
def test_a_step_waits_once_beside_its_stages(arm):
    module = Module(RunConfig(model=ARMS[arm]))
    optimiser = module.configure_optimizers()["optimizer"]
    some = batch(2, 40)
    for _ in range(2):  # AdamW makes its state in the first
        with HostWaits() as waits:
            for _ in range(MICRO_BATCHES):
                module.training_step(some, 0).backward()
            module.configure_gradient_clipping(optimiser)
            optimiser.step()
            optimiser.zero_grad()
        stages = ARMS[arm].networks().stages
        assert waits.total == MICRO_BATCHES * stages + 1, waits.counts

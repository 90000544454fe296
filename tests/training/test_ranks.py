"""Gradients and losses of micro-batches that ranks share are those of one process."""

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch.multiprocessing import spawn

from genomenet.training.batch import StepBatch
from genomenet.training.config import RunConfig
from genomenet.training.loading import Share
from genomenet.training.module import Diverged, GenomeModule
from genomenet.training.ranks import rank, total, world_size
from tests.models.arms import ARMS, side_inputs, some_tokens

ROWS, LENGTH, RANKS = 4, 41, 2


class Module(GenomeModule):
    """Outside of a trainer."""

    _logs_this_step = False
    global_step = 0
    trainer = None

    def _advice_after_divergence(self):
        return "advice"


def part(share: Share) -> StepBatch:
    """The rows of a micro-batch that a rank has; the last one is short, the first has much N."""
    tokens_BL = some_tokens(ROWS, LENGTH)
    tokens_BL[0, 5:30] = 4
    targets_BL = torch.cat([tokens_BL[:, 1:], tokens_BL[:, :1]], 1)
    valid_BL = torch.arange(LENGTH) < torch.tensor([[LENGTH]] * (ROWS - 1) + [[12]])
    weights_BL = torch.where((targets_BL < 4) & valid_BL, 0.5, 0.0).double()
    sides = side_inputs(ROWS, LENGTH)
    own = torch.from_numpy(share.rows(ROWS, 1))
    weights_BL = weights_BL[own]
    return StepBatch(
        tokens_BL=tokens_BL[own],
        targets_BL=targets_BL.masked_fill((targets_BL == 4) | ~valid_BL, -1)[own],
        weights_BL=weights_BL,
        valid_BL=valid_BL[own],
        masked_BL=sides["masked_BL"][own],
        scores_BL=sides["scores_BL"][own],
        windows=None,
        step_weight=float(weights_BL.sum()),
        micro_batches=1,
        stands_in=False,
    )


def gradients(arm: str) -> dict[str, torch.Tensor | None]:
    """Of one arm, as a strategy hands them to the optimiser: the mean over ranks."""
    torch.manual_seed(4)
    module = Module(RunConfig(model=ARMS[arm])).double()
    loss = module.training_step(part(Share(rank(), world_size())), 0)
    loss.backward()
    found = {name: value.grad for name, value in module.named_parameters()}
    found["loss"] = loss.detach()
    for value in found.values():
        if value is not None:
            value.copy_(total(value) / world_size())
    return found


def work(number: int, folder: str) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", RANKS)
    dist.init_process_group("gloo", store=store, rank=number, world_size=RANKS)
    torch.save({arm: gradients(arm) for arm in ARMS}, f"{folder}/{number}.pt")
    broken = Module(RunConfig(model=ARMS["mamba2"]))
    batch = part(Share(number, RANKS))
    if number == 1:
        torch.nn.init.constant_(broken.model.lm_head.weight, torch.nan)
        batch.__dict__["windows"] = Windows()
    broken.training_step(batch, 0)
    with pytest.raises(Diverged, match="another rank" if number == 0 else r"window here \(nan\)"):
        broken.stop_if_diverged(torch.zeros(()))
    dist.destroy_process_group()


class Windows:
    """Of a message."""

    def names(self):
        return ["here"] * ROWS


@pytest.fixture
def of_ranks(tmp_path):
    spawn(work, (str(tmp_path),), nprocs=RANKS)
    return [torch.load(tmp_path / f"{number}.pt", weights_only=True) for number in range(RANKS)]


def test_two_ranks_have_the_gradients_of_one_process(of_ranks):
    for arm in ARMS:
        expected = gradients(arm)
        for found in of_ranks:
            assert found[arm].keys() == expected.keys()
            for name, value in expected.items():
                if value is None:
                    assert found[arm][name] is None, (arm, name)
                else:
                    torch.testing.assert_close(
                        found[arm][name], value, rtol=1e-9, atol=1e-12,
                        msg=lambda text, at=(arm, name): f"{at}: {text}",
                    )  # fmt: skip


def test_rows_are_shared_out_once():
    shares = [Share(i, 3).rows(6, 2) for i in range(3)]
    assert np.array_equal(np.sum(shares, axis=0), np.ones(12))
    assert shares[1].tolist() == [False, False, True, True, False, False] * 2

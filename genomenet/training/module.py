"""The Lightning module: losses, metrics and the optimiser of one model."""

import math

import lightning as L
import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from genomenet.chunking.boundaries import Boundaries
from genomenet.chunking.ratio_loss import ratio_loss
from genomenet.errors import UserError
from genomenet.models.check import LEARNED
from genomenet.models.flops import flops_per_base
from genomenet.models.tokenised import make_language_model
from genomenet.nn.moe import balance_losses
from genomenet.nn.stack import Block
from genomenet.training.batch import StepBatch
from genomenet.training.callbacks import Checkpoints
from genomenet.training.compiling import compile_layers
from genomenet.training.config import RunConfig
from genomenet.training.optimiser import make_optimiser
from genomenet.training.ranks import total, world_size
from genomenet.training.static_shapes import fix_shapes
from genomenet.windows.window_batch import WindowBatch

COUNTED = ("positions", "chunks")


class Diverged(UserError):
    """The loss or the gradient is no longer a number."""


class GenomeModule(L.LightningModule):
    """Next-base cross-entropy plus a ratio loss for every learned chunker.

    Mixtures of experts add their load-balancing losses, one for each.

    Parameters
    ----------
    config : RunConfig
        The run; torch's global random state draws the weights.

    Attributes
    ----------
    rates : list of float or None
        Positions per chunk of each stage, in the training step that was logged last.
    """

    def __init__(self, config: RunConfig):
        super().__init__()
        self.config = config
        self.model = make_language_model(config.model)
        for layer in self.model.modules():
            if isinstance(layer, Block):
                layer.recomputes = config.train.activation_checkpointing
        if config.train.static_shapes:
            fix_shapes(self.model, config.data.max_length)
        if config.train.compile:
            compile_layers(self.model)
        weight = config.train.ratio_weight
        self.ratio_weights = {
            stage: weight[stage % len(weight)] if isinstance(weight, list) else weight
            for stage in range(config.model.networks().stages)
            if config.model.chunker_of(stage) in LEARNED
        }
        self.rates: list[float] | None = None
        self._totals: dict[str, Tensor] = {}
        self._micro_sums: dict[str, Tensor] = {}
        self._window_nats: list[tuple[Tensor, WindowBatch]] = []  # of this step's micro-batches

    def configure_model(self) -> None:
        """Shard the model where the strategy is to."""
        if self.device_mesh is not None:
            from genomenet.training.sharding import shard_model

            shard_model(self.model, self.device_mesh["data_parallel"])

    def forward(self, tokens_BL: Tensor, valid_BL: Tensor | None = None):
        """Score bases; see LanguageModel."""
        return self.model(tokens_BL, valid_BL)

    def training_step(self, batch: StepBatch, batch_idx: int) -> Tensor:
        """Loss of this rank's part of a micro-batch, so that a step's parts add up to its mean.

        The cross-entropy is divided by the scored weight of the whole optimiser step: however
        the step is cut into micro-batches and ranks, its gradient is the same. The losses of
        routers and of experts are those of the micro-batch on all ranks.
        """
        output = batch.scored_by(self.model)
        nats_BL = output.nats_BL
        scored_BL = batch.weights_BL > 0
        step_weight = total(nats_BL.new_full((), batch.step_weight, dtype=torch.float64))
        # Strategies take the mean of gradients over ranks, where the sum of nats is wanted.
        share = batch.micro_batches * world_size() / step_weight.where(step_weight > 0, 1)
        loss = (nats_BL * batch.weights_BL).sum() * share.to(nats_BL.dtype)
        row_B = torch.where(scored_BL, nats_BL.detach(), 0).sum(1)
        self._window_nats.append((row_B, batch.windows))
        ratios = {
            stage: ratio_loss(output.boundaries[stage], self.config.model.target(stage), total)
            for stage in self.ratio_weights
        }
        for stage, ratio in ratios.items():
            loss = loss + self.ratio_weights[stage] * ratio
        balances = balance_losses(self.model, total)
        for balance in balances:
            loss = loss + self.config.train.balance_weight * balance
        if self._logs_this_step:
            sums = _sums(nats_BL, scored_BL, ratios, output.boundaries)
            if balances:
                sums["balance_loss"] = torch.stack(balances).detach().mean()
            self._micro_sums = {
                name: self._micro_sums.get(name, 0) + value for name, value in sums.items()
            }
        return loss

    def configure_gradient_clipping(
        self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None
    ) -> None:
        """Clip by the global norm, log it, and stop when it or the loss is not finite."""
        limit = self.config.train.gradient_clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit)
        if isinstance(norm, DTensor):
            norm = norm.full_tensor()
        self.stop_if_diverged(norm)
        if self._logs_this_step:
            sums = {name: total(torch.as_tensor(value)) for name, value in self._micro_sums.items()}
            self.log_dict(
                {
                    **_metrics(sums, self.config.model.compressions),
                    "train/gradient_norm": norm,
                    "train/lr": optimizer.param_groups[0]["lr"],
                }
            )
            self.rates = _rates(sums, self.config.model.compressions)
            self._micro_sums = {}

    @property
    def _logs_this_step(self) -> bool:
        return (self.global_step + 1) % self.trainer.log_every_n_steps == 0  # type: ignore[attr-defined]

    def on_validation_epoch_start(self) -> None:
        """Forget the sums of the last validation."""
        self._totals = {}

    def validation_step(self, batch: StepBatch, batch_idx: int) -> None:
        """Add up nats, scored bases, positions and boundaries: sums don't depend on batches."""
        output = batch.scored_by(self.model)
        if batch.stands_in:
            return
        scored_BL = batch.targets_BL >= 0
        nats_BL = output.nats_BL
        self._add("nats", (nats_BL * scored_BL).double().sum())
        self._add("bases", scored_BL.sum())
        for stage, routing in enumerate(output.boundaries):
            self._add(f"positions/{stage}", routing.valid.sum())
            self._add(f"chunks/{stage}", routing.mask.sum())

    def on_validation_epoch_end(self) -> None:
        """Log the validation's means, over all ranks."""
        totals = self._totals_of_all_ranks()
        nats = totals["nats"] / totals["bases"]
        if not torch.isfinite(nats):
            raise Diverged(
                f"the validation loss is {nats.item()} after step {self.trainer.global_step}; "
                + self._advice_after_divergence()
            )
        # Lightning takes a metric of this name as the step of the row.
        self.log("step", float(self.trainer.global_step))
        self.log("val/loss", nats)
        self.log("val/perplexity", nats.exp())
        self.log("val/bits_per_base", nats / math.log(2))
        stages = range(self.config.model.compressions)
        for stage in stages:
            bases_per_chunk = totals["positions/0"] / totals[f"chunks/{stage}"]
            self.log(f"val/bases_per_chunk/stage{stage}", bases_per_chunk)
        rates = _rates(totals, self.config.model.compressions)
        flops = flops_per_base(self.config.model, self.config.data.max_length, rates)
        self.log("perf/flops_per_base", flops.total)

    def configure_optimizers(self):
        """AdamW with one learning rate a stage, and the schedule by step."""
        optimiser, scheduler = make_optimiser(self.model, self.config.model, self.config.train)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def _totals_of_all_ranks(self) -> dict[str, Tensor]:
        stages = range(self.config.model.compressions)
        names = ["nats", "bases", *(f"{what}/{s}" for s in stages for what in COUNTED)]
        zero = torch.zeros((), dtype=torch.float64, device=self.device)
        return {name: total(self._totals.get(name, zero).double()) for name in names}

    def _add(self, name: str, value: Tensor) -> None:
        self._totals[name] = self._totals[name] + value if name in self._totals else value

    def stop_if_diverged(self, norm: Tensor) -> None:
        """Stop when a loss of this step, or the norm of its gradient, is not finite.

        This is the one time that a step waits for the device.

        Raises
        ------
        Diverged
            Naming the window.
        """
        row_N = torch.cat([row_B for row_B, _ in self._window_nats])
        bad_N = ~torch.isfinite(row_N)
        # All ranks stop together: one alone would leave the others waiting.
        losses, gradient = total(bad_N.sum()) > 0, ~torch.isfinite(norm)
        if bool(losses | gradient):
            if not bool(losses):
                what, where = f"the gradient is {norm.item()}", ""
            else:
                what, where = "the loss is not finite", " in a window of another rank"
            if bool(bad_N.any()):
                names = [name for _, windows in self._window_nats for name in windows.names()]
                worst = int(bad_N.nonzero()[0])
                where = f" in window {names[worst]} ({row_N[worst].item()})"
            raise Diverged(
                f"{what} at step {self.global_step + 1}{where}; " + self._advice_after_divergence()
            )
        self._window_nats = []

    def _advice_after_divergence(self) -> str:
        savers = [c for c in self.trainer.callbacks if isinstance(c, Checkpoints)]  # type: ignore[attr-defined]
        last = savers[0].last if savers else None
        kept = f"the last good checkpoint is {last}" if last else "no checkpoint was saved yet"
        return f"{kept}; train again with a lower train.lr, or clip harder with train.gradient_clip"


def _sums(
    nats_BL: Tensor, scored_BL: Tensor, ratios: dict[int, Tensor], stages: tuple[Boundaries, ...]
) -> dict[str, Tensor]:
    """What one micro-batch adds to the sums that a step's metrics are made of."""
    sums = {
        "micro_batches": torch.ones(()),
        "nats": (nats_BL.detach() * scored_BL).sum(),
        "bases": scored_BL.sum(),
    }
    for stage, ratio in ratios.items():
        sums[f"ratio_loss/{stage}"] = ratio.detach()
    for stage, routing in enumerate(stages):
        sums[f"positions/{stage}"] = routing.valid.sum()
        sums[f"chunks/{stage}"] = routing.mask.sum()
        sums[f"probability/{stage}"] = (routing.probability.detach() * routing.valid).sum()
    return sums


def _rates(sums: dict[str, Tensor], stages: int) -> list[float]:
    """Positions per chunk of each stage."""
    return [float(sums[f"positions/{s}"] / sums[f"chunks/{s}"]) for s in range(stages)]


def _metrics(sums: dict[str, Tensor], stages: int) -> dict[str, Tensor]:
    """Metrics of a step: sums over sums; the ratio loss, a loss of micro-batches, as their mean."""
    nats = sums["nats"] / sums["bases"].clamp(1)
    metrics = {"train/loss": nats, "train/bits_per_base": nats / math.log(2)}
    if "balance_loss" in sums:
        metrics["train/balance_loss"] = sums["balance_loss"] / sums["micro_batches"]
    for stage in range(stages):
        chunks, positions = sums[f"chunks/{stage}"], sums[f"positions/{stage}"]
        if f"ratio_loss/{stage}" in sums:
            ratio = sums[f"ratio_loss/{stage}"] / sums["micro_batches"]
            metrics[f"train/ratio_loss/stage{stage}"] = ratio
        metrics[f"chunk/bases_per_chunk/stage{stage}"] = sums["positions/0"] / chunks
        metrics[f"chunk/F/stage{stage}"] = chunks / positions
        metrics[f"chunk/G/stage{stage}"] = sums[f"probability/{stage}"] / positions
    return metrics

"""A micro-batch on the device, with what the loss needs to know about its whole step."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genomenet.models.nats import Scores
from genomenet.windows.batch import to_model_inputs
from genomenet.windows.window_batch import WindowBatch


@dataclass(frozen=True)
class HostBatch:
    """Windows as the loader reads them: raw codes, before any work on the device.

    Attributes
    ----------
    windows : WindowBatch
        Those of a micro-batch, or of a whole step.
    step_weight : float
        Sum of the loss weights of this rank's part of the optimiser step.
    micro_batches : int
        Micro-batches in that step.
    stands_in : bool
        True for windows that another rank has scored: all ranks go through equally many batches.
    """

    windows: WindowBatch
    step_weight: float = 1.0
    micro_batches: int = 1
    stands_in: bool = False

    def parts(self) -> "list[HostBatch]":
        """Cut a whole step into its micro-batches, in the same memory."""
        if self.micro_batches == 1:
            return [self]
        size = len(self.windows.flip) // self.micro_batches
        return [
            replace(self, windows=self.windows.rows(part * size, (part + 1) * size))
            for part in range(self.micro_batches)
        ]


@dataclass(frozen=True)
class StepBatch:
    """A micro-batch on the device.

    Attributes
    ----------
    tokens_BL : Tensor of int64
        What the model reads: the bases shifted right by one, N first.
    targets_BL : Tensor of int64
        The bases themselves; -1 for N and padding, which are never scored.
    weights_BL : Tensor of float32
        Weight of each target in the training loss.
    valid_BL : Tensor of bool
        False at right padding.
    masked_BL : Tensor of bool
        Whether the base that the position reads is soft-masked.
    scores_BL : Tensor of float32 or None
        Score of the base that the position reads, nan where there is none; None without a track.
    windows : WindowBatch
        As they were read, for messages.
    step_weight, micro_batches, stands_in
        As in HostBatch.
    """

    tokens_BL: Tensor
    targets_BL: Tensor
    weights_BL: Tensor
    valid_BL: Tensor
    masked_BL: Tensor
    scores_BL: Tensor | None
    windows: WindowBatch
    step_weight: float
    micro_batches: int
    stands_in: bool

    @property
    def names(self) -> list[str]:
        """Each window's place in the genome."""
        return self.windows.names()

    def scored_by(self, model: Any) -> Scores:
        """Nats of every target under a model, with the boundaries that it drew.

        Parameters
        ----------
        model : LanguageModel, or anything with its `score`
            The model.
        """
        return model.score(
            self.tokens_BL,
            self.targets_BL,
            self.valid_BL,
            masked_BL=self.masked_BL,
            scores_BL=self.scores_BL,
        )


def to_device(batch: HostBatch, device: torch.device, soft_mask_weight: float = 1.0) -> StepBatch:
    """Move a micro-batch as uint8 and make the model's inputs on the device.

    Parameters
    ----------
    batch : HostBatch
        From the loader.
    device : torch.device
        Where the model is.
    soft_mask_weight : float
        Loss weight of soft-masked bases.
    """
    inputs = to_model_inputs(batch.windows, device, soft_mask_weight)
    unscored_BL = (inputs.targets >= batch.windows.alphabet.scored_codes) | ~inputs.valid
    return StepBatch(
        tokens_BL=inputs.tokens,
        targets_BL=inputs.targets.masked_fill(unscored_BL, -1),
        weights_BL=inputs.weights,
        valid_BL=inputs.valid,
        masked_BL=inputs.masked,
        scores_BL=inputs.scores,
        windows=batch.windows,
        step_weight=batch.step_weight,
        micro_batches=batch.micro_batches,
        stands_in=batch.stands_in,
    )

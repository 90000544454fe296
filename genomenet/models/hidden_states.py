"""What a layer of a model makes of a batch: the vectors that probes read."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class HiddenLayer:
    """The vectors that come out of one layer.

    Attributes
    ----------
    name : str
        Of the layer, such as "encoder 1" or "main 3"; the same for every batch.
    vectors : Tensor, shape (B, S, D)
        At bases, or at the chunks of a stage.
    valid : Tensor of bool, shape (B, S)
        Which of them are there; never padding.
    position : Tensor of int64, shape (B, S), optional
        Where each of them stands, counted in what the model was given: position 0 is the start
        symbol, position i read base i - 1. Not needed when there is one for each base in order.
    """

    name: str
    vectors: Tensor
    valid: Tensor
    position: Tensor | None = None

"""What a chunker may look at, and what it decided."""

from dataclasses import dataclass

from torch import Tensor

from genomenet.ops.packing import Packing


@dataclass(frozen=True)
class Positions:
    """What stands at the positions of a stage, beside their vectors.

    Attributes
    ----------
    valid_BL : Tensor of bool
        False at right padding.
    tokens_BL : Tensor of int64, optional
        The tokens that the model reads, at base resolution only: within a hierarchy a position
        is a chunk and has none. Position 0 is the start symbol.
    masked_BL : Tensor of bool, optional
        Whether the base that the position reads is soft-masked; base resolution only.
    scores_BL : Tensor of float32, optional
        External score of the base that the position reads, nan where there is none; base
        resolution only.
    given_BL : Tensor of bool, optional
        Boundaries imposed by the caller, which no chunker and no guard is asked about.
    packing : Packing, optional
        Of rows of chunks, where layers are to work on them without their padding.
    """

    valid_BL: Tensor
    tokens_BL: Tensor | None = None
    masked_BL: Tensor | None = None
    scores_BL: Tensor | None = None
    given_BL: Tensor | None = None
    packing: Packing | None = None


@dataclass(frozen=True)
class Boundaries:
    """At which positions the main network steps.

    With `pool: select` (H-Net) a chunk begins at each of them; with `pool: cross_attention`
    (BLT) a patch closes at each of them. Either way the decision at a position rests on that
    position and earlier ones, and the first position always decides for a boundary.

    Attributes
    ----------
    probability : Tensor of float32, shape (B, L)
        Boundary probability; 1 where a boundary is forced.
    mask : Tensor of bool, shape (B, L)
        The decisions; never true at padding.
    valid : Tensor of bool, shape (B, L)
        False at right padding.
    """

    probability: Tensor
    mask: Tensor
    valid: Tensor

    @property
    def positions_per_chunk(self) -> Tensor:
        """Achieved mean length of a chunk in positions of this stage, a scalar."""
        return self.valid.sum() / self.mask.sum()

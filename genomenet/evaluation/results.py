"""What scoring a model on held-out bases gives."""

import math
from dataclasses import dataclass
from typing import Literal

Checkpoint = Literal["before decay", "final", "best"]


@dataclass(frozen=True)
class RegionLikelihood:
    """What the bases of one class of a `RegionTrack` cost.

    Attributes
    ----------
    name : str
        The class.
    nats : float
        Summed over its scored bases.
    bases : int
        Scored bases.
    repeat_nats, repeat_bases : float, int
        The part of both that lies in repeats, by the track.
    """

    name: str
    nats: float
    bases: int
    repeat_nats: float
    repeat_bases: int


@dataclass(frozen=True)
class Likelihood:
    """Held-out likelihood of one checkpoint.

    Attributes
    ----------
    checkpoint : {"before decay", "final", "best"}
        Which weights were scored.
    nats : float
        Nats per scored base: the sum over windows divided by `bases`.
    bases : int
        Scored bases.
    window_nats : tuple of float
        Summed nats of each held-out window, in the order every arm shares.
    window_bases : tuple of int
        Scored bases of each held-out window.
    masked_nats, unmasked_nats : float
        Summed nats over soft-masked (repeat) bases and over the others (unique sequence).
    masked_bases, unmasked_bases : int
        Scored bases in each of the two.
    bases_per_chunk : tuple of float
        Achieved on the held-out windows, per stage; empty for isotropic arms.
    flops_per_base : float
        Forward FLOPs per base at the achieved chunk rate.
    regions : tuple of RegionLikelihood
        By class of base, for all classes of the track; empty without one.

    Raises
    ------
    ValueError
        When the windows and the totals contradict each other.
    """

    checkpoint: Checkpoint
    nats: float
    bases: int
    window_nats: tuple[float, ...]
    window_bases: tuple[int, ...]
    masked_nats: float
    masked_bases: int
    unmasked_nats: float
    unmasked_bases: int
    bases_per_chunk: tuple[float, ...]
    flops_per_base: float
    regions: tuple[RegionLikelihood, ...] = ()

    def __post_init__(self):
        if len(self.window_nats) != len(self.window_bases):
            raise ValueError(
                f"{len(self.window_nats)} windows have nats but {len(self.window_bases)} have bases"
            )
        if sum(self.window_bases) != self.bases:
            raise ValueError(
                f"the windows hold {sum(self.window_bases)} scored bases, 'bases' says {self.bases}"
            )
        if self.regions and sum(region.bases for region in self.regions) != self.bases:
            raise ValueError(f"the regions don't hold the {self.bases} scored bases")
        mean = sum(self.window_nats) / max(self.bases, 1)
        # A diverged arm (NaN) is a result like any other, so only finite totals are compared.
        if math.isfinite(mean) and not math.isclose(mean, self.nats, rel_tol=1e-4, abs_tol=1e-9):
            raise ValueError(f"the windows give {mean:.6f} nats per base, 'nats' says {self.nats}")

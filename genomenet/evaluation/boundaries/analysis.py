"""Everything that is asked about boundaries, of a trained model and of each of its controls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.boundaries.edges import Edges, motif_edges
from genomenet.evaluation.boundaries.motifs import Motif
from genomenet.evaluation.boundaries.profiles import Profile, edge_profiles, lookalikes
from genomenet.evaluation.boundaries.rates import boundary_rates
from genomenet.evaluation.boundaries.sources import (
    TRAINED,
    Source,
    achieved_periods,
    decide_windows,
    grid_source,
    model_sources,
)
from genomenet.evaluation.boundaries.splits import motif_splits
from genomenet.evaluation.boundaries.stability import Stability, boundary_stability
from genomenet.evaluation.boundaries.windows import BoundaryWindows, Measured
from genomenet.evaluation.subject import Subject

Mask = npt.NDArray[np.bool_]

LOOKALIKE = "look-alikes"
"""Control of edges and motifs: other places with the same bases, and words spelt backwards."""


@dataclass(frozen=True)
class Outcome:
    """What was measured of one stage of one source.

    Attributes
    ----------
    of : str
        The subject.
    control : str
        Which control of it; empty for the trained model.
    stage : int
        0 is the outermost.
    stages : int
        How many the subject has.
    period : float
        Achieved positions per chunk.
    rates, edges, splits : list of Measured
        By class, by kind of edge, by motif.
    profiles : list of Profile
        Around edges, one a kind.
    stability : list of Stability
        Under edits, and on the other strand.
    """

    of: str
    control: str
    stage: int
    stages: int
    period: float
    rates: list[Measured] = field(default_factory=list)
    edges: list[Measured] = field(default_factory=list)
    splits: list[Measured] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    stability: list[Stability] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The subject, and the stage where it has several."""
        return self.of if self.stages == 1 else f"{self.of}, stage {self.stage + 1}"


def analyse(
    subject: Subject,
    twin: Subject,
    windows: BoundaryWindows,
    gene_edges: Sequence[Edges],
    motifs: Sequence[Motif],
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> list[Outcome]:
    """Measure a model and its controls on the same windows.

    Parameters
    ----------
    subject, twin : Subject
        A hierarchical model, and the same before training.
    windows : BoundaryWindows
        Where.
    gene_edges : sequence of Edges
        Of annotation and repeats; motifs are added to them.
    motifs : sequence of Motif
        Which are looked for.
    seed : int
        Of shuffles, phases, edits, look-alikes and the bootstrap.
    progress : callable, optional
        Called with 1 for each source of boundaries that is done: the model and three controls.
    """
    edges = [*gene_edges, *(motif_edges(windows, motif) for motif in motifs)]
    others = [lookalikes(windows, one, seed) for one in edges]
    closes = subject.config is not None and subject.config.model.pool == "cross_attention"
    found: list[Outcome] = []
    sources: list[Source] = model_sources(subject, twin, seed)
    periods: list[float] = []
    while sources:
        source = sources.pop(0)
        stages = decide_windows(source, windows)
        if source.control == TRAINED:
            periods = achieved_periods(stages, windows)
            sources.append(grid_source(subject, periods, seed))
        found += _outcomes(source, windows, stages, edges, motifs, closes, seed)
        if source.control == TRAINED:
            for stage, boundary_WL in enumerate(stages):
                raised, profiles = edge_profiles(windows, boundary_WL, others, seed)
                backwards = motif_splits(windows, boundary_WL, motifs, closes, True, seed)
                found.append(
                    Outcome(
                        subject.name,
                        LOOKALIKE,
                        stage,
                        len(stages),
                        periods[stage],
                        edges=raised,
                        splits=backwards,
                        profiles=profiles,
                    )
                )
        if progress is not None:
            progress(1)
    return found


def _outcomes(
    source: Source,
    windows: BoundaryWindows,
    stages: Sequence[Mask],
    edges: Sequence[Edges],
    motifs: Sequence[Motif],
    closes: bool,
    seed: int,
) -> list[Outcome]:
    stability = boundary_stability(source, windows, stages, seed)
    periods = achieved_periods(stages, windows)
    found = []
    for stage, boundary_WL in enumerate(stages):
        position_WL = stages[stage - 1] if stage else np.ones_like(boundary_WL)
        raised, profiles = edge_profiles(windows, boundary_WL, edges, seed)
        found.append(
            Outcome(
                source.of,
                source.control,
                stage,
                len(stages),
                periods[stage],
                rates=boundary_rates(windows, boundary_WL, position_WL, seed),
                edges=raised,
                splits=motif_splits(windows, boundary_WL, motifs, closes, False, seed),
                profiles=profiles,
                stability=stability[stage],
            )
        )
    return found

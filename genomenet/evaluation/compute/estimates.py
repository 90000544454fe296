"""Estimates of where compute goes: points of curves and choices by window, with intervals."""

from dataclasses import dataclass

import numpy as np

from genomenet.evaluation.blocks import Blocks, Floats, Ints, ratio_intervals
from genomenet.evaluation.compute.choices import Choices
from genomenet.evaluation.compute.curve import Curve
from genomenet.evaluation.compute.surprise import Surprise
from genomenet.evaluation.confidence import Estimate

ONE, AHEAD, SHUFFLED, ORACLE = (
    "one threshold for all", "the window before", "shuffled", "oracle"
)  # fmt: skip


@dataclass(frozen=True)
class ComputeResult:
    """What was measured of a model.

    Attributes
    ----------
    curve : Curve
        Its points.
    choices : Choices or None
        By window, where there are thresholds on both sides of the trained one.
    surprise : list of Surprise
        Of a hierarchical model.
    """

    curve: Curve
    choices: Choices | None
    surprise: list[Surprise]

    @property
    def label(self) -> str:
        """What tables call it."""
        subject = self.curve.subject
        return subject.name if subject.comparable else f"{subject.name} (not comparable)"

    def of(self, kind: str, what: str) -> Surprise | None:
        """The correlation of a class."""
        for one in self.surprise:
            if (one.kind, one.what) == (kind, what):
                return one
        return None


@dataclass(frozen=True)
class Dealt:
    """A way to choose thresholds.

    Attributes
    ----------
    name : str
        What windows' thresholds are chosen by.
    flops_per_base : float
        What it costs.
    denser : float or None
        Share of the windows with denser boundaries than as trained.
    level : Estimate
        Nats per base; of shuffles the mean, with the range of 95 % of them.
    gap : Estimate or None
        Minus one threshold for all, paired.
    over_shuffled : Estimate or None
        Minus the mean of the shuffles, paired.
    """

    name: str
    flops_per_base: float
    denser: float | None
    level: Estimate
    gap: Estimate | None = None
    over_shuffled: Estimate | None = None


def over_blocks(nats_WC: Floats, scored_W: Ints, blocks: Blocks) -> list[Estimate]:
    """Nats per base of columns of windows, with intervals over blocks."""
    nats_KC = np.zeros((len(blocks), nats_WC.shape[1]))
    bases_KC = np.zeros(nats_KC.shape, dtype=np.int64)
    np.add.at(nats_KC, blocks.of_window, nats_WC)
    np.add.at(bases_KC, blocks.of_window, scored_W[:, None])
    return ratio_intervals(nats_KC, bases_KC)


def point_estimates(curve: Curve, blocks: Blocks) -> list[tuple[Estimate, Estimate]]:
    """Nats per base of every point, and their paired difference from the trained threshold."""
    nats_WC = np.stack([point.nats_W for point in curve.points], axis=1)
    gaps_WC = nats_WC - curve.as_trained.nats_W[:, None]
    found = over_blocks(
        np.concatenate([nats_WC, gaps_WC], axis=1), curve.as_trained.scored_W, blocks
    )
    return list(zip(found[: len(curve.points)], found[len(curve.points) :], strict=True))


def dealt_estimates(choices: Choices, blocks: Blocks) -> list[Dealt]:
    """One threshold, the choice by what came before, its shuffles, and the oracle."""
    trained = choices.curve.as_trained
    scored_W, read = trained.scored_W, int(trained.read_W.sum())
    one_W, ahead_W = trained.nats_W, choices.nats(choices.ahead_W)
    oracle_W, shuffled_DW = choices.nats(choices.oracle_W), choices.shuffled_nats()
    shuffled_W = shuffled_DW.mean(0)
    columns = (
        one_W, ahead_W, oracle_W,
        ahead_W - one_W, shuffled_W - one_W, oracle_W - one_W, ahead_W - shuffled_W,
    )  # fmt: skip
    one, ahead, oracle, ahead_gap, shuffled_gap, oracle_gap, over_shuffled = over_blocks(
        np.stack(columns, axis=1), scored_W, blocks
    )
    means_D = shuffled_DW.sum(1) / scored_W.sum()
    low, high = np.quantile(means_D, [0.025, 0.975])
    level = Estimate(
        float(means_D.mean()), float(low), float(high), 0.95, "seeds", len(means_D)
    )  # fmt: skip
    shuffled_flops = float(np.mean([choices.flops(row).sum() for row in choices.shuffled_DW]))
    trained_rate = trained.bases_per_chunk
    dense = np.array([p.bases_per_chunk < trained_rate for p in choices.curve.points])
    share = float(dense[choices.ahead_W].mean())
    return [
        Dealt(ONE, trained.flops_per_base, None, one),
        Dealt(
            AHEAD, float(choices.flops(choices.ahead_W).sum()) / read, share, ahead, ahead_gap,
            over_shuffled,
        ),
        Dealt(SHUFFLED, shuffled_flops / read, share, level, shuffled_gap),
        Dealt(
            ORACLE, float(choices.flops(choices.oracle_W).sum()) / read,
            float(dense[choices.oracle_W].mean()), oracle, oracle_gap,
        ),
    ]  # fmt: skip

"""Scores by class of base, as a table and for JSON."""

import math
from typing import Any

from genomenet.cli.terminal import text_table
from genomenet.evaluation.results import Likelihood, RegionLikelihood


def region_table(found: Likelihood) -> str:
    """One line for each class that has scored bases, the highest precedence first, and all."""
    rows = [
        (
            region.name,
            f"{region.bases:,}",
            f"{region.bases / found.bases:.2%}",
            f"{region.nats / region.bases:.4f}",
            _bits(region.nats, region.bases),
            f"{math.exp(region.nats / region.bases):.4f}",
            _bits(region.nats - region.repeat_nats, region.bases - region.repeat_bases),
            _bits(region.repeat_nats, region.repeat_bases),
        )
        for region in [*reversed(found.regions), _all(found)]
        if region.bases
    ]
    header = (
        "class", "bases", "share", "nats/base", "bits/base", "perplexity", "unique", "repeats"
    )  # fmt: skip
    return text_table(header, rows, "<>>>>>>>")


def region_record(found: Likelihood) -> dict[str, dict[str, Any]]:
    """By class, and for all bases, of which some lie in repeats and the others are unique."""
    return {
        region.name: {
            **_scores(region.nats, region.bases),
            "repeat": _scores(region.repeat_nats, region.repeat_bases),
            "unique": _scores(region.nats - region.repeat_nats, region.bases - region.repeat_bases),
        }
        for region in [*found.regions, _all(found)]
    }


def _all(found: Likelihood) -> RegionLikelihood:
    """The sums over all classes; no class can be called so, for layers have one-word names."""
    return RegionLikelihood(
        "all classes",
        math.fsum(region.nats for region in found.regions),
        found.bases,
        math.fsum(region.repeat_nats for region in found.regions),
        sum(region.repeat_bases for region in found.regions),
    )


def _scores(nats: float, bases: int) -> dict[str, Any]:
    """Means per base, none where nothing was scored; the bases come along to add up again."""
    if not bases:
        return {"bases": 0, "nats": None, "bits": None, "perplexity": None}
    mean = nats / bases
    return {
        "bases": bases,
        "nats": mean,
        "bits": mean / math.log(2),
        "perplexity": math.exp(mean),
    }


def _bits(nats: float, bases: int) -> str:
    return f"{nats / bases / math.log(2):.4f}" if bases else "-"

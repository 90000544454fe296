"""The numbers that a study's tables are sorted by, cell for cell beside the words of tables.py."""

import math

from genomenet.report.summary import Summary
from genomenet.study.results import Study

Numbers = tuple[float | None, ...]


def arm_numbers(summary: Summary) -> list[Numbers]:
    """For `arm_rows`: None where words are.

    Of several stages it is the outermost, of an interval its middle.
    """
    return [
        _finite(
            None,
            None,
            one.first.parameters,
            _first(one.first.target_bases_per_chunk),
            _first(one.bases_per_chunk),
            one.first.patcher_flops_per_base if one.first.patched else None,
            one.first.flops_per_base_nominal,
            one.flops_per_base,
            one.bases_per_second,
            one.before.centre if one.before else None,
            one.final.centre,
            one.before.centre if one.before else None,
            one.final.centre,
            (one.final.low + one.final.high) / 2,
            one.repeats,
            one.unique,
        )
        for one in summary.arms
    ]


def efficiency_numbers(summary: Summary) -> list[Numbers]:
    """For `efficiency_rows`."""
    return [
        _finite(
            None,
            None,
            pair.data.ratio,
            pair.compute.ratio,
            pair.data.target_nats,
            pair.final_difference.centre,
            None,
        )
        for pair in summary.pairs
    ]


def floor_numbers(study: Study) -> list[Numbers]:
    """For `floor_rows`."""
    return [_finite(None, one.nats, one.nats, None) for one in study.floors]


def _finite(*values: float | None) -> Numbers:
    return tuple(value if value is not None and math.isfinite(value) else None for value in values)


def _first(values: tuple[float, ...]) -> float | None:
    return values[0] if values else None

"""The tables of a report: arms, data efficiency and trivial rows, as text, Markdown and CSV."""

import csv
import io
import math
import textwrap
from collections.abc import Sequence

from genomenet.evaluation.formatting import DASH, NOTHING, compact
from genomenet.report.headline import headline
from genomenet.report.numbers import (
    basis,
    bits,
    bits_interval,
    perplexity,
    signed_bits,
    stages,
)
from genomenet.report.summary import Summary, summarise
from genomenet.study.efficiency import MatchedRatio
from genomenet.study.results import Study

WIDTH = 120
"""Columns of a terminal a table may fill."""

COST_HEADERS = (
    "chunker", "params", "bp/chunk target", "bp/chunk achieved", "patcher FLOP/base",
    "FLOP/base nominal", "FLOP/base achieved", "bases/s",
)  # fmt: skip
SCORE_HEADERS = (
    "ppl before", "ppl final", "bits before", "bits final", "interval", "repeats", "unique",
)  # fmt: skip
ARM_HEADERS = ("arm", *COST_HEADERS, *SCORE_HEADERS)
EFFICIENCY_HEADERS = (
    "hierarchical arm", "baseline", "data ratio", "FLOP ratio", "at perplexity",
    "bits after decay", "how it was read",
)  # fmt: skip
FLOOR_HEADERS = ("trivial row", "perplexity", "bits", "what it is")

Rows = list[tuple[str, ...]]


def arm_rows(summary: Summary) -> Rows:
    """Write one row per arm under `ARM_HEADERS`; bits per base from ``bits before`` on.

    FLOPs per base are those of the whole arm, its patcher included.
    """
    return [
        (
            one.label,
            one.first.chunker,
            compact(one.first.parameters),
            stages(one.first.target_bases_per_chunk),
            stages(one.bases_per_chunk),
            compact(one.first.patcher_flops_per_base) if one.first.patched else NOTHING,
            compact(one.first.flops_per_base_nominal),
            compact(one.flops_per_base),
            compact(one.bases_per_second),
            perplexity(one.before.centre if one.before else None),
            perplexity(one.final.centre),
            bits(one.before.centre if one.before else None),
            bits(one.final.centre),
            bits_interval(one.final),
            bits(one.repeats),
            bits(one.unique),
        )
        for one in summary.arms
    ]


def efficiency_rows(summary: Summary) -> Rows:
    """Write one row per pair under `EFFICIENCY_HEADERS`."""
    return [
        (
            summary.arm(pair.hierarchical).label,
            summary.arm(pair.isotropic).label,
            _ratio(pair.data),
            _ratio(pair.compute),
            perplexity(pair.data.target_nats),
            f"{signed_bits(pair.final_difference.centre)} "
            f"({signed_bits(pair.final_difference.low)} to "
            f"{signed_bits(pair.final_difference.high)}; {basis(pair.final_difference)})",
            pair.data.reason[:1].upper() + pair.data.reason[1:],
        )
        for pair in summary.pairs
    ]


def floor_rows(study: Study) -> Rows:
    """Write one row per trivial model under `FLOOR_HEADERS`."""
    return [(one.name, perplexity(one.nats), bits(one.nats), one.note) for one in study.floors]


def text_table(study: Study) -> str:
    """Write a study for the terminal: arms, trivial rows, and what is true in sentences.

    Parameters
    ----------
    study : Study
        With at least one run.

    Returns
    -------
    str
        Aligned lines of at most 120 columns, ending with the headline sentences.
    """
    summary = summarise(study)
    rows = arm_rows(summary)
    cost = ("arm", "chunker", "params", "target", "bp/chunk", "patcher", "nominal", "actual",
            "bases/s")  # fmt: skip
    score = ("arm", "ppl pre", "ppl", "bits pre", "bits", "interval", "repeats", "unique")
    last = len(COST_HEADERS) + 1
    lines = [
        "bp/chunk: bases per chunk, wanted (target) and achieved; forward FLOPs per base: of the "
        "patcher alone, of the whole",
        "arm at the target rate (nominal) and at the achieved one (actual); bases/s in training.",
        *_aligned(cost, [row[:last] for row in rows]),
        "",
        "On held-out bases; pre: before the decay; repeats and unique: bits on soft-masked bases "
        "and on the others.",
        *_aligned(score, [(row[0], *row[last:]) for row in rows]),
    ]
    if study.floors:
        lines += ["", *_aligned(FLOOR_HEADERS[:3], [row[:3] for row in floor_rows(study)])]
    lines.append("")
    for sentence in headline(summary):
        lines += textwrap.wrap(sentence, WIDTH)
    return "\n".join(lines) + "\n"


def markdown_table(study: Study) -> str:
    """Write the arms and the pairs of a study as Markdown tables with the headline below."""
    summary = summarise(study)
    lines = [*_markdown(ARM_HEADERS, arm_rows(summary)), ""]
    if summary.pairs:
        lines += [*_markdown(EFFICIENCY_HEADERS, efficiency_rows(summary)), ""]
    if study.floors:
        lines += [*_markdown(FLOOR_HEADERS, floor_rows(study)), ""]
    lines += [f"- {sentence}" for sentence in headline(summary)]
    return "\n".join(lines) + "\n"


def csv_table(study: Study) -> str:
    """Write one line per arm and seed with full precision; losses in nats and bits per base."""
    names = ("arm", "label", "seed", "family", "chunker", "main_mixer", "layout", "parameters",
             "patcher_flops_per_base", "flops_per_base_nominal", "flops_per_base_achieved",
             "target_bases_per_chunk", "bases_per_chunk",
             "training_bases", "bases_per_second", "nats_before_decay", "nats_final",
             "perplexity_before_decay", "perplexity_final",
             "bits_per_base_before_decay", "bits_per_base_final", "bits_per_base_repeats",
             "bits_per_base_unique")  # fmt: skip
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for run in study.runs:
        last = run.final
        before = run.before_decay
        writer.writerow(
            (run.arm, run.label, run.seed, run.family, run.chunker, run.main_mixer, run.layout,
             run.parameters, run.patcher_flops_per_base, run.flops_per_base_nominal,
             last.flops_per_base, " ".join(map(str, run.target_bases_per_chunk)),
             " ".join(map(str, last.bases_per_chunk)), run.training_bases, run.bases_per_second,
             before.nats if before else "", last.nats,
             math.exp(before.nats) if before else "", math.exp(last.nats),
             before.nats / math.log(2) if before else "", last.nats / math.log(2),
             _mean_bits(last.masked_nats, last.masked_bases),
             _mean_bits(last.unmasked_nats, last.unmasked_bases))
        )  # fmt: skip
    return stream.getvalue()


def _ratio(found: MatchedRatio) -> str:
    """Write a ratio with its interval, or a dash when it was refused."""
    if found.ratio is None:
        return NOTHING
    if found.interval is None:
        return f"{found.ratio:.2f} (one seed)"
    return f"{found.ratio:.2f} ({found.interval.low:.2f}{DASH}{found.interval.high:.2f})"


def _mean_bits(nats: float, bases: int) -> float | str:
    """Bits per base, or nothing without bases."""
    return nats / bases / math.log(2) if bases else ""


def _aligned(headers: Sequence[str], rows: Rows) -> list[str]:
    """Lay rows out in columns; the first is cut so that a line fits the terminal."""
    table = [tuple(headers), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(headers))]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else 1
    spare = WIDTH - sum(widths[1:]) - gap * (len(widths) - 1)
    widths[0] = max(8, min(widths[0], spare))
    lines = []
    for row in table:
        name = row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 1] + "…"
        cells = [name.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append((" " * gap).join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return lines


def _markdown(headers: Sequence[str], rows: Rows) -> list[str]:
    """Lay rows out as a Markdown table."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    return lines + [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows
    ]

"""Tables and charts of held-out likelihood: overall, by class, codon, contig and position."""

import math

import numpy as np

from genomenet.evaluation.base_kinds import (
    ALL,
    IN_REPEAT,
    MASKED,
    UNMASKED,
    classes_of,
    codon_positions,
)
from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.findings import Cell, Chart, Column, Table
from genomenet.evaluation.likelihood.record import achieved_flops, bases_per_chunk
from genomenet.evaluation.likelihood.scoring import (
    OVERALL,
    Scoring,
    bits,
    bounds,
    perplexity,
    series,
)
from genomenet.evaluation.scored_arms import (
    Arm,
    Scored,
    by_contig,
    by_groups,
    by_position,
    estimates,
)
from genomenet.models.flops import flops_per_base

MOST_CONTIGS = 40
Parts = tuple[list[Table], list[Chart]]


def windows_table(scoring: Scoring) -> Table:
    """How much was scored, and what was left out."""
    unit, first = scoring.unit, scoring.arms[0].first.forward
    empty = int((first.bases_W == 0).sum())
    row = (
        scoring.held_out.what,
        len(scoring.tiles) - empty,
        scoring.tiles.n_only_tiles + empty,
        int(first.bases_W.sum()),
        len(set(scoring.blocks.contigs)),
        len(scoring.blocks),
        scoring.blocks.block_bp,
    )
    names = ("windows", "N-only windows", f"{unit}s", "contigs", "blocks", f"{unit}s/block")
    columns = (Column("scored"), *(Column(name, "count") for name in names))
    caption = "Windows of N only have nothing to score: they are counted here and averaged nowhere."
    return Table("windows", "What was scored", caption, columns, (row,))


def overall_table(scoring: Scoring) -> Table:
    """One row a model, controls and the uniform row last."""
    unit = scoring.unit
    rows = [
        _overall(Arm(one.subject.name, (one,)), one, scoring)
        for arm in scoring.all_arms
        for one in arm.seeds
    ]
    codes = scoring.held_out.genome.alphabet.scored_codes
    rows.append(("uniform", rows[0][1], codes, math.log(codes), math.log2(codes)) + (None,) * 9)
    number = [
        (f"{unit}s", "count", 0),
        ("perplexity", "number", 4),
        (f"nats/{unit}", "number", 4),
        (f"bits/{unit}", "number", 4),
        ("95 % interval", "number", 4),
        ("forward", "number", 4),
        ("reverse", "number", 4),
        ("unique", "number", 4),
        ("repeats", "number", 4),
        (f"{unit}s/chunk", "text", 0),
        (f"FLOPs/{unit} nominal", "compact", 0),
        (f"FLOPs/{unit} achieved", "compact", 0),
        ("parameters", "compact", 0),
    ]
    return Table(
        "overall",
        "Held-out likelihood",
        f"Perplexity, nats and bits are per {unit}"
        + (", over both strands" if scoring.both_strands else "")
        + f". Unique and repeats (soft mask), forward and reverse are bits per {unit}.",
        (Column("model"), *(Column(*one) for one in number)),  # type: ignore[arg-type]
        tuple(rows),
    )


def _overall(arm: Arm, model: Scored, scoring: Scoring) -> tuple[Cell, ...]:
    subject, length_bp = model.subject, scoring.tiles.length_bp
    whole, unique, repeats = estimates(arm, by_groups([ALL, UNMASKED, MASKED]))
    (forward,) = estimates(arm, by_groups([ALL], strand="forward"))
    (reverse,) = estimates(arm, by_groups([ALL], strand="reverse"))
    config = subject.config
    achieved = achieved_flops(subject, model.forward, length_bp)
    return (
        subject.name,
        int(model.forward.bases_W.sum()),
        perplexity(whole.centre),
        None if math.isnan(whole.centre) else whole.centre,
        bits(whole.centre),
        bounds(whole),
        bits(forward.centre),
        bits(reverse.centre),
        bits(unique.centre),
        bits(repeats.centre),
        " / ".join(f"{rate:.2f}" for rate in bases_per_chunk(model.forward)) or None,
        flops_per_base(config.model, length_bp).total if config else None,
        achieved if math.isfinite(achieved) else None,
        subject.parameters,
    )


def seeds_tables(scoring: Scoring) -> list[Table]:
    """Arms of two or more seeds: their mean, and how much seeds change it."""
    rows = []
    for arm in scoring.arms:
        if len(arm.seeds) > 1:
            (one,) = estimates(arm, OVERALL)
            rows.append((arm.name, one.n, perplexity(one.centre), bits(one.centre), bounds(one)))
    columns = (
        Column("arm"), Column("seeds", "count"), Column("perplexity", decimals=4, format="number"),
        Column(f"bits/{scoring.unit}", "number", 4), Column("95 % interval", "number", 4),
    )  # fmt: skip
    caption = "Student t over seeds, which windows are no substitute for."
    return [Table("seeds", "Over seeds", caption, columns, tuple(rows))] if rows else []


def class_parts(scoring: Scoring) -> Parts:
    """By class of base and by repeat."""
    regions = scoring.held_out.regions
    if regions is None:
        return [], []
    first = scoring.arms[0].first.forward
    bases_G = first.bases_GK.sum(1)
    kinds = [kind for kind in classes_of(regions.classes) if bases_G[kind.groups].any()]
    sets = [kind.groups for kind in kinds]
    whole = by_groups(sets + [one & ~IN_REPEAT for one in sets] + [one & IN_REPEAT for one in sets])
    rows: list[tuple[Cell, ...]] = []
    drawn = []
    for arm in scoring.all_arms:
        found = estimates(arm, whole)
        drawn.append(series(arm, tuple(kind.name for kind in kinds), found[: len(kinds)]))
        for i, kind in enumerate(kinds):
            one, unique, repeat = found[i :: len(kinds)]
            bases = int(bases_G[kind.groups].sum())
            rows.append(
                (
                    arm.name,
                    kind.name,
                    bases,
                    bases / int(bases_G.sum()),
                    int(bases_G[kind.groups & IN_REPEAT].sum()),
                    None if math.isnan(one.centre) else one.centre,
                    bits(one.centre),
                    bounds(one),
                    perplexity(one.centre),
                    bits(unique.centre),
                    bounds(unique),
                    bits(repeat.centre),
                    bounds(repeat),
                    _chunks(arm, kind.groups),
                )
            )
    unit = scoring.unit
    columns = (
        Column("model"), Column("class"), Column(f"{unit}s", "count"), Column("share", "share", 2),
        Column("in repeats", "count"), Column(f"nats/{unit}", "number", 4),
        Column(f"bits/{unit}", "number", 4), Column("95 % interval", "number", 4),
        Column("perplexity", "number", 4), Column("unique", "number", 4),
        Column("unique 95 %", "number", 4), Column("repeats", "number", 4),
        Column("repeats 95 %", "number", 4), Column(f"{unit}s/chunk"),
    )  # fmt: skip
    title = f"By class of {unit}, the highest precedence first"
    caption = (
        f"Unique and repeats are bits per {unit} of the class outside and inside repeats, by the "
        f"annotation; {unit}s per chunk are those of the class for each boundary on one of them."
    )
    chart = Chart(
        "by-class-chart", f"Bits by class of {unit}", "Intervals: 95 %.", "dots",
        f"bits per {unit}", "class", tuple(drawn),
    )  # fmt: skip
    return [Table("by-class", title, caption, columns, tuple(rows))], [chart]


def _chunks(arm: Arm, groups: np.ndarray) -> str | None:
    """Bases of a kind for each boundary that was laid on one, by stage; of the first seed."""
    sums = arm.first.forward
    decided = int(sums.decided_G[groups].sum())
    counts = [int(chunks_G[groups].sum()) for chunks_G in sums.chunks_SG]
    return " / ".join(f"{decided / one:.2f}" if one else "—" for one in counts) or None


def codon_parts(scoring: Scoring) -> Parts:
    """By place in the codon, read along the gene and against it."""
    regions = scoring.held_out.regions
    places = codon_positions(regions.classes) if regions is not None else []
    breakdown = by_groups(
        [kind.groups for _, _, kind in places], [kind.reverse for _, _, kind in places]
    )
    if not places or not breakdown(scoring.arms[0].first)[1].any():
        return [], []
    bases = breakdown(scoring.arms[0].first)[1].sum(0)
    rows: list[tuple[Cell, ...]] = []
    drawn = []
    for arm in scoring.all_arms:
        found = estimates(arm, breakdown)
        drawn.append(series(arm, tuple(kind.name for _, _, kind in places), found))
        rows += [
            (arm.name, direction, place, int(count), *_cells(one))
            for (direction, place, _), count, one in zip(places, bases, found, strict=True)
        ]
    columns = (
        Column("model"), Column("read"), Column("codon position", "count"),
        Column(f"{scoring.unit}s read", "count"), *_columns(scoring.unit),
    )  # fmt: skip
    caption = (
        "Sense is reading along the gene, antisense against it; positions are counted along the "
        "gene in both. "
        + ("Each base is read once each way." if scoring.both_strands else "One strand was read.")
    )
    chart = Chart(
        "by-codon-position-chart", "Bits by codon position", "Intervals: 95 %.", "dots",
        f"bits per {scoring.unit}", "codon position", tuple(drawn),
    )  # fmt: skip
    table = Table("by-codon-position", "By codon position", caption, columns, tuple(rows))
    return [table], [chart]


def contig_parts(scoring: Scoring) -> Parts:
    """By contig, the longest scored first; the chart only for more than one."""
    block_bases = scoring.arms[0].first.forward.bases_GK.sum(0)
    totals: dict[str, int] = {}
    for contig, bases in zip(scoring.blocks.contigs, block_bases.tolist(), strict=True):
        totals[contig] = totals.get(contig, 0) + bases
    names = [name for name in sorted(totals, key=lambda name: -totals[name]) if totals[name]]
    shown = names[:MOST_CONTIGS]
    rows: list[tuple[Cell, ...]] = []
    drawn = []
    for arm in scoring.all_arms:
        found = estimates(arm, by_contig(scoring.blocks, shown))
        drawn.append(series(arm, tuple(shown), found))
        rows += [
            (arm.name, name, totals[name], *_cells(one))
            for name, one in zip(shown, found, strict=True)
        ]
    caption = f"The {len(shown)} of {len(names)} contigs with most scored {scoring.unit}s."
    columns = (
        Column("model"), Column("contig"), Column(f"{scoring.unit}s", "count"),
        *_columns(scoring.unit),
    )  # fmt: skip
    table = Table("by-contig", "By contig", caption, columns, tuple(rows))
    chart = Chart(
        "by-contig-chart", "Bits by contig", "Intervals: 95 %.", "dots",
        f"bits per {scoring.unit}", "contig", tuple(drawn),
    )  # fmt: skip
    return ([table], [chart]) if len(shown) > 1 else ([], [])


def position_parts(scoring: Scoring) -> Parts:
    """By position in the window: how much context helps."""
    unit, length = scoring.unit, scoring.tiles.length_bp
    bins = len(scoring.arms[0].first.forward.nats_PK)
    ranges = [(0, 1)] + [(1 << p, min(2 << p, length)) for p in range(bins - 1)]
    bases = by_position(scoring.arms[0].first)[1].sum(0)
    rows: list[tuple[Cell, ...]] = []
    drawn = []
    for arm in scoring.all_arms:
        found = estimates(arm, by_position)
        middle = tuple(math.sqrt((first + 1) * last) for first, last in ranges)
        drawn.append(series(arm, middle, found))
        rows += [
            (arm.name, first, last - 1, int(count), *_cells(one))
            for (first, last), count, one in zip(ranges, bases, found, strict=True)
        ]
    columns = (
        Column("model"), Column("from", "count"), Column("to", "count"),
        Column(f"{unit}s read", "count"), *_columns(unit),
    )  # fmt: skip
    caption = f"Position 0 is the first {unit} that is read: nothing is known before it."
    chart = Chart(
        "by-position-chart", "Bits by position in the window", caption, "lines",
        f"{unit}s read, itself included", f"bits per {unit}", tuple(drawn), log_x=True,
    )  # fmt: skip
    table = Table("by-position", "By position in the window", caption, columns, tuple(rows))
    return [table], [chart]


def _cells(one: Estimate) -> tuple[Cell, ...]:
    return bits(one.centre), bounds(one)


def _columns(unit: str) -> tuple[Column, ...]:
    return Column(f"bits/{unit}", "number", 4), Column("95 % interval", "number", 4)

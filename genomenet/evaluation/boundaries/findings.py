"""Findings of boundaries: tables, charts, sentences and notes put together."""

from collections.abc import Sequence

from genomenet.evaluation.boundaries.analysis import LOOKALIKE, Outcome
from genomenet.evaluation.boundaries.edges import GENE_EDGES, REPEAT_EDGES
from genomenet.evaluation.boundaries.profiles import FAR_BP, NEAR_BP, REACH
from genomenet.evaluation.boundaries.sentences import boundary_sentences
from genomenet.evaluation.boundaries.sources import CONTROLS
from genomenet.evaluation.boundaries.stability import STABILITY_WINDOWS
from genomenet.evaluation.boundaries.tables import (
    profile_charts,
    rate_summary,
    ratio_chart,
    ratio_table,
    stability_chart,
    stability_table,
)
from genomenet.evaluation.boundaries.windows import BoundaryWindows
from genomenet.evaluation.findings import Findings

_NOTES = (
    "A boundary stands at the base after which a stage decided to step: there a chunk begins (a "
    "patch of BLT ends). Bases of N are left out. Intervals are 95 % bootstrap percentiles over "
    "blocks of neighbouring windows; none is given when fewer than ten blocks have part in it.",
    "Controls: the untrained twin (the same architecture, random weights, same windows); the "
    "trained model on windows whose bases are shuffled so that dinucleotide counts stay, while "
    "annotation and soft mask stay in place; a grid of the trained model's mean chunk length with "
    "a random phase in each window; and for edges and motifs look-alikes: other places with the "
    "same two bases before and behind, and words spelt backwards.",
    "A boundary at base i rests on bases up to i only. Edges on the minus strand are read by the "
    "model from the other side, and both are averaged.",
)


def boundary_findings(
    outcomes: Sequence[Outcome],
    windows: BoundaryWindows,
    created: str,
    command: str,
    version: str,
    inputs: dict[str, str],
    notes: Sequence[str],
) -> Findings:
    """Everything that was found.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of all subjects and their controls.
    windows : BoundaryWindows
        Where it was measured.
    created, command, version, inputs
        As in `Findings`.
    notes : sequence of str
        What else is to be said of how it was measured.
    """
    every = (*CONTROLS, LOOKALIKE)
    rates = (
        "rates",
        "Boundary rate by class of base and place in codons",
        "Boundaries per position that the stage decides on. Ratio: over the rate of all bases; for "
        "places in codons over that of all three.",
    )
    edges = (
        "edges",
        "Boundaries at edges",
        f"Rate within {NEAR_BP} bases of the edge over the rate {FAR_BP} to {REACH} bases away.",
    )
    splits = (
        "motifs",
        "Chunks that a motif touches",
        "1 is never split. Ratio: over the mean of all stretches of that length in the same "
        "windows; below 1 the motif is split less than chance.",
    )
    return Findings(
        kind="boundaries",
        title="Where boundaries fall",
        created=created,
        command=command,
        version=version,
        inputs=inputs,
        sentences=tuple(boundary_sentences(outcomes)),
        tables=(
            rate_summary(outcomes),
            ratio_table(
                *rates, ("class", "positions", "rate"), outcomes, lambda o: o.rates, CONTROLS
            ),
            ratio_table(*edges, ("edge", "edges", "rate"), outcomes, lambda o: o.edges, every),
            ratio_table(
                *splits,
                ("motif", "instances", "chunks"),
                outcomes,
                lambda o: o.splits,
                every,
                False,
            ),
            stability_table(outcomes),
        ),
        charts=(
            ratio_chart("rate-dots", *rates[1:], outcomes, lambda o: o.rates, CONTROLS),
            ratio_chart("edge-dots", *edges[1:], outcomes, lambda o: o.edges, every),
            ratio_chart("motif-dots", *splits[1:], outcomes, lambda o: o.splits, every),
            stability_chart(outcomes),
            *profile_charts(outcomes, (*GENE_EDGES, *REPEAT_EDGES)),
        ),
        notes=(
            *_NOTES,
            f"There are {len(windows)} windows, in {len(windows.blocks)} blocks of "
            f"{windows.blocks.block_bp:,} bp; edits and the other strand are tried on at most "
            f"{STABILITY_WINDOWS} of them, evenly spread.",
            *notes,
        ),
    )

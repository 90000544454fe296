"""Tasks made of held-out windows of a run: balanced, and no block is both learned and tested."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.genome.alphabet import decode, reverse_complement
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.probes.task import TEST, TRAIN

COLUMNS = ("split", "label", "sequence", "contig", "start", "end", "strand")

SpotsOf = Callable[[Interval, np.random.Generator], "list[Spot]"]


@dataclass(frozen=True)
class Spot:
    """A window and its label.

    Attributes
    ----------
    place : Interval
        Where it is.
    strand : str
        "+" or "-": which way it is read.
    label : str
        Its class.
    """

    place: Interval
    strand: str
    label: str


def cut_blocks(intervals: Sequence[Interval], block_bp: int) -> list[Interval]:
    """Cut intervals into blocks; what is left over at their ends makes shorter ones."""
    return [
        Interval(whole.contig, start, min(whole.end, start + block_bp))
        for whole in intervals
        for start in range(whole.start, whole.end, block_bp)
    ]


def draw_spots(
    blocks: Sequence[Interval],
    spots_of: SpotsOf,
    labels: Sequence[str],
    most: int,
    seed: int,
    what: str,
) -> dict[str, list[Spot]]:
    """Draw balanced windows for learning and for testing, from different blocks.

    Parameters
    ----------
    blocks : sequence of Interval
        Disjoint.
    spots_of : callable
        The windows of a block, all within it.
    labels : sequence of str
        Classes.
    most : int
        Windows of a class and split.
    seed : int
        Of all draws.
    what : str
        Name of the task, for errors.

    Returns
    -------
    dict of str to list of Spot
        By split; each class as often as the rarest one, or `most` times. Two thirds of the blocks
        are for learning: they are dealt one by one, those with most windows of rare classes
        first, so that small annotations leave some for both.

    Raises
    ------
    UserError
        When a class has fewer than two windows in one of the splits.
    """
    generator = np.random.default_rng(seed)
    of_block = [spots_of(block, generator) for block in blocks]
    total = {label: sum(s.label == label for own in of_block for s in own) for label in labels}
    rarest = min(labels, key=lambda label: total[label])
    order = generator.permutation(len(blocks)).tolist()
    order.sort(key=lambda one: -sum(spot.label == rarest for spot in of_block[one]))
    dealt: dict[str, list[Spot]] = {TRAIN: [], TEST: []}
    for turn, number in enumerate(order):
        dealt[TEST if turn % 3 == 1 else TRAIN] += of_block[number]
    found = {}
    for split, spots in dealt.items():
        by_label = {label: [spot for spot in spots if spot.label == label] for label in labels}
        fewest = min(by_label, key=lambda label: len(by_label[label]))
        count = min(most, len(by_label[fewest]))
        if count < 2:
            raise UserError(
                f"the held-out bases have {len(by_label[fewest])} windows of '{fewest}' for the "
                f"{split} rows of the task {what}; hold out more, or take smaller blocks or windows"
            )
        drawn = [
            own[int(row)]
            for own in by_label.values()
            for row in generator.permutation(len(own))[:count]
        ]
        found[split] = sorted(drawn, key=lambda spot: (spot.place, spot.strand))
    return found


def write_tasks(
    folder: Path, genome: Genome, tasks: dict[str, dict[str, list[Spot]]], record: dict[str, Any]
) -> None:
    """Write NAME.csv for each task, and tasks.json with what they were made of, all or nothing.

    The tables are as those of recipes: 0-based, half-open, sequences in upper case and in the
    direction of their strand.

    Raises
    ------
    UserError
        When the folder exists already.
    """
    if folder.exists():
        raise UserError(f"{folder} exists already; delete it or name another with --out")
    with whole_folder(folder) as temporary:
        for name, splits in tasks.items():
            with (temporary / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
                _write_rows(handle, genome, splits)
        text = json.dumps(record, indent=2)
        (temporary / "tasks.json").write_text(f"{text}\n", encoding="utf-8")


def _write_rows(handle: IO[str], genome: Genome, splits: dict[str, list[Spot]]) -> None:
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(COLUMNS)
    for split, spots in splits.items():
        for spot in spots:
            codes = genome.read(spot.place.contig, spot.place.start, spot.place.end)
            letters = decode(reverse_complement(codes) if spot.strand == "-" else codes)
            place = (spot.place.contig, spot.place.start, spot.place.end, spot.strand)
            writer.writerow((split, spot.label, letters, *place))

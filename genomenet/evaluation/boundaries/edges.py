"""Annotated edges inside windows: splice sites, codons, starts of transcripts, repeats, motifs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genomenet.annotation.annotation import annotation_features
from genomenet.annotation.feature import Feature
from genomenet.annotation.region_classes import (
    ACCEPTOR,
    CLASS_BITS,
    CODING,
    DONOR,
    MINUS,
    PLUS,
    PROMOTER,
    UTR_3,
    UTR_5,
)  # fmt: skip
from genomenet.annotation.region_features import KINDS, contig_regions
from genomenet.evaluation.base_kinds import CODONS
from genomenet.evaluation.boundaries.motifs import Motif, word_starts
from genomenet.evaluation.boundaries.windows import BoundaryWindows
from genomenet.genome.contig_names import ContigNames, KnownRows

DONORS, ACCEPTORS, STARTS, STOPS, TRANSCRIPTS = (
    "splice donor",
    "splice acceptor",
    "start codon",
    "stop codon",
    "transcription start",
)
GENE_EDGES = (DONORS, ACCEPTORS, STARTS, STOPS, TRANSCRIPTS)
REPEAT_EDGES = ("repeat start", "repeat end")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Edges:
    """Edges of one kind.

    Attributes
    ----------
    kind : str
        Such as "splice donor".
    window_E, place_E : ndarray of int64, shape (edges,)
        Window, and offset in it of the first base behind the edge in reading direction: the first
        base of an intron, exon, codon, transcript, repeat or motif.
    step_E : ndarray of int64, shape (edges,)
        1 where the edge is read along the window, -1 where on the other strand.
    """

    kind: str
    window_E: Ints
    place_E: Ints
    step_E: Ints

    def __len__(self) -> int:
        return self.window_E.size


def annotated_edges(windows: BoundaryWindows, path: Path, names: ContigNames) -> list[Edges]:
    """Edges that an annotation file tells; every place once, however many transcripts share it.

    Parameters
    ----------
    windows : BoundaryWindows
        Where they are looked for.
    path : Path
        GTF, GFF3, GenBank or EMBL.
    names : ContigNames
        What it may call the contigs.

    Raises
    ------
    UserError
        A file that can't be read, or that has nothing on the genome's contigs.
    """
    wanted = {place.contig for place in windows.places}
    features: dict[str, list[Feature]] = defaultdict(list)
    rows = KnownRows(names, path)
    for feature in annotation_features(path, KINDS):
        own = rows.find(feature.interval.contig, feature.interval.end)
        if own in wanted:
            features[own].append(feature)
    rows.check()
    found: dict[str, set[tuple[str, int, int]]] = {kind: set() for kind in GENE_EDGES}
    for contig, own_rows in features.items():
        # A promoter from 0 bases before a transcript to 1 in it is the transcript's first base.
        regions = contig_regions(own_rows, names.lengths_bp[contig], 0, 1)
        for (name, strand), ranges in regions.ranges.items():
            kind = {DONOR: DONORS, ACCEPTOR: ACCEPTORS, PROMOTER: TRANSCRIPTS}.get(name)
            if kind is None or strand not in {"+", "-"}:
                continue
            step = 1 if strand == "+" else -1
            for start, end in ranges:
                first, behind = (start, end) if step == 1 else (end - 1, start - 1)
                # The first base of an exon lies behind the acceptor's two bases.
                found[kind].add((contig, behind if name == ACCEPTOR else first, step))
        for row in own_rows:
            kind = {"start_codon": STARTS, "stop_codon": STOPS}.get(row.kind)
            # A codon that an intron splits has no edge of its own at its second part.
            if kind is None or row.strand == "." or row.interval.length_bp != 3:
                continue
            plus = row.strand == "+"
            place = row.interval.start if plus else row.interval.end - 1
            found[kind].add((contig, place, 1 if plus else -1))
    return [_in_windows(kind, windows, sorted(places)) for kind, places in found.items()]


def track_edges(windows: BoundaryWindows) -> list[Edges]:
    """Edges as classes of the region track change; without an annotation file.

    A track keeps one class a base, so that edges under another gene are not seen, and it has no
    starts of transcripts.
    """
    classes = windows.classes
    found: dict[str, list[tuple[int, int, int]]] = {kind: [] for kind in GENE_EDGES[:4]}
    if not classes:
        return []
    coding = {classes.index(name) for name in (CODING, *CODONS)}
    for row, group_L in enumerate(windows.group_WL):
        length = windows.places[row].length_bp
        for step, strand in ((1, PLUS), (-1, MINUS)):
            group = group_L[:length][::step]
            own = np.where((group & (PLUS | MINUS)) == strand, group & CLASS_BITS, -1)
            is_coding = np.isin(own, list(coding))
            before, after = own[:-1], own[1:]
            donor, acceptor = classes.index(DONOR), classes.index(ACCEPTOR)
            places = {
                DONORS: np.flatnonzero((before != donor) & (after == donor)) + 1,
                ACCEPTORS: np.flatnonzero((before == acceptor) & (after != acceptor)) + 1,
                STARTS: np.flatnonzero((before == classes.index(UTR_5)) & is_coding[1:]) + 1,
                STOPS: np.flatnonzero(is_coding[:-1] & (after == classes.index(UTR_3))) - 2,
            }
            for kind, offsets in places.items():
                found[kind] += [
                    (row, int(i) if step == 1 else length - 1 - int(i), step)
                    for i in offsets
                    if i >= 0
                ]
    return [_edges(kind, rows) for kind, rows in found.items()]


def repeat_edges(windows: BoundaryWindows) -> list[Edges]:
    """Where the soft mask begins and ends, along the window."""
    found: dict[str, list[tuple[int, int, int]]] = {kind: [] for kind in REPEAT_EDGES}
    for row in range(len(windows)):
        change = np.diff(windows.masked(row).astype(np.int8))
        for kind, sign in zip(REPEAT_EDGES, (1, -1), strict=True):
            found[kind] += [(row, int(i) + 1, 1) for i in np.flatnonzero(change == sign)]
    return [_edges(kind, rows) for kind, rows in found.items()]


def motif_edges(windows: BoundaryWindows, motif: Motif, word: str = "") -> Edges:
    """The first base of every instance on either strand; a palindrome counts once.

    Parameters
    ----------
    windows : BoundaryWindows
        Where it is looked for.
    motif : Motif
        Gives name and word.
    word : str
        Another word in place of the motif's own.
    """
    one = Motif(motif.name, word or motif.word)
    window, start = np.nonzero(word_starts(one.word, windows.codes_WL))
    step = np.ones(window.size, dtype=np.int64)
    if one.reverse_complement != one.word:
        other, back = np.nonzero(word_starts(one.reverse_complement, windows.codes_WL))
        window, start = np.append(window, other), np.append(start, back + len(one.word) - 1)
        step = np.append(step, -np.ones(other.size, dtype=np.int64))
    return Edges(one.name, window.astype(np.int64), start.astype(np.int64), step)


def _in_windows(
    kind: str, windows: BoundaryWindows, places: Iterable[tuple[str, int, int]]
) -> Edges:
    by_contig: dict[str, list[int]] = defaultdict(list)
    for number, here in enumerate(windows.places):
        by_contig[here.contig].append(number)
    numbers = {name: np.array(own) for name, own in by_contig.items()}
    starts = {
        name: np.array([windows.places[i].start for i in own]) for name, own in numbers.items()
    }
    rows = []
    for contig, place, step in places:
        # Windows of a contig come in the order of their starts and don't overlap.
        i = int(np.searchsorted(starts[contig], place, side="right")) - 1
        if i >= 0:
            window = int(numbers[contig][i])
            if windows.places[window].start <= place < windows.places[window].end:
                rows.append((window, place - windows.places[window].start, step))
    return _edges(kind, rows)


def _edges(kind: str, rows: Sequence[tuple[int, int, int]]) -> Edges:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Edges(kind, columns[:, 0], columns[:, 1], columns[:, 2])

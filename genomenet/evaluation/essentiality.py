"""Gene essentiality: how much less likely a stop cassette makes what follows it."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genomenet.errors import UserError
from genomenet.evaluation.edits import Edit
from genomenet.evaluation.findings import Cell, Column, Findings, Table
from genomenet.evaluation.ranking import auroc, block_draws, interval
from genomenet.genome.alphabet import N_CODE, encode, reverse_complement
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import Genome
from genomenet.genome.opening import text_lines

CASSETTE = "TAATAATAATAGTGA"
BEHIND_START_CODON = 12
START_CODON = 3
_COLUMNS = ("contig", "start", "end", "strand", "label")


@dataclass(frozen=True)
class Gene:
    """A coding sequence with a label.

    Attributes
    ----------
    contig : str
        The genome's own name.
    start, end : int
        0-based, half-open, whatever the strand.
    strand : {"+", "-"}
        Which one it is read on.
    label : int
        1 for essential.
    organism : str
        Groups the macro mean; the contig when the table has no such column.
    """

    contig: str
    start: int
    end: int
    strand: str
    label: int
    organism: str


def read_genes(path: Path, names: ContigNames) -> Iterator[Gene]:
    """Stream a table of genes, CSV or TSV: contig, start (from 0), end, strand, label, organism.

    Raises
    ------
    UserError
        With file and line: a missing column, or a row that is no gene of the genome.
    """
    lines = text_lines(path)
    _, first = next(lines, (0, ""))
    separator = "\t" if "\t" in first else ","
    header = [name.strip().lower() for name in first.strip().split(separator)]
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise UserError(f"{path}: the header has no column {', '.join(missing)}; name it so")
    for number, line in lines:
        if not line.strip():
            continue
        cells = next(csv.reader([line.rstrip("\r\n")], delimiter=separator))
        row = dict(zip(header, cells, strict=False))
        try:
            contig = names.resolve(row["contig"])
            start, end, label = int(row["start"]), int(row["end"]), int(row["label"])
            if row["strand"] not in {"+", "-"} or label not in {0, 1}:
                raise ValueError
            if not 0 <= start < end <= names.lengths_bp[contig]:
                raise ValueError
        except (KeyError, ValueError):
            raise UserError(
                f"{path}: line {number} is no gene of this genome; give start (from 0) before end "
                "within the contig, strand + or -, label 0 or 1"
            ) from None
        except UserError as error:
            raise UserError(f"{path}: line {number}: {error}") from None
        yield Gene(contig, start, end, row["strand"], label, row.get("organism", "") or contig)


def cassette_edits(
    genome: Genome,
    gene: Gene,
    contig_bp: int,
    length_bp: int,
    generator: np.random.Generator,
    skipped: Counter[str],
) -> tuple[Edit, Edit, float] | None:
    """The knock-out of a gene and its control, on the gene's strand.

    Parameters
    ----------
    genome, gene, contig_bp : Genome, Gene, int
        Which gene, and how long its contig is.
    length_bp : int
        Of the window, which is centred on the gene and stops at the contig's ends.
    generator : Generator
        Of the control's bases.
    skipped : Counter
        Told why a gene has no knock-out.

    Returns
    -------
    tuple or None
        The edit with the cassette, one with as many random bases in its place, and the GC share
        of the window.
    """
    if gene.end - gene.start < START_CODON + BEHIND_START_CODON + len(CASSETTE):
        skipped["gene too short for the cassette"] += 1
        return None
    middle = (gene.start + gene.end) // 2
    first = max(middle - length_bp // 2, 0)
    last = min(first + length_bp, contig_bp)
    codes = genome.read(gene.contig, first, last)
    mask = genome.read_mask(gene.contig, first, last)
    at = gene.start - first
    if gene.strand == "-":
        codes, mask, at = reverse_complement(codes), mask[::-1], last - gene.end
    at += START_CODON + BEHIND_START_CODON
    if at < 0 or at + len(CASSETTE) > codes.size:
        skipped["start of the gene outside the window"] += 1
        return None
    edits = []
    for bases in (encode(CASSETTE), generator.integers(4, size=len(CASSETTE)).astype(np.uint8)):
        after = codes.copy()
        after[at : at + len(CASSETTE)] = bases
        edits.append(Edit(codes, after, mask, mask))
    known = codes[codes < N_CODE]
    gc = float(np.isin(known, (1, 2)).mean()) if known.size else 0.5
    return edits[0], edits[1], gc


def essentiality_findings(
    genes: list[Gene],
    predictors: dict[str, tuple[str, np.ndarray]],
    upstream: float,
    inputs: dict[str, str],
    notes: tuple[str, ...],
    created: str,
    command: str,
    version: str,
) -> Findings:
    """AUROC of every score, as the mean over organisms and pooled.

    Parameters
    ----------
    genes : list of Gene
        Those that were scored.
    predictors : dict of str to (str, ndarray)
        Kind and values of every score, higher for essential.
    upstream : float
        The largest difference of the nats of a base in front of a cassette.
    inputs, notes, created, command, version
        As of `Findings`.
    """
    label = np.array([gene.label for gene in genes], dtype=np.float64)
    names, of_gene = np.unique([gene.organism for gene in genes], return_inverse=True)
    usable = [i for i in range(names.size) if 0 < label[of_gene == i].sum() < (of_gene == i).sum()]
    if not usable:
        raise UserError("no organism has essential and other genes; nothing can be ranked")
    alone = len(usable) == 1
    rows: list[tuple[Cell, ...]] = []
    for name, (kind, values) in predictors.items():
        each = np.array([auroc(label[of_gene == i], values[of_gene == i]) for i in usable])
        if alone:
            kept = np.flatnonzero(of_gene == usable[0])
            bounds = interval(
                lambda at, kept=kept, values=values: auroc(label[kept[at]], values[kept[at]]),
                block_draws(np.arange(kept.size)),
            )
        else:
            bounds = interval(
                lambda at, each=each: float(each[at].mean()), block_draws(np.arange(each.size))
            )
        rows.append((name, kind, len(usable), float(each.mean()), bounds, auroc(label, values)))
    table = Table(
        "essentiality",
        "Essential against other genes",
        "Macro: plain mean over organisms. Pooled mixes organisms of different base composition, "
        "whose levels differ for other reasons than essentiality: don't compare by it.",
        (
            Column("score"), Column("kind"), Column("organisms", "count"), Column("macro AUROC"),
            Column("95 %"), Column("pooled AUROC"),
        ),
        tuple(rows),
    )  # fmt: skip
    said = [f"Intervals are over {'genes' if alone else 'organisms'}."]
    for name, kind, _, centre, (low, high), _ in rows:  # type: ignore[misc]
        if kind == "model":
            tells = "below" if high < 0.5 else "above" if low > 0.5 else "not told from"  # type: ignore[operator]
            said.append(f"{name}: macro AUROC {centre:.3f}, {tells} chance.")
    said.append(f"Self-check: upstream of the cassette a base changes by at most {upstream:.2g}.")
    return Findings(
        "essentiality", "Gene essentiality, zero-shot", created, command, version, inputs,
        tuple(said), (table,), (), notes,
    )  # fmt: skip

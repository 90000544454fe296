"""Stream variants from VCF or from a table, checked against the genome."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genomenet.errors import UserError, nearest
from genomenet.genome.alphabet import decode
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import Genome
from genomenet.genome.opening import text_lines

_COLUMNS = {
    "contig": ("chrom", "contig", "chr", "#chrom", "chromosome"),
    "pos": ("pos", "pos1", "position"),
    "start": ("start",),
    "ref": ("ref", "reference"),
    "alt": ("alt", "alternate"),
    "id": ("id", "name", "variant"),
}
_LABELS = {
    **dict.fromkeys(("1", "true", "pathogenic", "likely_pathogenic", "causal"), 1),
    **dict.fromkeys(("0", "false", "benign", "likely_benign", "neutral", "common"), 0),
}
_BASES = re.compile("[ACGT]+")


@dataclass(frozen=True)
class Variant:
    """One alternative allele.

    Attributes
    ----------
    contig : str
        The genome's own name.
    start : int
        0-based place of the first reference base.
    ref, alt : str
        Upper-case bases, at least one each.
    id : str
        As in the file; may be empty.
    label : int or None
        1 for pathogenic, 0 for benign, None without one.
    score : float
        A measured number; nan without one.
    group : str
        A class; empty without one.
    line : int
        In the file, from 1.
    """

    contig: str
    start: int
    ref: str
    alt: str
    id: str = ""
    label: int | None = None
    score: float = math.nan
    group: str = ""
    line: int = 0

    @property
    def end(self) -> int:
        """Behind the last reference base."""
        return self.start + len(self.ref)


@dataclass(frozen=True)
class VariantColumns:
    """Columns of a table, or INFO keys of a VCF, that tell more of a variant; empty for none."""

    label: str = ""
    score: str = ""
    group: str = ""


def read_variants(
    path: str | Path,
    genome: Genome,
    names: ContigNames,
    columns: VariantColumns,
    skipped: Counter[str],
    skip_misfits: bool = False,
) -> Iterator[Variant]:
    """Stream the variants of a file.

    Parameters
    ----------
    path : str or Path
        VCF, or CSV or TSV with a header; plain or gzip. `pos` counts from 1, `start` from 0.
    genome : Genome
        Whose bases the reference alleles must be.
    names : ContigNames
        Of the genome.
    columns : VariantColumns
        What else to read; the column `label` of a table is read by itself.
    skipped : Counter
        Told what is left out, by reason, while streaming.
    skip_misfits : bool
        Leave out, and count, variants whose contig or reference allele is not the genome's.

    Yields
    ------
    Variant
        One for each alternative allele, in file order.

    Raises
    ------
    UserError
        With file and line: what is no variant, an unknown contig, a place outside it, a reference
        allele that the genome doesn't have there.
    """
    path = Path(path)
    for number, row in _rows(path, columns):
        where = f"{path}: line {number}"
        contig = names.find(row["contig"])
        if contig is None and skip_misfits:
            skipped["contig that the genome doesn't have"] += 1
            continue
        label = _label(row.get("label", ""), bool(columns.label), skipped)
        score = _number(row.get("score", ""), where)
        try:
            start = int(row["start"]) if "start" in row else int(row["pos"]) - 1
        except ValueError:
            raise UserError(
                f"{where}: '{row.get('start', row.get('pos'))}' is no position; give whole numbers"
            ) from None
        ref = row["ref"].upper()
        for alt in row["alt"].upper().split(","):
            reason = _unscorable(ref, alt)
            if reason:
                skipped[reason] += 1
                continue
            try:
                contig = contig or names.resolve(row["contig"])
                if start < 0:
                    raise UserError("positions begin at 1")
                if start + len(ref) > names.lengths_bp[contig]:
                    raise UserError(f"'{contig}' ends at {names.lengths_bp[contig]:,}")
            except UserError as error:
                raise UserError(f"{where}: {error}") from None
            found = decode(genome.read(contig, start, start + len(ref)))
            if found != ref:
                if not skip_misfits:
                    raise UserError(
                        f"{where}: the reference allele is {ref}, and the genome has {found} at "
                        f"{contig}:{start + 1}; give the genome of the same assembly, or leave "
                        "such variants out with --mismatches skip"
                    )
                skipped["reference allele differs from the genome"] += 1
                continue
            group = row.get("group", "")
            yield Variant(contig, start, ref, alt, row.get("id", ""), label, score, group, number)


def _unscorable(ref: str, alt: str) -> str:
    """Why a pair of alleles can't be scored; empty when it can."""
    if alt in {"", "."}:
        return "no alternative allele"
    if alt == "*":
        return "allele deleted by another variant"
    if alt.startswith("<"):
        return "symbolic allele"
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return "breakend"
    if not (_BASES.fullmatch(ref) and _BASES.fullmatch(alt)):
        return "letters other than A, C, G, T"
    return "alternative equals reference" if ref == alt else ""


def _label(text: str, asked: bool, skipped: Counter[str]) -> int | None:
    """What all submitters agree on; after a comma or bar come remarks on other things."""
    verdicts = re.split("[,|]", text.strip().lower().replace(" ", "_"))[0]
    found = {_LABELS.get(one.strip("_")) for one in re.split("[;/]", verdicts)}
    label = found.pop() if len(found) == 1 else None
    if label is None and asked:
        skipped["scored, but its label is of neither kind"] += 1
    return label


def _number(text: str, where: str) -> float:
    if text in {"", ".", "NA", "nan"}:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{where}: the score '{text}' is no number") from None


def _rows(path: Path, columns: VariantColumns) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields under our names, of either format."""
    lines = ((number, line.rstrip("\r\n")) for number, line in text_lines(path))
    number, first = next(lines, (0, ""))
    if not first:
        raise UserError(f"{path} is empty; give a VCF, or a table with a header")
    if not first.startswith("##fileformat=VCF") and not first.startswith("#CHROM\tPOS"):
        yield from _table_rows(path, lines, first, columns)
        return
    for number, line in lines:
        if not line or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) < 5:
            raise UserError(f"{path}: line {number}: {len(cells)} columns; a VCF has at least 5")
        row = {"contig": cells[0], "pos": cells[1], "ref": cells[3], "alt": cells[4]}
        row["id"] = "" if cells[2] == "." else cells[2]
        info = dict(
            entry.partition("=")[::2] for entry in (cells[7] if len(cells) > 7 else "").split(";")
        )
        for ours in ("label", "score", "group"):
            row[ours] = info.get(getattr(columns, ours), "") if getattr(columns, ours) else ""
        yield number, row


def _table_rows(
    path: Path, lines: Iterator[tuple[int, str]], first: str, columns: VariantColumns
) -> Iterator[tuple[int, dict[str, str]]]:
    separator = "\t" if "\t" in first else ","
    header = next(csv.reader([first], delimiter=separator))
    places = {name.strip().lower(): place for place, name in enumerate(header)}
    found: dict[str, int] = {}
    for ours, theirs in _COLUMNS.items():
        for name in theirs:
            if name in places:
                found.setdefault(ours, places[name])
    missing = [one for one in ("contig", "ref", "alt") if one not in found]
    missing += [] if {"pos", "start"} & set(found) else ["pos (from 1) or start (from 0)"]
    if missing:
        raise UserError(f"{path}: the header has no column {', '.join(missing)}; name it so")
    for ours in ("label", "score", "group"):
        asked = getattr(columns, ours) or ("label" if ours == "label" else "")
        if asked.lower() in places:
            found[ours] = places[asked.lower()]
        elif getattr(columns, ours):
            raise UserError(f"{path} has no column '{asked}'{nearest(asked, header)}")
    for number, line in lines:
        if not line:
            continue
        cells = next(csv.reader([line], delimiter=separator))
        if len(cells) != len(header):
            raise UserError(
                f"{path}: line {number}: {len(cells)} columns, and the header has {len(header)}"
            )
        yield number, {ours: cells[place].strip() for ours, place in found.items()}

"""Find the genome's own name of a contig that another file calls differently."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from genomenet.errors import UserError, nearest
from genomenet.genome.contig_aliases import read_aliases
from genomenet.genome.contigs import Contig, ContigTable
from genomenet.genome.intervals import BedLine, Interval, bed_lines
from genomenet.genome.refseq import BY_ACCESSION

_UNKNOWN_CONTIG = "contigs the genome lacks"
_BEYOND_THE_END = "beyond the contig's end"
_MITOCHONDRIA = ("M", "MT")
# UCSC builds names of scaffolds out of GenBank accessions: chr1_KI270706v1_random, KI270706.1.
_SCAFFOLD = re.compile(r"(?:[^_]+_)?([A-Z]{1,6}\d{5,})v(\d+)(?:_random|_alt|_fix)?")
_REMEDY = (
    "use files of the same assembly, or give a table of names (data.aliases, --aliases), such as "
    "UCSC's chromAlias.txt or NCBI's assembly_report.txt"
)


class ContigNames:
    """The names of one genome's contigs, and how other files may call them.

    Tried in this order: the name itself; the alias table; and the rules, as long as exactly one
    contig fits: with and without "chr", M or MT for the mitochondrion, RefSeq accessions of
    human and mouse chromosomes whose length fits (GRCh37, GRCh38, T2T-CHM13v2.0, GRCm39), and
    GenBank accessions within UCSC's names of scaffolds.

    Parameters
    ----------
    contigs : sequence of Contig
        Those of the genome; looked through at the first question.
    genome_name : str
        What to call the genome in error messages.
    aliases : Path, optional
        Table of names; see `genomenet.genome.contig_aliases`.

    Raises
    ------
    UserError
        When the alias table can't be read or names no contig of the genome.
    """

    def __init__(
        self,
        contigs: Sequence[Contig],
        genome_name: str = "the genome",
        aliases: str | Path | None = None,
    ) -> None:
        self.contigs = contigs
        self._genome_name = genome_name
        self._found: dict[str, str | None] = {}
        self._aliases: dict[str, set[str]] = {}
        self._aliases_path = Path(aliases) if aliases else None
        if self._aliases_path is not None:
            self._take_aliases(self._aliases_path)

    @cached_property
    def _table(self) -> ContigTable:
        return ContigTable(self.contigs, self._genome_name)

    @cached_property
    def lengths_bp(self) -> dict[str, int]:
        """Length of every contig, by the genome's own names."""
        return {contig.name: contig.length_bp for contig in self.contigs}

    @cached_property
    def _by_rule(self) -> dict[str, set[str]]:
        names: dict[str, set[str]] = {}
        for name in self.lengths_bp:
            names.setdefault(_bare(name), set()).add(name)
        return names

    def find(self, name: str) -> str | None:
        """Return the genome's own name of contig `name`, or None unless exactly one fits."""
        if name in self.lengths_bp:
            return name
        if name not in self._found:
            fits = self._fits(name)
            sure = name in self._aliases or (fits and not self._misfit(name, fits[0]))
            self._found[name] = fits[0] if len(fits) == 1 and sure else None
        return self._found[name]

    def resolve(self, name: str) -> str:
        """Return the genome's own name of contig `name`.

        Raises
        ------
        UserError
            When the genome has no such contig, telling what was tried; when several fit; when
            the accession is that of another assembly's chromosome.
        """
        own = self.find(name)
        if own is None:
            raise UserError(f"{self._why_not(name)}; {_REMEDY}")
        return own

    def place(self, interval: Interval) -> Interval:
        """Return `interval` under the genome's own name of its contig.

        Raises
        ------
        UserError
            As `resolve`, and when the contig ends before the interval does.
        """
        own = self.resolve(interval.contig)
        self._table.check(own, interval.start, interval.end)
        return interval if own == interval.contig else Interval(own, interval.start, interval.end)

    def match(self, theirs: Iterable[str], path: str | Path) -> dict[str, str]:
        """Return which of a file's contigs is each of the genome's, by the genome's own names.

        A contig of that very name goes before one that may be it.

        Raises
        ------
        UserError
            When two others may be the same contig.
        """
        matched: dict[str, str] = {}
        # Exact names come last, so that they stay.
        for name in sorted(theirs, key=self.lengths_bp.__contains__):
            own = self.find(name)
            if own is not None:
                other = matched.get(own)
                if other is not None and own != name:
                    raise UserError(
                        f"{path}: '{other}' and '{name}' may both be the contig '{own}' of "
                        f"{self._genome_name}; leave one of them out"
                    )
                matched[own] = name
        return matched

    def _fits(self, name: str) -> list[str]:
        return sorted(self._aliases.get(name) or self._by_rule.get(_bare(name)) or ())

    def _misfit(self, name: str, own: str) -> str:
        """Why the accession `name` (or `own`) can't be the other; empty when it can."""
        known = BY_ACCESSION.get(name) or BY_ACCESSION.get(own)
        if not known or known.length_bp == self.lengths_bp[own]:
            return ""
        return (
            f"chromosome {known.name} of {known.assembly} has {known.length_bp:,} bases, and "
            f"'{own}' has {self.lengths_bp[own]:,}"
        )

    def _why_not(self, name: str) -> str:
        fits = self._fits(name)
        if len(fits) > 1:
            return f"'{name}' may be any of {self._genome_name}'s contigs {', '.join(fits)}"
        if fits:
            return f"{self._genome_name} has no contig '{name}': {self._misfit(name, fits[0])}"
        hint = nearest(name, self.lengths_bp) or f"; its first is '{self.contigs[0].name}'"
        table = f" and {self._aliases_path}" if self._aliases_path else ""
        return (
            f"{self._genome_name} has no contig '{name}'{hint} (tried with and without 'chr', M "
            f"and MT, RefSeq and GenBank accessions{table})"
        )

    def _take_aliases(self, path: Path) -> None:
        first = ""
        for names in read_aliases(path):
            first = first or names[0]
            own = {name for name in names if name in self.lengths_bp}
            if not own:
                likely = {other for name in names for other in self._by_rule.get(_bare(name), ())}
                own = {
                    other
                    for other in likely
                    if not any(self._misfit(name, other) for name in names)
                }
            for name in names:
                self._aliases.setdefault(name, set()).update(own)
        self._aliases = {name: own for name, own in self._aliases.items() if own}
        if not self._aliases:
            raise UserError(
                f"{path} names no contig of {self._genome_name}: its first line begins with "
                f"'{first}', the genome's first contig is '{self.contigs[0].name}'; give the "
                "table of this assembly, with the genome's own names among the others"
            )


class KnownRows:
    """Keeps the rows of a file that lie on the genome and counts the others.

    Annotations also list scaffolds that a genome lacks, and tracks may be of a longer release.
    Such rows are left out and told; a file without one row on the genome is an error.

    Parameters
    ----------
    names : ContigNames
        Of the genome.
    path : str or Path
        The file, for messages.

    Attributes
    ----------
    left_out : dict of str to int
        Rows left out so far, by reason.
    """

    def __init__(self, names: ContigNames, path: str | Path) -> None:
        self._names = names
        self._path = path
        self._kept = 0
        self._unknown = ""
        self.left_out = {_UNKNOWN_CONTIG: 0, _BEYOND_THE_END: 0}

    def find(self, contig: str, end: int) -> str | None:
        """Return the genome's own name of a row's contig, or None for a row to leave out."""
        own = self._names.find(contig)
        if own is None:
            self._unknown = self._unknown or contig
            self.left_out[_UNKNOWN_CONTIG] += 1
        elif end > self._names.lengths_bp[own]:
            self.left_out[_BEYOND_THE_END] += 1
            own = None
        else:
            self._kept += 1
        return own

    def check(self) -> None:
        """Raise UserError when not one row was on the genome; to be called after the last one."""
        if self._kept:
            return
        if self._unknown:
            try:
                self._names.resolve(self._unknown)
            except UserError as error:
                raise UserError(f"{self._path} says nothing of the genome: {error}") from None
        raise UserError(
            f"{self._path} says nothing of the genome; give a file that annotates this assembly"
        )


def placed_bed_lines(path: str | Path, names: ContigNames) -> Iterator[BedLine]:
    """Stream the lines of a BED file under the genome's own names of contigs.

    Raises
    ------
    UserError
        With file and line: as `genomenet.genome.intervals.bed_lines`, for a contig that the
        genome lacks, and for an interval that leaves its contig.
    """
    for row in bed_lines(path):
        try:
            yield row._replace(interval=names.place(row.interval))
        except UserError as error:
            raise UserError(f"{path}: line {row.line}: {error}") from None


def _bare(name: str) -> str:
    """What is left of a name without its naming style; names of the same contig agree in it."""
    if name in BY_ACCESSION:
        return BY_ACCESSION[name].name
    scaffold = _SCAFFOLD.fullmatch(name)
    if scaffold:
        return f"{scaffold[1]}.{scaffold[2]}"
    bare = name[3:] if name[:3].lower() == "chr" and len(name) > 3 else name
    return "MT" if bare.upper() in _MITOCHONDRIA else bare

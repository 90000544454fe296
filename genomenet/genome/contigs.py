"""Contigs of a genome, how to find one by name, and the digest of a genome's content."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from genomenet.errors import UserError, nearest
from genomenet.genome.opening import Hasher


@dataclass(frozen=True, slots=True)
class Contig:
    """One sequence of a genome: a chromosome, scaffold, plasmid or slice.

    Attributes
    ----------
    name : str
        First word of the FASTA header, or accession with version of GenBank and EMBL.
    length_bp : int
        Number of bases, N included.
    offset : int
        Position of its first base in the concatenation of all contigs.
    """

    name: str
    length_bp: int
    offset: int


class ContigTable:
    """The contigs of one genome by name, with errors that name the genome and the remedy.

    Parameters
    ----------
    contigs : iterable of Contig
        In the order of the files.
    genome : str
        What to call the genome in error messages, usually its path.
    """

    def __init__(self, contigs: Iterable[Contig], genome: str) -> None:
        self.contigs = tuple(contigs)
        self._by_name = {contig.name: contig for contig in self.contigs}
        self._genome = genome

    def named(self, name: str) -> Contig:
        """Return the contig called `name`, or raise UserError with the nearest name."""
        try:
            return self._by_name[name]
        except KeyError:
            hint = nearest(name, self._by_name) or f"; its first is '{self.contigs[0].name}'"
            raise UserError(f"{self._genome} has no contig '{name}'{hint}") from None

    def check(self, name: str, start: int, end: int) -> Contig:
        """Return the contig when it holds bases `start` to `end`, or raise UserError."""
        contig = self.named(name)
        if not 0 <= start <= end <= contig.length_bp:
            raise UserError(
                f"{self._genome}: {name}:{start:,}-{end:,} is not inside contig '{name}', "
                f"which runs from 0 to {contig.length_bp:,}"
            )
        return contig


def content_digest(contigs: Iterable[Contig], content: Hasher) -> str:
    """Digest a genome's content, whatever the file wrapping, compression or order of blocks.

    Parameters
    ----------
    contigs : iterable of Contig
        Their names and lengths, in order, are part of the content.
    content : Hasher
        SHA-256 over all contigs, concatenated. Of nucleotides four bits a base, the code below the
        soft-mask flag, the first of two bases in the low half of a byte
        (`genomenet.genome.content.ContentScan`); of text the bytes.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    table = json.dumps([[contig.name, contig.length_bp] for contig in contigs])
    return hashlib.sha256(f"{table}\n{content.hexdigest()}".encode()).hexdigest()

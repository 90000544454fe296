"""Import sequence files into a genome store, whole or not at all."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.genome.alphabet import NotNucleotides
from genomenet.genome.content import ContentScan
from genomenet.genome.letter_blocks import LetterBlocks
from genomenet.genome.opening import Hasher, sha256_of
from genomenet.genome.sources import (
    is_plain_fasta,
    not_nucleotides_error,
    record_place,
    source_pieces,
)
from genomenet.genome.store import GenomeStore
from genomenet.genome.store_writer import SourceRecord, StoreWriter

_PROGRESS_BP = 16_000_000


def import_genome(
    sources: Sequence[Path], out: Path, progress: Callable[[int], object] | None = None
) -> GenomeStore:
    """Make a genome store out of FASTA, 2bit, GenBank or EMBL files.

    Parameters
    ----------
    sources : sequence of Path
        Their contigs follow each other in this order.
    out : Path
        Folder to make. When it already holds a store of the same content, that is returned.
    progress : callable, optional
        Called with the number of bases newly imported, about every 16 Mb.

    Returns
    -------
    GenomeStore

    Raises
    ------
    UserError
        A source that cannot be read, a letter that is no nucleotide, a contig without bases or
        twice, or an `out` that holds something else. Nothing is left behind.
    """
    sources, out = [Path(source) for source in sources], Path(out)
    if not sources:
        raise UserError("no file to import; give at least one FASTA, 2bit, GenBank or EMBL file")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        return _reuse(out, sources)
    try:
        with whole_folder(out) as folder:
            _write(sources, folder, progress or (lambda bases: None))
    except OSError as error:
        raise UserError(
            f"the import into {out} failed: {error.filename or out}: {error.strerror}"
        ) from error
    return GenomeStore(out)


def _write(sources: list[Path], folder: Path, progress: Callable[[int], object]) -> None:
    writer = StoreWriter(folder)
    try:
        writer.finish(_read_sources(sources, writer.blocks, progress))
    finally:
        writer.close()


def _read_sources(
    sources: list[Path], blocks: LetterBlocks, progress: Callable[[int], object]
) -> list[SourceRecord]:
    seen: dict[str, Path] = {}
    return [
        read_source(
            path, blocks, seen, progress, None if is_plain_fasta(path) else hashlib.sha256()
        )
        for path in sources
    ]


def read_source(
    path: Path,
    blocks: LetterBlocks,
    seen: dict[str, Path],
    progress: Callable[[int], object],
    hasher: Hasher | None = None,
    prefix: str = "",
) -> SourceRecord:
    """Read one sequence file into `blocks`.

    Parameters
    ----------
    path : Path
        The file.
    blocks : LetterBlocks
        Takes the contigs.
    seen : dict of str to Path
        The file of every contig so far; those of this file are added.
    progress : callable
        Called with the number of bases newly read, about every 16 Mb.
    hasher : Hasher, optional
        Fed with the file's bytes as they are on disk.
    prefix : str
        Stands before the names of the contigs in `blocks`.

    Raises
    ------
    UserError
        As `import_genome`.
    """
    ambiguity, uracil = blocks.ambiguity_to_n, blocks.uracil_to_t
    ordinal, told_bp = 0, blocks.length_bp
    letters = b""
    try:
        for name, letters in source_pieces(path, hasher):
            if name is not None:
                if ordinal:
                    _check_has_bases(path, blocks, ordinal)
                ordinal += 1
                if name in seen:
                    raise UserError(
                        f"{path}: {record_place(path, ordinal)}: the contig '{name}' was already "
                        f"read from {seen[name]}; rename or remove one of the two"
                    )
                seen[name] = path
                blocks.begin(prefix + name)
            if letters:
                blocks.append(letters)
            if blocks.length_bp - told_bp >= _PROGRESS_BP:
                progress(blocks.length_bp - told_bp)
                told_bp = blocks.length_bp
    except NotNucleotides:
        raise not_nucleotides_error(path, ordinal, letters) from None
    _check_has_bases(path, blocks, ordinal)
    if blocks.length_bp > told_bp:
        progress(blocks.length_bp - told_bp)
    return SourceRecord(
        file=path.name,
        size_bytes=path.stat().st_size,
        sha256=hasher.hexdigest() if hasher else None,
        ambiguity_to_n=blocks.ambiguity_to_n - ambiguity,
        uracil_to_t=blocks.uracil_to_t - uracil,
    )


def _check_has_bases(path: Path, blocks: LetterBlocks, ordinal: int) -> None:
    if blocks.contig_length_bp == 0:
        raise UserError(
            f"{path}: {record_place(path, ordinal)}: the contig '{blocks.contig_name}' has no "
            "bases; remove the record or download the file again"
        )


def _reuse(out: Path, sources: list[Path]) -> GenomeStore:
    remedy = "choose another folder or delete it"
    try:
        store = GenomeStore(out)
    except UserError as error:
        raise UserError(
            f"{out} already exists and is not a usable store ({error}); {remedy}"
        ) from None
    if not _same_files(store, sources) and content_digest_of(sources) != store.digest:
        files = ", ".join(source.file for source in store.sources)
        raise UserError(f"{out} already holds a genome made from other files ({files}); {remedy}")
    return store


def _same_files(store: GenomeStore, sources: list[Path]) -> bool:
    """Whether the files are, byte for byte, those the store remembers."""
    known = [source.sha256 for source in store.sources]
    return None not in known and known == [sha256_of(path) for path in sources]


def content_digest_of(sources: list[Path]) -> str:
    """Return the digest that an import of `sources` would have, without storing anything."""
    scan = ContentScan()
    blocks = LetterBlocks(scan.feed)
    _read_sources(sources, blocks, lambda bases: None)
    blocks.finish()
    return scan.digest(blocks.contigs())

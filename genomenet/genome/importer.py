"""Import sequence files into a genome store, whole or not at all."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.genome.alphabet import NotNucleotides, pack
from genomenet.genome.opening import open_bytes
from genomenet.genome.sources import not_nucleotides_error, record_place, source_pieces
from genomenet.genome.store import GenomeStore
from genomenet.genome.store_writer import SourceRecord, StoreWriter


def import_genome(
    sources: Sequence[Path], out: Path, progress: Callable[[int], object] | None = None
) -> GenomeStore:
    """Make a genome store out of FASTA, GenBank or EMBL files.

    Parameters
    ----------
    sources : sequence of Path
        Their contigs follow each other in this order.
    out : Path
        Folder to make. When it already holds a store made from the same files, that is returned.
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
        raise UserError("no file to import; give at least one FASTA, GenBank or EMBL file")
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
    seen: dict[str, Path] = {}
    try:
        records = [_write_source(path, writer, seen, progress) for path in sources]
        writer.finish(records)
    finally:
        writer.close()


def _write_source(
    path: Path, writer: StoreWriter, seen: dict[str, Path], progress: Callable[[int], object]
) -> SourceRecord:
    hasher = hashlib.sha256()
    ambiguity, uracil = writer.ambiguity_to_n, writer.uracil_to_t
    ordinal = 0
    for name, letters in source_pieces(path, hasher):
        if name is not None:
            if ordinal:
                _check_has_bases(path, writer, ordinal)
            ordinal += 1
            if name in seen:
                raise UserError(
                    f"{path}: {record_place(path, ordinal)}: the contig '{name}' was already "
                    f"read from {seen[name]}; rename or remove one of the two"
                )
            seen[name] = path
            writer.begin(name)
        try:
            packed = pack(letters)
        except NotNucleotides:
            raise not_nucleotides_error(path, ordinal, letters) from None
        writer.append(packed)
        if packed.size:
            progress(packed.size)
    _check_has_bases(path, writer, ordinal)
    return SourceRecord(
        file=path.name,
        size_bytes=path.stat().st_size,
        sha256=hasher.hexdigest(),
        ambiguity_to_n=writer.ambiguity_to_n - ambiguity,
        uracil_to_t=writer.uracil_to_t - uracil,
    )


def _check_has_bases(path: Path, writer: StoreWriter, ordinal: int) -> None:
    if writer.contig_length_bp == 0:
        raise UserError(
            f"{path}: {record_place(path, ordinal)}: the contig '{writer.contig_name}' has no "
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
    wanted = [_sha256(path) for path in sources]
    if [source.sha256 for source in store.sources] != wanted:
        files = ", ".join(source.file for source in store.sources)
        raise UserError(f"{out} already holds a genome made from other files ({files}); {remedy}")
    return store


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with open_bytes(path, hasher):
        # Leaving the block reads the file to its end.
        pass
    return hasher.hexdigest()

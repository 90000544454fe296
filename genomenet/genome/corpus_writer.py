"""Build a corpus: read what is new into shards, and write the tables that make them one."""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.genome.contig_columns import ContigColumns
from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.corpus_manifest import WantedMember, read_members
from genomenet.genome.corpus_record import (
    CORPUS_FILE,
    SHARDS_FOLDER,
    CorpusRecord,
    MemberRow,
    index_name,
    is_corpus,
    read_record,
)
from genomenet.genome.corpus_shard import ShardMember, read_shard
from genomenet.genome.corpus_workers import ShardTask, write_shards
from genomenet.locks import NO_LOCKS

SHARD_BP = 256_000_000
# Below this, starting a process takes longer than reading the shard.
_MIN_SHARD_BP = 4_000_000
# A corpus built at once has no more than so many, for each takes two file descriptors when open.
_MAX_SHARDS = 200
_LOCK_FILE = ".build.lock"
_BASES_A_BYTE = {".gz": 3.5, ".bgz": 3.5, ".2bit": 4.0}

Shards = dict[str, list[ShardMember]]
Held = dict[str, tuple[str, ShardMember]]


def build_corpus(
    sources: Sequence[str | Path],
    out: str | Path,
    workers: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> GenomeCorpus:
    """Make a corpus, add genomes to one, change species or weights, or go on with a build.

    Genomes that are in already stay as they are, whether they are named again or not.

    Parameters
    ----------
    sources : sequence of str or Path
        Manifests, folders, patterns, sequence files: see `corpus_manifest.read_members`.
    out : str or Path
        Folder of the corpus.
    workers : int
        Processes to read with.
    progress : callable, optional
        Called with about how many bases there are to read, and how many were read newly.

    Returns
    -------
    GenomeCorpus

    Raises
    ------
    UserError
        A wrong manifest, a file that can't be read, a member whose file has changed since it was
        read, an `out` that holds something else or that is being built by another process.
        Shards that were finished are kept, and the corpus is as it was before.
    """
    out = Path(out)
    if workers < 1:
        raise UserError(
            f"a corpus can't be built by {workers} workers; give at least 1, or leave --workers out"
        )
    wanted = read_members(sources)
    _check_folder(out)
    (out / SHARDS_FOLDER).mkdir(parents=True, exist_ok=True)
    with _only_build(out) as locked:
        if locked:
            _remove_unfinished(out)
        record = CorpusRecord((), {}, {}, "")
        if (out / CORPUS_FILE).exists():
            record, _ = read_record(out)
        shards = _shards(out)
        held = _held(record, shards)
        new = _take(wanted, held, shards)
        tasks = _plan(new, workers, out / SHARDS_FOLDER, shards)
        expected = sum(expected_bp(member.file) for member in new)
        try:
            write_shards(tasks, workers, partial(progress, expected) if progress else _silent)
        except OSError as error:
            raise UserError(
                f"the build of {out} failed: {error.filename or out}: {error.strerror}; the same "
                "command goes on where it stopped"
            ) from error
        for task in tasks:
            shards[task.folder.name] = read_shard(task.folder)
            held |= {one.name: (task.folder.name, one) for one in shards[task.folder.name]}
        _write_tables(out, wanted, record, held, shards)
    return GenomeCorpus(out)


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; give a folder for the corpus")
    if out.is_dir() and not is_corpus(out) and any(out.iterdir()):
        raise UserError(f"{out} already holds something that is no corpus; choose another folder")


@contextmanager
def _only_build(out: Path) -> Iterator[bool]:
    """Keep other builds out, until this process ends in whatever way; tell whether that worked."""
    with (out / _LOCK_FILE).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            raise UserError(
                f"{out} is being built by another process; wait until it has ended"
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            locked = False
        yield locked


def _remove_unfinished(out: Path) -> None:
    """Remove what a killed build had not finished, maybe on another machine of a cluster."""
    for pattern in (f".{CORPUS_FILE}.*", ".index-*", f"{SHARDS_FOLDER}/.*"):
        for path in out.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _shards(out: Path) -> Shards:
    return {
        folder.name: read_shard(folder)
        for folder in sorted((out / SHARDS_FOLDER).iterdir())
        if folder.name.isdigit()
    }


def _held(record: CorpusRecord, shards: Shards) -> Held:
    """Where the members of a corpus are; members of other builds may have left their names."""
    of_shard = {
        name: {member.name: member for member in members} for name, members in shards.items()
    }
    try:
        return {row.name: (row.shard, of_shard[row.shard][row.name]) for row in record.members}
    except KeyError as error:
        raise UserError(
            f"the folder {SHARDS_FOLDER} of the corpus lacks {error} of its {CORPUS_FILE}; copy it "
            "anew, or build the corpus again in another folder"
        ) from None


def _take(wanted: Sequence[WantedMember], held: Held, shards: Shards) -> list[WantedMember]:
    """Add to `held` what finished shards of a broken-off build hold; return what is still new."""
    left: dict[str, list[tuple[str, ShardMember]]] = {}
    for shard, members in shards.items():
        for member in members:
            left.setdefault(member.name, []).append((shard, member))
    new = []
    for one in wanted:
        if one.name in held:
            if not held[one.name][1].is_of(one.file):
                raise UserError(
                    f"{one.where}: the file {one.file} is not what '{one.name}' was read from; "
                    "give the new genome a name of its own, or leave it out (what is in the "
                    "corpus stays in it)"
                )
            continue
        place = next((place for place in left.get(one.name, []) if place[1].is_of(one.file)), None)
        if place is None:
            new.append(one)
        else:
            held[one.name] = place
    return new


def _plan(
    new: Sequence[WantedMember], workers: int, folder: Path, shards: Shards
) -> list[ShardTask]:
    """Share members out, in order, to shards that keep all workers busy and are not too many."""
    sizes = [expected_bp(member.file) for member in new]
    total = sum(sizes)
    shard_bp = max(min(SHARD_BP, total / (4 * workers)), _MIN_SHARD_BP, total / _MAX_SHARDS)
    number = max((int(name) for name in shards), default=-1)
    tasks: list[ShardTask] = []
    filled = shard_bp
    for member, size in zip(new, sizes, strict=True):
        if filled + size / 2 >= shard_bp:
            number, filled = number + 1, 0
            tasks.append(ShardTask(folder / f"{number:05d}", []))
        tasks[-1].members.append((member.name, member.file))
        filled += size
    return tasks


def expected_bp(file: Path) -> int:
    """Guess how many bases a file holds."""
    return int(file.stat().st_size * _BASES_A_BYTE.get(file.suffix.lower(), 1.0))


def _write_tables(
    out: Path, wanted: Sequence[WantedMember], record: CorpusRecord, held: Held, shards: Shards
) -> None:
    species = {row.name: row.species for row in record.members}
    for one in wanted:
        species[one.name] = one.species or species.get(one.name, one.name)
    weights = record.species_weights | {
        species[one.name]: one.weight for one in wanted if one.weight is not None
    }
    rows = tuple(
        MemberRow(name, species[name], shard, member.contigs, member.length_bp, member.digest)
        for name, (shard, member) in sorted(held.items())
    )
    used = sorted({row.shard for row in rows})
    lengths = {name: sum(member.length_bp for member in shards[name]) for name in used}
    weights = {name: weights[name] for name in sorted(set(species.values()) & set(weights))}
    new = CorpusRecord(rows, weights, lengths, index_name(rows))
    if not (out / new.index).exists():
        columns = {name: ContigColumns.open(out / SHARDS_FOLDER / name) for name in used}
        parts = [
            (columns[shard], member.first_contig, member.first_contig + member.contigs)
            for _, (shard, member) in sorted(held.items())
        ]
        with whole_folder(out / new.index) as folder:
            ContigColumns.joined(parts).save(folder)
    new.write(out)
    for old in out.glob("index-*"):
        if old.name != new.index:
            shutil.rmtree(old)


def _silent(bases: int) -> None:
    pass

"""One shard of a corpus: a genome store that holds several members, with a table of them."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.genome.content import ContentScan
from genomenet.genome.contig_columns import ContigColumns
from genomenet.genome.contigs import Contig
from genomenet.genome.importer import content_digest_of, read_source
from genomenet.genome.shard_maps import ShardMaps
from genomenet.genome.store import GenomeStore
from genomenet.genome.store_writer import StoreWriter

_MEMBERS_FILE = "members.json"
_DIGESTED_BP = 1 << 20


@dataclass(frozen=True, slots=True)
class ShardMember:
    """A genome as a shard has it.

    Attributes
    ----------
    name : str
        Of the member.
    file : str
        Name of the file it was read from.
    size_bytes, mtime_ns : int
        Size of that file, and when it was last written.
    first_contig, contigs : int
        Number of its first contig in the shard, and how many there are.
    length_bp : int
        Sum of their lengths.
    digest : str
        That of the genome imported by itself.
    """

    name: str
    file: str
    size_bytes: int
    mtime_ns: int
    first_contig: int
    contigs: int
    length_bp: int
    digest: str

    def is_of(self, file: Path) -> bool:
        """Tell whether the member has the content of `file` as it is now.

        A file of the same name, size and time of writing is taken for the same one; any other is
        read.
        """
        status = file.stat()
        same = (file.name, status.st_size, status.st_mtime_ns)
        return (
            same == (self.file, self.size_bytes, self.mtime_ns)
            or content_digest_of([file]) == self.digest
        )


def write_shard(
    folder: Path, members: Sequence[tuple[str, Path]], progress: Callable[[int], object]
) -> None:
    """Write a shard, whole or not at all.

    Parameters
    ----------
    folder : Path
        To make.
    members : sequence of (str, Path)
        Name and sequence file of each.
    progress : callable
        Called with the number of bases newly read.

    Raises
    ------
    UserError
        As `genomenet.genome.importer.import_genome`, naming the file.
    """
    with whole_folder(folder) as unfinished:
        writer = StoreWriter(unfinished)
        files = {}
        try:
            for name, file in members:
                # The time is taken first: what is written while it is read will be found out.
                files[name] = (file.name, file.stat())
                read_source(file, writer.blocks, {}, progress, prefix=f"{name}/")
            writer.finish([])
        finally:
            writer.close()
        store = GenomeStore(unfinished)
        counts = (store.count_bases(one.name, 0, one.length_bp) for one in store.contigs)
        ContigColumns.of(store.contigs, counts, store.n_runs).save(unfinished)
        table = _members_table(store, files)
        (unfinished / _MEMBERS_FILE).write_text(json.dumps(table) + "\n", encoding="utf-8")


def _members_table(store: GenomeStore, files: dict[str, tuple[str, os.stat_result]]) -> list[dict]:
    maps = ShardMaps(store.path.parent, {store.path.name: store.length_bp})
    table, first = [], 0
    for name, of_member in groupby(store.contigs, lambda contig: contig.name.partition("/")[0]):
        contigs = [
            Contig(contig.name.removeprefix(f"{name}/"), contig.length_bp, contig.offset)
            for contig in of_member
        ]
        file, status = files[name]
        member = ShardMember(
            name=name,
            file=file,
            size_bytes=status.st_size,
            mtime_ns=status.st_mtime_ns,
            first_contig=first,
            contigs=len(contigs),
            length_bp=sum(contig.length_bp for contig in contigs),
            digest=_stored_digest(maps, contigs),
        )
        table.append(asdict(member))
        first += len(contigs)
    return table


def read_shard(folder: Path) -> list[ShardMember]:
    """Return the members of a shard.

    Raises
    ------
    UserError
        When the folder is no shard.
    """
    try:
        table = json.loads((folder / _MEMBERS_FILE).read_text(encoding="utf-8"))
        return [ShardMember(**row) for row in table]
    except (OSError, ValueError, TypeError):
        raise UserError(
            f"{folder} is damaged, its {_MEMBERS_FILE} can't be read; delete the folder and run "
            "the same `genomenet corpus build` again"
        ) from None


def _stored_digest(maps: ShardMaps, contigs: Sequence[Contig]) -> str:
    """Digest of contigs that follow each other in a shard."""
    scan = ContentScan()
    end = contigs[-1].offset + contigs[-1].length_bp
    for first in range(contigs[0].offset, end, _DIGESTED_BP):
        scan.feed(maps.bases(0)[first : min(first + _DIGESTED_BP, end)])
    return scan.digest(contigs)

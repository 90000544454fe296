"""The table of a corpus, `corpus.json`: its members, their species, and where their bases are."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.files import whole_file

FORMAT_VERSION = 2
CORPUS_FILE = "corpus.json"
SHARDS_FOLDER = "shards"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A genome as `corpus.json` has it.

    Attributes
    ----------
    name, species : str
        Its own name, and that of its species.
    shard : str
        Folder, in that of the shards, with its bases.
    contigs : int
        How many it has.
    length_bp : int
        Sum of their lengths.
    digest : str
        SHA-256 over names, lengths, codes and soft mask of its contigs.
    """

    name: str
    species: str
    shard: str
    contigs: int
    length_bp: int
    digest: str


@dataclass(frozen=True, slots=True)
class CorpusRecord:
    """What `corpus.json` holds.

    Attributes
    ----------
    members : tuple of MemberRow
        Sorted by name.
    species_weights : dict of str to float
        Of the species that were given one.
    shards : dict of str to int
        Bases in each shard.
    index : str
        Folder with the columns of all contigs.
    """

    members: tuple[MemberRow, ...]
    species_weights: dict[str, float]
    shards: dict[str, int]
    index: str

    @property
    def digest(self) -> str:
        """SHA-256 over what sampling depends on: names, species, weights and bases.

        It is the same however the members came in: in which order, shards, and how many at once.
        """
        rows = [[member.name, member.species, member.digest] for member in self.members]
        return _sha256([rows, sorted(self.species_weights.items())])

    def write(self, folder: Path) -> None:
        """Write `corpus.json` into `folder`, whole or not at all."""
        columns = {
            field.name: [getattr(member, field.name) for member in self.members]
            for field in fields(MemberRow)
        }
        table = {
            "format_version": FORMAT_VERSION,
            "genomenet_version": __version__,
            "digest": self.digest,
            "index": self.index,
            "shards": self.shards,
            "species_weights": self.species_weights,
            "members": columns,
        }
        with whole_file(folder / CORPUS_FILE) as handle:
            json.dump(table, handle)


def is_corpus(folder: Path) -> bool:
    """Tell whether `folder` holds a corpus, be it one whose first build has not ended."""
    return (folder / CORPUS_FILE).is_file() or (folder / SHARDS_FOLDER).is_dir()


def index_name(members: Iterable[MemberRow]) -> str:
    """Return the name of the folder for the contigs of `members`, which tells its content."""
    rows = [[member.name, member.shard, member.digest] for member in members]
    return f"index-{_sha256(rows)[:16]}"


def read_record(folder: Path) -> tuple[CorpusRecord, str]:
    """Read `corpus.json` of a corpus, and the digest written in it.

    Raises
    ------
    UserError
        When there is none, it is damaged or was written by another format version.
    """
    path = folder / CORPUS_FILE
    if not path.is_file():
        unfinished = is_corpus(folder)
        raise UserError(
            f"{folder} is a corpus whose build did not end; run the same `genomenet corpus build` "
            "again, which goes on where it stopped"
            if unfinished
            else f"{folder} is not a corpus, it has no {CORPUS_FILE}; make one with "
            "`genomenet corpus build`"
        )
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        version = table["format_version"]
        if version != FORMAT_VERSION:
            raise UserError(
                f"{path} has format version {version}, but this genomenet reads "
                f"{FORMAT_VERSION}; build the corpus again"
            )
        columns: Sequence[list] = [table["members"][field.name] for field in fields(MemberRow)]
        members = tuple(MemberRow(*row) for row in zip(*columns, strict=True))
        weights, shards = dict(table["species_weights"]), dict(table["shards"])
        return CorpusRecord(members, weights, shards, table["index"]), table["digest"]
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{path} is damaged; delete it and build the corpus again") from None


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()

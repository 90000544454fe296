"""Where a step of a recipe works: the folders, the fetched files, and whom it tells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from genomenet.errors import UserError, nearest


def stays_inside(path: str) -> bool:
    """Whether a path names something below the folder it is relative to, and nothing hidden."""
    pure = PurePosixPath(path)
    hidden = any(part.startswith(".") for part in pure.parts)  # `..` among them
    return bool(pure.parts) and not pure.is_absolute() and not hidden


@dataclass(frozen=True)
class Kitchen:
    """Where a step works.

    Attributes
    ----------
    folder : Path
        The recipe's folder: the files lie in it, and products go into it.
    out : Path
        The folder of all recipes, where the genomes of others are found.
    files : tuple of str
        The fetched files, relative to `folder`.
    tell : callable
        Called with a sentence worth telling.
    progress : callable
        Called with the number of bases newly imported.
    species : mapping of str to str
        Species of assemblies by accession, where the user named them.
    """

    folder: Path
    out: Path
    files: tuple[str, ...]
    tell: Callable[[str], object]
    progress: Callable[[int], object]
    species: Mapping[str, str] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        """A fetched file.

        Raises
        ------
        UserError
            When the recipe fetches no such file.
        """
        if name not in self.files:
            raise UserError(
                f"{self.folder.name} has a step that reads '{name}', which it does not fetch"
                f"{nearest(name, self.files)}"
            )
        return self.folder / name

    def matching(self, pattern: str) -> list[str]:
        """The fetched files that match a pattern such as 'intervals/*/*/*.csv.gz', in order.

        Raises
        ------
        UserError
            When none does.
        """
        found = [name for name in self.files if PurePosixPath(name).match(pattern)]
        if not found:
            raise UserError(
                f"{self.folder.name} has a step that reads '{pattern}', but no fetched file is "
                "called so"
            )
        return found

    def genome_folder(self, recipe: str) -> Path:
        """The imported genome of another recipe under the same folder.

        Raises
        ------
        UserError
            When it is not there.
        """
        folder = self.out / recipe / "genome"
        if not folder.is_dir():
            raise UserError(
                f"{folder} is missing, and {self.folder.name} needs it: "
                f"run `genomenet data fetch {recipe} --out {self.out}` first"
            )
        return folder

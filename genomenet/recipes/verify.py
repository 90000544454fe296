"""Compare what a recipe fetched and made with its manifest, byte for byte."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from genomenet.errors import UserError
from genomenet.recipes.manifest import Kept, kept_files, read_manifest
from genomenet.recipes.remote import digest_file


class Verdict(NamedTuple):
    """Of one file.

    Attributes
    ----------
    path : Path
        The file.
    wrong : str
        How it differs from its manifest; empty when it does not.
    """

    path: Path
    wrong: str


def finished_recipes(out: Path) -> list[str]:
    """Names of the recipes below a folder that have a manifest, in alphabetical order.

    Raises
    ------
    UserError
        When there is none.
    """
    names = sorted(path.parent.name for path in out.glob("*/manifest.json"))
    if not names:
        raise UserError(
            f"{out} holds no finished recipe; `genomenet data fetch` makes them, and --out names "
            "the folder"
        )
    return names


def verify(folder: Path) -> Iterator[Verdict]:
    """Read every file of a finished recipe again.

    Parameters
    ----------
    folder : Path
        The recipe's folder.

    Yields
    ------
    Verdict
        In the order of the manifest.

    Raises
    ------
    UserError
        When the recipe is not finished there.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise UserError(
            f"{folder} has no manifest, so its recipe is not finished; "
            f"run `genomenet data fetch {folder.name} --out {folder.parent}` to go on"
        )
    for kept in kept_files(manifest):
        yield Verdict(folder / kept.path, _wrong(folder / kept.path, kept))


def _wrong(path: Path, kept: Kept) -> str:
    if not path.is_file():
        return "is missing"
    if (size := path.stat().st_size) != kept.size_bytes:
        return f"has {size:,} bytes where the manifest has {kept.size_bytes:,}"
    if digest_file(path).sha256 != kept.sha256:
        return "has another SHA-256 than in the manifest"
    return ""

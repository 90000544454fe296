"""The manifest of a fetched recipe: every file and its checksum, written last: then it is done."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.files import whole_file
from genomenet.recipes.recipe import Recipe, RecipeFile
from genomenet.recipes.remote import Fetched, digest_file

MANIFEST = "manifest.json"
_EARLIER = "manifest.earlier.json"
"""An outdated manifest, kept for its checksums until the next one is written."""
_NOTHING_PUBLISHED = "nothing published; recorded when first fetched"


@dataclass(frozen=True)
class Kept:
    """A file that a manifest vouches for.

    Attributes
    ----------
    path : str
        Relative to the recipe's folder.
    size_bytes : int
    sha256 : str
    url : str
        Where it was fetched from; empty for what the steps made.
    md5 : str or None
        The published MD5, where there is one.
    checked : str
        What it was compared with.
    """

    path: str
    size_bytes: int
    sha256: str
    url: str = ""
    md5: str | None = None
    checked: str = ""


def _key(recipe: Recipe, files: tuple[RecipeFile, ...]) -> dict[str, Any]:
    """What makes two runs of a recipe the same: addresses, places and steps."""
    return {
        "files": {file.path: file.url for file in files},
        "steps": [{step.name: step.options} for step in recipe.steps],
    }


def write_manifest(
    folder: Path,
    recipe: Recipe,
    files: tuple[RecipeFile, ...],
    fetched: list[Fetched],
    made: list[Path],
    command: str,
) -> None:
    """Write the manifest of a folder whose files and products are all there."""
    kept = [
        Kept(file.path, got.size_bytes, got.sha256, file.url, got.md5,
             file.published or _NOTHING_PUBLISHED)
        for file, got in zip(files, fetched, strict=True)
    ]  # fmt: skip
    record = {
        "recipe": recipe.name,
        "about": recipe.about,
        "licence": recipe.licence,
        "home": recipe.home,
        "key": _key(recipe, files),
        "files": [asdict(one) for one in kept],
        "made": [asdict(_product(folder, path)) for path in _product_files(made)],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "genomenet": __version__,
        "command": command,
    }
    with whole_file(folder / MANIFEST) as handle:
        json.dump(record, handle, indent=1)
        handle.write("\n")
    (folder / _EARLIER).unlink(missing_ok=True)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder, or None when its recipe was never run to its end.

    Raises
    ------
    UserError
        When it is damaged.
    """
    return _read(folder / MANIFEST)


def kept_files(manifest: dict[str, Any]) -> list[Kept]:
    """All files that a manifest vouches for, the fetched ones first."""
    return [Kept(**one) for one in (*manifest["files"], *manifest["made"])]


def is_finished(folder: Path, recipe: Recipe, files: tuple[RecipeFile, ...]) -> bool:
    """Whether this very recipe was run to its end, and its files are there with their sizes.

    Contents are not read; see `genomenet.recipes.verify` for that.
    """
    manifest = read_manifest(folder)
    return (
        manifest is not None
        and manifest["key"] == _key(recipe, files)
        and all(
            (folder / one.path).is_file() and (folder / one.path).stat().st_size == one.size_bytes
            for one in kept_files(manifest)
        )
    )


def withdraw(folder: Path) -> None:
    """Take a manifest back, before anything it vouches for is changed."""
    if (folder / MANIFEST).exists():
        (folder / MANIFEST).replace(folder / _EARLIER)


def recorded_sums(folder: Path) -> dict[str, str]:
    """SHA-256 by URL of what an earlier run fetched into this folder."""
    for name in (MANIFEST, _EARLIER):
        manifest = _read(folder / name)
        if manifest is not None:
            return {one["url"]: one["sha256"] for one in manifest["files"]}
    return {}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if record["files"] is not None and record["key"] is not None else None
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is damaged; delete it and fetch again") from None


def _product_files(made: list[Path]) -> Iterator[Path]:
    for path in made:
        yield from (
            sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        )


def _product(folder: Path, path: Path) -> Kept:
    digests = digest_file(path)
    return Kept(path.relative_to(folder).as_posix(), digests.size_bytes, digests.sha256)

"""A recipe: which public files to fetch, under which licence, and what is made of them."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genomenet.errors import UserError, nearest
from genomenet.recipes.kitchen import stays_inside
from genomenet.recipes.steps import check_step
from genomenet.recipes.transfer import url_name
from genomenet.recipes.yaml_lines import Entry, read_mapping

_HEX = {"md5": 32, "sha256": 64}


@dataclass(frozen=True)
class RecipeFile:
    """A public file, as its recipe names it.

    Attributes
    ----------
    url : str
        Where it is.
    path : str
        Where it goes, relative to the recipe's folder, with forward slashes.
    size_bytes, md5, sha256
        What its publisher says of it, or None.
    md5sums : str or None
        Address of the publisher's list of MD5 sums, in which the file is looked up.
    """

    url: str
    path: str
    size_bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None
    md5sums: str | None = None

    @property
    def published(self) -> str:
        """What the file can be checked against, in words; empty when nothing is published."""
        if self.sha256 or self.md5:
            return "sha256" if self.sha256 else "md5"
        return f"md5 of {self.md5sums}" if self.md5sums else ""


@dataclass(frozen=True)
class Step:
    """Something made of the files: the name of a function of `steps`, and its options."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A recipe, read and checked.

    Attributes
    ----------
    name : str
        The file's name without .yaml.
    about : str
        What the data are.
    licence : str
        Under what terms they may be used.
    home : str
        A page that tells more.
    checked : str
        How the addresses and sums of this recipe were confirmed, and what was not.
    size_mb : float or None
        Roughly how much is downloaded, in 10^6 bytes, where the publisher's sizes are not known.
    needs : tuple of str
        Recipes whose genome the steps read.
    accessions : str
        Address below which assemblies are looked up by accession; empty for other recipes.
    files : tuple of RecipeFile
    steps : tuple of Step
    next : str
        A command to go on with.
    """

    name: str
    about: str
    licence: str
    home: str
    checked: str
    size_mb: float | None
    needs: tuple[str, ...]
    accessions: str
    files: tuple[RecipeFile, ...]
    steps: tuple[Step, ...]
    next: str

    @property
    def size_bytes(self) -> int | None:
        """Sum of the published sizes, or None when one is not known."""
        sizes = [file.size_bytes for file in self.files]
        return sum(size for size in sizes if size) if sizes and all(sizes) else None


def recipe_folder() -> Path:
    """The folder of shipped recipes: inside an installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_recipes"
    return installed if installed.is_dir() else package.parent / "data_prep" / "recipes"


def shipped_recipes() -> dict[str, Path]:
    """Names and files of the shipped recipes, in alphabetical order."""
    found = {path.stem: path for path in recipe_folder().glob("*.yaml")}
    return dict(sorted(found.items()))


def find_recipe(name: str) -> Recipe:
    """Read a recipe given as a file or as the name of a shipped one.

    Raises
    ------
    UserError
        When there is neither, or it is not a recipe.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        return read_recipe(path)
    shipped = shipped_recipes()
    if name not in shipped:
        raise UserError(
            f"there is no recipe '{name}'"
            + (nearest(name, shipped) or "; `genomenet data list` names all")
        )
    return read_recipe(shipped[name])


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    UserError
        Naming file, line and the nearest valid key.
    """
    top = read_mapping(
        path,
        ("about", "licence", "home", "checked", "size_mb", "needs", "accessions", "files", "steps",
         "next"),
    )  # fmt: skip
    files = tuple(file for entry in top.entries("files") for file in _read_files(entry))
    accessions = top.text("accessions", "")
    if not files and not accessions:
        raise UserError(f"{path} has no files; list at least one address under 'files:'")
    _check_paths(path, files)
    return Recipe(
        name=path.stem,
        about=top.text("about"),
        licence=top.text("licence"),
        home=top.text("home"),
        checked=top.text("checked"),
        size_mb=top.number("size_mb"),
        needs=tuple(top.texts("needs")),
        accessions=accessions,
        files=files,
        steps=tuple(_read_step(entry) for entry in top.entries("steps")),
        next=top.text("next", ""),
    )


def _read_files(entry: Entry) -> Iterator[RecipeFile]:
    """The file of an entry, or with 'each' one for every combination of its words."""
    entry.only("url", "path", "bytes", "md5", "sha256", "md5sums", "each")
    each = entry.lists("each")
    sums = {name: entry.text(name, "") for name in _HEX}
    size = entry.number("bytes")
    for name, value in sums.items():
        if value and not re.fullmatch(f"[0-9a-fA-F]{{{_HEX[name]}}}", value):
            raise entry.error(f"{name} is '{value}'; it should be {_HEX[name]} hexadecimal digits")
    if each and (size or any(sums.values())):
        raise entry.error("'bytes', 'md5' and 'sha256' are those of one file; leave 'each' out")
    for words in itertools.product(*each.values()):
        filled = dict(zip(each, words, strict=True))
        try:
            url = entry.text("url").format_map(filled)
            path = entry.text("path", url_name(url)).format_map(filled)
            md5sums = entry.text("md5sums", "").format_map(filled)
        except (KeyError, ValueError, IndexError) as error:
            raise entry.error(f"there is no list for {error} under 'each'") from None
        if not re.match("https?://", url):
            raise entry.error(f"url is '{url}'; it should begin with https://")
        yield RecipeFile(
            url, path, int(size) if size else None, sums["md5"] or None, sums["sha256"] or None,
            md5sums or None,
        )  # fmt: skip


def _read_step(entry: Entry) -> Step:
    name, options = entry.single()
    if message := check_step(name, options):
        raise entry.error(message)
    return Step(name, options)


def _check_paths(recipe: Path, files: tuple[RecipeFile, ...]) -> None:
    seen: set[str] = set()
    for file in files:
        if not stays_inside(file.path):
            raise UserError(
                f"{recipe}: the path '{file.path}' leaves the recipe's folder or is hidden; "
                "give a relative one"
            )
        if file.path in seen:
            raise UserError(f"{recipe}: two files go to '{file.path}'; give one another 'path'")
        seen.add(file.path)

"""Run recipes: fetch and verify the files, make what is made of them, and write the manifest."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genomenet.errors import UserError
from genomenet.recipes.accessions import find_files, offline_files, read_accessions
from genomenet.recipes.checksums import fetch_lists, find_md5
from genomenet.recipes.download import Progress, download
from genomenet.recipes.kitchen import Kitchen
from genomenet.recipes.lock import alone
from genomenet.recipes.manifest import (
    is_finished,
    recorded_sums,
    withdraw,
    write_manifest,
)
from genomenet.recipes.offline_folders import find_folders
from genomenet.recipes.parquet import require_parquet
from genomenet.recipes.recipe import Recipe, RecipeFile
from genomenet.recipes.remote import Fetched, RemoteFile
from genomenet.recipes.steps import run_step


def _silent(*_: object) -> None:
    return None


@dataclass(frozen=True)
class Way:
    """How recipes are run.

    Attributes
    ----------
    out : Path
        Folder of all recipes; each has its own below it.
    offline_dir : Path or None
        Where the files lie already; no server is asked then.
    accessions : Path or None
        List of assemblies, for recipes that take one.
    parallel : int
        Files at a time.
    command : str
        For the manifest.
    tell : callable
        Called with sentences worth telling.
    progress : callable or None
        As that of `genomenet.recipes.download.download`.
    imported : callable
        Called with the number of bases newly imported.
    """

    out: Path
    offline_dir: Path | None = None
    accessions: Path | None = None
    parallel: int = 4
    command: str = ""
    tell: Callable[[str], object] = _silent
    progress: Progress | None = None
    imported: Callable[[int], object] = _silent

    def showing(self, progress: Progress, imported: Callable[[int], object]) -> "Way":
        """The same way, with its progress shown."""
        return replace(self, progress=progress, imported=imported)


def in_order(recipes: Sequence[Recipe]) -> list[Recipe]:
    """The recipes, each after those whose genome it needs."""
    names = {recipe.name for recipe in recipes}
    done: dict[str, Recipe] = {}
    waiting = list({recipe.name: recipe for recipe in recipes}.values())
    while waiting:
        ready = [one for one in waiting if not (names & set(one.needs)) - set(done)]
        if not ready:
            raise UserError(
                f"the recipes {', '.join(one.name for one in waiting)} need each other; "
                "mend their 'needs'"
            )
        done |= {one.name: one for one in ready}
        waiting = [one for one in waiting if one.name not in done]
    return list(done.values())


def check_before(recipes: Sequence[Recipe], way: Way) -> None:
    """Find what would stop a run before anything is fetched.

    Raises
    ------
    UserError
        A genome or a package that is missing, a list of accessions that is missing or superfluous,
        too little space.
    """
    names = {recipe.name for recipe in recipes}
    for recipe in recipes:
        for needed in set(recipe.needs) - names:
            _kitchen(recipe, (), way).genome_folder(needed)
        if recipe.steps and any(file.path.endswith(".parquet") for file in recipe.files):
            require_parquet(recipe.name)
        if recipe.accessions and way.accessions is None:
            raise UserError(
                f"{recipe.name} fetches the assemblies that you list: give --accessions FILE, "
                "with an accession such as GCF_000005845.2 a line"
            )
    if way.accessions is not None and not any(recipe.accessions for recipe in recipes):
        raise UserError(f"--accessions is for recipes of assemblies, not for {', '.join(names)}")
    wanted = sum(
        file.size_bytes or 0
        for recipe in recipes
        for file in recipe.files
        if not (way.out / recipe.name / file.path).exists()
    )
    if wanted > (free := free_bytes(way.out)):
        raise UserError(
            f"{way.out} has {free / 1e9:.1f} GB of free space, but {wanted / 1e9:.1f} GB are to be "
            "fetched; free some, or give another folder with --out"
        )


def free_bytes(folder: Path) -> int:
    """Free space where a folder is, or would be made."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def run_recipe(recipe: Recipe, way: Way) -> bool:
    """Fetch a recipe's files, run its steps and write its manifest.

    The manifest comes last, and is taken back before anything is changed: a folder with a manifest
    is whole, whenever the process was killed.

    Parameters
    ----------
    recipe : Recipe
        What to run.
    way : Way
        How.

    Returns
    -------
    bool
        False when everything was there already.

    Raises
    ------
    UserError
        A file that could not be had or is not as published, a step that failed, another process
        at work in the same folder.
    """
    folder = way.out / recipe.name
    if not recipe.accessions and is_finished(folder, recipe, recipe.files):
        return False  # asked before the lock: the folder may be a shared one, read-only
    with alone(folder):
        files, species = _resolve(recipe, folder, way)
        if is_finished(folder, recipe, files):
            return False
        earlier = recorded_sums(folder)
        withdraw(folder)
        fetched = _fetch(recipe, _with_sums(files, folder, way), earlier, way)
        kitchen = replace(_kitchen(recipe, files, way), species=species)
        made = [
            path for step in recipe.steps for path in run_step(step.name, kitchen, step.options)
        ]
        write_manifest(folder, recipe, files, fetched, made, way.command)
        return True


def _resolve(
    recipe: Recipe, folder: Path, way: Way
) -> tuple[tuple[RecipeFile, ...], dict[str, str]]:
    """All files, those of the user's accessions included, and the species of these."""
    if not recipe.accessions or way.accessions is None:
        return recipe.files, {}
    assemblies = read_accessions(way.accessions)
    if way.offline_dir is not None:
        more = offline_files(assemblies, recipe.accessions, way.offline_dir)
    else:
        more = find_files(assemblies, recipe.accessions, folder, way.parallel)
    return (*recipe.files, *more), {one.accession: one.species for one in assemblies if one.species}


def _with_sums(files: Sequence[RecipeFile], folder: Path, way: Way) -> list[RecipeFile]:
    """The files with the MD5 that their publishers' lists give them, where there is a network."""
    lists = [file.md5sums for file in files if file.md5sums]
    if not lists:
        return list(files)
    if way.offline_dir is not None:
        way.tell(f"note: offline, so {folder.name} is not compared with {', '.join(set(lists))}")
        return list(files)
    texts = fetch_lists(lists, folder, way.parallel)
    return [
        replace(file, md5=find_md5(file, texts[file.md5sums])) if file.md5sums else file
        for file in files
    ]


def _fetch(
    recipe: Recipe, files: Sequence[RecipeFile], earlier: dict[str, str], way: Way
) -> list[Fetched]:
    folder = way.out / recipe.name
    places: dict[RecipeFile, Path | None] = {}
    if way.offline_dir is not None:
        places = find_folders(recipe, files, way.offline_dir, folder)
    wanted = {
        # What nobody has published must at least be what was fetched here before.
        file: RemoteFile(file.url, folder / file.path, file.size_bytes,
                         file.sha256 or (None if file.md5 else earlier.get(file.url)), file.md5)
        for file in files
    }  # fmt: skip
    fetched: dict[Path, Fetched] = {}
    for place in dict.fromkeys(places.get(file) for file in files):
        group = [wanted[file] for file in files if places.get(file) == place]
        for got in download(group, way.parallel, progress=way.progress, offline_dir=place):
            fetched[got.path] = got
    return [fetched[wanted[file].path] for file in files]


def _kitchen(recipe: Recipe, files: Sequence[RecipeFile], way: Way) -> Kitchen:
    names = tuple(file.path for file in files)
    return Kitchen(way.out / recipe.name, way.out, names, way.tell, way.imported)

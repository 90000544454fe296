"""Where the files of a recipe lie in a folder that a user filled elsewhere."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from genomenet.errors import UserError
from genomenet.recipes.recipe import Recipe, RecipeFile, find_recipe, shipped_recipes
from genomenet.recipes.transfer import url_name


def find_folders(
    recipe: Recipe, files: Sequence[RecipeFile], offline_dir: Path, target: Path
) -> dict[RecipeFile, Path | None]:
    """The folder that holds each file, or None where it is in place already.

    A file is looked for as RECIPE/PATH and as PATH below `offline_dir`. If no other file of any
    recipe is called the same, it may also lie there by its bare name: `train.csv` may not.

    Parameters
    ----------
    recipe : Recipe
        Whose files they are.
    files : sequence of RecipeFile
        The files.
    offline_dir : Path
        What the user filled.
    target : Path
        The recipe's folder, to which the files go.

    Raises
    ------
    UserError
        Naming what is missing, and where it is to be put.
    """
    if not offline_dir.is_dir():
        raise UserError(f"{offline_dir}: there is no such folder to take files from")
    found: dict[RecipeFile, Path | None] = {}
    missing: list[RecipeFile] = []
    for file in files:
        if (target / file.path).exists():
            found[file] = None
            continue
        places = [offline_dir / recipe.name / file.path, offline_dir / file.path]
        places += [
            offline_dir / name
            for name in _names(file)
            if _carriers(name, recipe) == {(recipe.name, file.path)}
        ]
        if file.path.startswith("genomes/"):  # assemblies, each named after its accession
            places += sorted(offline_dir.rglob(PurePosixPath(file.path).name))
        place = next((one for one in places if one.is_file()), None)
        if place is None:
            missing.append(file)
        else:
            found[file] = place.parent
    if missing:
        shown = ", ".join(f"{recipe.name}/{file.path} ({file.url})" for file in missing[:3])
        raise UserError(
            f"{offline_dir}: {len(missing):,} of {len(files):,} files of {recipe.name} are "
            f"missing; put there {shown}{' and others' if len(missing) > 3 else ''}; "
            f"`genomenet data fetch {recipe.name} --dry-run` lists all"
        )
    return found


def _names(file: RecipeFile) -> list[str]:
    """What the file may be called in a flat folder: as it is here, or at its source."""
    return [PurePosixPath(file.path).name, url_name(file.url)]


@cache
def _shipped() -> dict[str, set[tuple[str, str]]]:
    carriers: dict[str, set[tuple[str, str]]] = {}
    for name in shipped_recipes():
        for file in find_recipe(name).files:
            for bare in _names(file):
                carriers.setdefault(bare, set()).add((name, file.path))
    return carriers


def _carriers(bare: str, recipe: Recipe) -> set[tuple[str, str]]:
    """Recipes and paths of all files that are called so, of this recipe or of shipped ones."""
    own = {(recipe.name, file.path) for file in recipe.files if bare in _names(file)}
    return own | _shipped().get(bare, set())

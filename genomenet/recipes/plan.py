"""What running recipes would fetch, in words; nothing is touched and no server asked."""

from collections.abc import Iterator, Sequence

from genomenet.recipes.accessions import read_accessions
from genomenet.recipes.fetch import Way, free_bytes
from genomenet.recipes.manifest import is_finished
from genomenet.recipes.offline_folders import find_folders
from genomenet.recipes.recipe import Recipe, RecipeFile


def plan_lines(recipes: Sequence[Recipe], way: Way) -> Iterator[str]:
    """The lines of a plan: addresses, sizes, checks, products and free space.

    Parameters
    ----------
    recipes : sequence of Recipe
        In the order they would be run.
    way : Way
        How.

    Raises
    ------
    UserError
        When files are missing in the offline folder.
    """
    for recipe in recipes:
        yield from _recipe_lines(recipe, way)
    yield f"{way.out}: {free_bytes(way.out) / 1e9:.1f} GB free"


def _recipe_lines(recipe: Recipe, way: Way) -> Iterator[str]:
    folder = way.out / recipe.name
    if not recipe.accessions and is_finished(folder, recipe, recipe.files):
        yield f"{recipe.name} -> {folder}: everything is there already"
        return
    assemblies = []
    if recipe.accessions and way.accessions is not None:
        assemblies = read_accessions(way.accessions)
    size = recipe.size_bytes
    about = f"{size / 1e6:,.0f} MB" if size else f"roughly {recipe.size_mb or 0:,.0f} MB"
    if recipe.accessions and not size and not recipe.size_mb:
        about = "sizes not known before they are fetched"
    count = len(recipe.files) + len(assemblies)
    yield f"{recipe.name} -> {folder}: {count:,} file{'s' * (count != 1)}, {about}"
    yield f"  licence: {recipe.licence}"
    places = {}
    if way.offline_dir is not None:
        places = find_folders(recipe, recipe.files, way.offline_dir, folder)
    for file in recipe.files:
        here = (folder / file.path).exists()
        where = f"from {places[file]}" if places.get(file) else _address(file)
        yield f"  {file.path}: {'there already' if here else where}"
    for assembly in assemblies:
        yield f"  {assembly.folder_url(recipe.accessions)}{assembly.accession}_*"
    for step in recipe.steps:
        yield f"  then {step.name}"


def _address(file: RecipeFile) -> str:
    size = f"{file.size_bytes:,} bytes" if file.size_bytes else "size not published"
    return f"{file.url} ({size}; {file.published or 'no checksum published'})"

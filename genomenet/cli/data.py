"""`genomenet data`: list public data, fetch it by recipe, verify it, and measure reading it."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import DownloadBar, text_table
from genomenet.errors import UserError, nearest

if TYPE_CHECKING:
    from genomenet.recipes.recipe import Recipe

_USAGE = """usage: genomenet data list [NAME...]
       genomenet data fetch NAME... [--out FOLDER] [--offline-dir FOLDER] [--dry-run]
       genomenet data verify [NAME...] [--out FOLDER]
       genomenet data bench GENOME

Public genomes, annotation and tasks, each by a recipe that says where they are, and how they are
checked and prepared.

  list    name the recipes with sizes and licences, or tell all about some
  fetch   download, verify and prepare; after a break it goes on where it was
  verify  read everything again and compare it with its manifest
  bench   measure how fast windows are read from a genome, on this disk

`genomenet data fetch --help` tells the options of one."""


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    if not words or words[0] in {"-h", "--help"}:
        print(_USAGE)
        return 0
    verbs = {"list": _list, "fetch": _fetch, "verify": _verify, "bench": _bench}
    if words[0] not in verbs:
        raise UserError(
            f"`genomenet data` can't '{words[0]}'"
            + (nearest(words[0], verbs) or f"; it can {', '.join(verbs)}")
        )
    return verbs[words[0]](words[1:])


def _bench(words: Sequence[str]) -> int:
    from genomenet.cli.data_bench import main as bench

    return bench(words)


def _list(words: Sequence[str]) -> int:
    parser = VerbParser("data list", "[NAME...]", "Name the recipes, or tell all about some.")
    parser.add_argument("names", type=str, nargs="*", default=[], help="Recipes to tell all about.")
    parsed = parser.read(words)

    from genomenet.recipes.recipe import find_recipe, shipped_recipes

    if parsed.names:
        print("\n\n".join(_details(find_recipe(name)) for name in parsed.names))
        return 0
    recipes = [find_recipe(name) for name in shipped_recipes()]
    rows = [(one.name, _size(one), one.licence.split(" (")[0], one.about) for one in recipes]
    print(text_table(("recipe", "size", "licence", "what"), rows, "<><<"))
    print(
        "\n~: roughly. `genomenet data list NAME` tells where a recipe's files come from and how "
        "they are checked."
    )
    return 0


def _fetch(words: Sequence[str]) -> int:
    parser = VerbParser(
        "data fetch",
        "NAME... [--out FOLDER] [--offline-dir FOLDER] [--dry-run] [--parallel N] "
        "[--accessions FILE]",
        "Download, verify and prepare public data; after a break it goes on where it was.",
    )
    parser.add_argument("names", type=str, nargs="+", help="Recipes, or files of your own.")
    parser.add_argument(
        "-o", "--out", type=str, default="data", help="Folder; each recipe has its own below it."
    )
    parser.add_argument(
        "--offline-dir",
        type=str,
        default="",
        help="Folder that holds the files already, as RECIPE/FILE or FILE; no network is used.",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="Tell what would be fetched, and touch nothing."
    )
    parser.add_argument("--parallel", type=int, default=4, help="Files to fetch at a time.")
    parser.add_argument(
        "--accessions",
        type=str,
        default="",
        help="List of assemblies: an accession a line, after a tab a species if wanted.",
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)

    from genomenet.recipes.fetch import Way, check_before, in_order, run_recipe
    from genomenet.recipes.plan import plan_lines
    from genomenet.recipes.recipe import find_recipe

    way = Way(
        out=Path(parsed.out),
        offline_dir=Path(parsed.offline_dir) if parsed.offline_dir else None,
        accessions=Path(parsed.accessions) if parsed.accessions else None,
        parallel=parsed.parallel,
        command=f"genomenet data fetch {shlex.join(words)}",
        tell=print,
    )
    recipes = in_order([find_recipe(name) for name in parsed.names])
    if parsed.dry_run:
        print("\n".join(plan_lines(recipes, way)))
        check_before(recipes, way)
        return 0
    check_before(recipes, way)
    for recipe in recipes:
        with DownloadBar(recipe.name, parsed.quiet) as bar:
            new = run_recipe(recipe, way.showing(bar.show, bar.show_import))
        folder = way.out / recipe.name
        print(f"{folder}: {'finished' if new else 'everything was there already'}")
        if recipe.next:
            print(f"next: {recipe.next.format(folder=folder, out=way.out)}")
    return 0


def _verify(words: Sequence[str]) -> int:
    parser = VerbParser(
        "data verify",
        "[NAME...] [--out FOLDER]",
        "Read everything that was fetched and made again, and compare it with its manifest.",
    )
    parser.add_argument(
        "names", type=str, nargs="*", default=[], help="Recipes; all that are finished if none."
    )
    parser.add_argument("-o", "--out", type=str, default="data", help="Folder of the recipes.")
    parsed = parser.read(words)

    from genomenet.recipes.verify import finished_recipes, verify

    out, wrong, files = Path(parsed.out), 0, 0
    for name in parsed.names or finished_recipes(out):
        for verdict in verify(out / name):
            print(f"{verdict.wrong or 'ok':<4}  {verdict.path}")
            files, wrong = files + 1, wrong + bool(verdict.wrong)
    if wrong:
        raise UserError(
            f"{wrong} of {files} files differ from their manifest; delete them and fetch again"
        )
    print(f"{files} files are as their manifests have them")
    return 0


def _size(recipe: "Recipe") -> str:
    if recipe.size_bytes is not None:
        return _amount(recipe.size_bytes)
    return f"~{_amount(recipe.size_mb * 1e6)}" if recipe.size_mb else "your list's"


def _amount(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def _details(recipe: "Recipe") -> str:
    lines = [
        recipe.name,
        f"  {recipe.about}",
        f"  size      {_size(recipe)}",
        f"  licence   {recipe.licence}",
        f"  home      {recipe.home}",
        f"  checked   {recipe.checked}",
    ]
    if recipe.needs:
        lines.append(f"  needs     {', '.join(recipe.needs)}")
    lines += [f"  step      {step.name}: {_options(step.options)}" for step in recipe.steps]
    if recipe.accessions:
        lines.append(f"  files     assemblies of your list, below {recipe.accessions}")
    lines += [f"  file      {file.url}" for file in recipe.files]
    return "\n".join(lines)


def _options(options: dict) -> str:
    return ", ".join(
        f"{key} {' '.join(value) if isinstance(value, list) else value}"
        for key, value in options.items()
    )

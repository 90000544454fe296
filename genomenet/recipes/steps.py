"""What can be made of fetched files: the steps that a recipe may name."""

import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genomenet.errors import nearest
from genomenet.recipes.kitchen import Kitchen, stays_inside
from genomenet.recipes.steps_bed import make_bed
from genomenet.recipes.steps_corpus import list_genomes
from genomenet.recipes.steps_cut import cut_intervals
from genomenet.recipes.steps_genome import check_intervals, import_files
from genomenet.recipes.steps_tables import collect_sequences, collect_tables
from genomenet.recipes.steps_variants import collect_variants

# Each takes the kitchen and keyword options, and returns the files and folders it made. A step may
# run again over what it made before, when a fetch was broken off.
STEPS: dict[str, Callable[..., list[Path]]] = {
    "import": import_files,
    "check_intervals": check_intervals,
    "bed": make_bed,
    "cut": cut_intervals,
    "tables": collect_tables,
    "sequences": collect_sequences,
    "variants": collect_variants,
    "list_genomes": list_genomes,
}


def check_step(name: str, options: dict[str, Any]) -> str:
    """What is wrong with a step as a recipe writes it; empty when nothing is."""
    if name not in STEPS:
        hint = nearest(name, STEPS) or f"; the steps are {', '.join(STEPS)}"
        return f"there is no step '{name}'{hint}"
    known = dict(list(inspect.signature(STEPS[name]).parameters.items())[1:])
    kinds = typing.get_type_hints(STEPS[name])
    for option, value in options.items():
        if option not in known:
            return f"the step '{name}' has no option '{option}'{nearest(option, known)}"
        wants_list = kinds[option] == list[str]
        if wants_list != isinstance(value, list) or not (wants_list or isinstance(value, str)):
            wanted = "a list of texts" if wants_list else "a text"
            return f"'{option}' of the step '{name}' is {value!r}; it should be {wanted}"
    if "into" in options and not stays_inside(options["into"]):
        return (
            f"'into' of the step '{name}' is '{options['into']}', which leaves the recipe's folder "
            "or is hidden; give a relative one"
        )
    for option, parameter in known.items():
        if parameter.default is parameter.empty and option not in options:
            return f"the step '{name}' lacks its option '{option}'"
    return ""


def run_step(name: str, kitchen: Kitchen, options: dict[str, Any]) -> list[Path]:
    """Run a step, and return the files and folders it made."""
    return STEPS[name](kitchen, **options)

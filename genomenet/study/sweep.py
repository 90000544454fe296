"""Sweeps of a study: an arm becomes several, which differ in the fields that are swept."""

import re
import typing
from dataclasses import replace
from itertools import product
from typing import Any

from genomenet.errors import UserError, nearest
from genomenet.json_records import from_plain
from genomenet.models.config import ModelConfig
from genomenet.training.config import TrainConfig

Recipes = dict[str, dict]
"""Fields of the recipe that arms have for themselves, by arm."""

SHARED = (
    "seed", "valid_windows", "accelerator", "devices", "nodes", "strategy", "threads", "workers",
)  # fmt: skip
"""Fields of the recipe that all arms of a study must share."""


def expand(
    arms: dict[str, ModelConfig], recipes: Recipes, sweep: dict[str, dict[str, list]]
) -> tuple[dict[str, ModelConfig], Recipes, list[str]]:
    """Put an arm for each combination of swept values in the place of every swept arm.

    Parameters
    ----------
    arms : dict of str to ModelConfig
        The arms of a study.
    recipes : dict of str to dict
        What arms have for themselves of the recipe; variants of an arm inherit it.
    sweep : dict
        For an arm, the values of fields such as ``model.targets`` or ``train.lr``.

    Returns
    -------
    tuple
        Arms and recipes with the variants, and a sentence for each sweep.

    Raises
    ------
    UserError
        When an arm, a field or a value can't be, or two arms would have one name.
    """
    for arm in sweep:
        if arm not in arms:
            raise UserError(f"sweep.{arm} is of no arm{nearest(arm, arms) or among(arms)}")
    made: dict[str, ModelConfig] = {}
    own: Recipes = {arm: dict(fields) for arm, fields in recipes.items() if arm not in sweep}
    notes = []
    for arm, model in arms.items():
        swept = _checked_sweep(arm, sweep[arm]) if arm in sweep else {}
        variants = _variants(arm, swept) if swept else {arm: {}}
        for name, values in variants.items():
            if name in made or (name != arm and name in arms):
                raise UserError(f"two arms of the study would be called '{name}'; rename one")
            of_model, of_recipe = _by_section(values)
            made[name] = replace(model, **of_model)
            if arm in sweep and (recipe := {**recipes.get(arm, {}), **of_recipe}):
                own[name] = recipe
        if arm in sweep:
            notes.append(_describe(arm, swept, list(variants)))
    return made, own, notes


def checked_recipe(arm: str, fields: dict) -> dict[str, Any]:
    """What an arm has of the recipe for itself, with values of the right types.

    Raises
    ------
    UserError
        When a field is unknown or shared by all arms, or a value is of the wrong type.
    """
    return {
        name: _checked(f"recipes.{arm}.{name}", TrainConfig, name, value)
        for name, value in fields.items()
    }


def among(names) -> str:
    """The end of a sentence about an unknown name, when none is near."""
    return f"; there are {', '.join(names)}"


def _checked_sweep(arm: str, fields: dict[str, list]) -> dict[str, list]:
    """The swept fields of an arm, with values of the right types."""
    if not fields:
        raise UserError(f"sweep.{arm} names no field; give lists of values, or leave it out")
    return {key: _values(f"sweep.{arm}.{key}", key, given) for key, given in fields.items()}


def _variants(arm: str, values: dict[str, list]) -> dict[str, dict[str, Any]]:
    """Names of an arm's variants, with the values of the swept fields."""
    found: dict[str, dict[str, Any]] = {}
    for combination in product(*values.values()):
        chosen = dict(zip(values, combination, strict=True))
        name = "-".join([arm, *(_word(key, value) for key, value in chosen.items())])
        if name in found:
            raise UserError(f"two arms of the study would be called '{name}'; rename one")
        found[name] = chosen
    return found


def _values(where: str, key: str, given: list) -> list:
    section, _, name = key.partition(".")
    schemas: dict[str, type] = {"model": ModelConfig, "train": TrainConfig}
    if section not in schemas or not name:
        known = [f"{one}.{field}" for one in schemas for field in _fields(schemas[one])]
        raise UserError(
            f"{where} is no field of a model or recipe"
            + (nearest(key, known) or "; name one as model.targets or train.lr")
        )
    if not given:
        raise UserError(f"{where} has no values; give one or more")
    return [_checked(where, schemas[section], name, value) for value in given]


def _checked(where: str, schema: type, name: str, value: Any) -> Any:
    """A value as its field takes it."""
    kinds = _fields(schema)
    if name not in kinds:
        prefix = "model." if schema is ModelConfig else "train."
        in_sweep = where.startswith("sweep.")
        known = [f"{prefix}{one}" if in_sweep else one for one in kinds]
        hint = nearest(f"{prefix}{name}" if in_sweep else name, known)
        raise UserError(f"{where} is an unknown key{hint or among(known)}")
    if schema is TrainConfig and name in SHARED:
        more = "; list the seeds under 'seeds'" if name == "seed" else "; set it under 'train'"
        raise UserError(f"{where}: all arms of a study share train.{name}{more}")
    if isinstance(value, str) and re.fullmatch(r"[-+]?[\d.]+[eE][-+]?\d+", value):
        value = float(value)  # YAML 1.1 reads 1e-3 as a text
    try:
        if value is None:
            raise ValueError("a value is missing")
        return from_plain(kinds[name], value, "it")
    except (TypeError, ValueError):
        raise UserError(
            f"{where} is {value!r}; it should be as {'model' if schema is ModelConfig else 'train'}"
            f".{name} is"
        ) from None


def _fields(schema: type) -> dict[str, Any]:
    return typing.get_type_hints(schema)


def _by_section(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the model, and of the recipe."""
    found: dict[str, dict[str, Any]] = {"model": {}, "train": {}}
    for key, value in values.items():
        section, _, name = key.partition(".")
        found[section][name] = value
    return found["model"], found["train"]


def _word(key: str, value: Any) -> str:
    """A field and its value as part of a name that may become a folder."""
    values = value if isinstance(value, list) else [value]
    return key.partition(".")[2] + "_".join(map(_text, values))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return re.sub(r"[^\w.]+", "-", value.replace(" ", "")).strip("-")
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _describe(arm: str, fields: dict[str, list], variants: list[str]) -> str:
    swept = " and ".join(f"{key} ({', '.join(map(str, values))})" for key, values in fields.items())
    return (
        f"A sweep of {arm} over {swept} makes the arms {', '.join(variants)}. The best of them is "
        "found on the held-out windows, which favours an arm with more variants."
    )

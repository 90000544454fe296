"""Saving a study as versioned JSON, and loading it with every contradiction named."""

import dataclasses
import json
import math
import types
import typing
from pathlib import Path
from typing import Any, Literal

import numpy as np

from genomenet.errors import UserError
from genomenet.files import whole_file
from genomenet.study.results import Study

RESULTS = "results.json"
"""Name of the file in a study folder."""

FORMAT = 1
"""Version of the JSON layout; raised whenever an old file would be read wrongly."""


def save_study(study: Study, path: str | Path) -> None:
    """Write `study` as JSON; the file appears whole.

    Parameters
    ----------
    study : Study
        What to write; a loss that is not finite is written as null.
    path : str or Path
        Usually ``results.json``.
    """
    with whole_file(path) as handle:
        json.dump(_plain({"format": FORMAT, **dataclasses.asdict(study)}), handle, allow_nan=False)
        handle.write("\n")


def load_study(path: str | Path) -> Study:
    """Read a study written by `save_study`.

    Parameters
    ----------
    path : str or Path
        The JSON file.

    Raises
    ------
    UserError
        When the file is missing, broken, or of another format; the sentence names it.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{path} cannot be read ({reason}); give a study's results file.") from None
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); run the study again.") from None
    found = data.pop("format", None) if isinstance(data, dict) else None
    if found != FORMAT:
        raise UserError(
            f"{path} has results format {found!r} but this version reads {FORMAT}; "
            "run the study again or use the genomenet that wrote it."
        )
    try:
        return _decode(Study, data, "study")
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is not a complete study: {error}; run the study again.") from None


def _plain(value: Any) -> Any:
    """`value` with tuples as lists, numpy scalars as Python's, and NaN or infinity as None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _decode(kind: Any, value: Any, where: str) -> Any:
    """Build an object of type `kind` from JSON, naming the place of the first contradiction."""
    if dataclasses.is_dataclass(kind):
        return _decode_record(kind, value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if value is None else _decode(arguments[0], value, where)
    if origin is Literal:
        if value in arguments:
            return value
        raise ValueError(f"{where} is {value!r}, not one of {', '.join(map(repr, arguments))}")
    if origin is tuple and isinstance(value, list):
        if arguments[-1] is not Ellipsis and len(value) != len(arguments):
            raise ValueError(f"{where} has {len(value)} entries instead of {len(arguments)}")
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and (value is None or type(value) in (int, float)):
        return math.nan if value is None else float(value)
    if type(value) is kind:
        return value
    raise TypeError(f"{where} is {type(value).__name__} where {kind} is expected")


def _decode_record(kind: Any, value: Any, where: str) -> Any:
    """Build a dataclass, refusing unknown and missing keys."""
    if not isinstance(value, dict):
        raise TypeError(f"{where} is {type(value).__name__} where an object is expected")
    hints = typing.get_type_hints(kind)
    optional = {
        item.name for item in dataclasses.fields(kind) if item.default is not dataclasses.MISSING
    }
    if unknown := sorted(set(value) - set(hints)):
        raise ValueError(f"{where} has an unknown key '{unknown[0]}'")
    if missing := sorted(set(hints) - optional - set(value)):
        raise ValueError(f"{where} lacks '{missing[0]}'")
    return kind(**{key: _decode(hints[key], value[key], f"{where}.{key}") for key in value})

"""Frozen dataclasses as JSON and back, with every contradiction named."""

import dataclasses
import math
import types
import typing
from typing import Any, Literal

import numpy as np


def to_plain(value: Any) -> Any:
    """`value` with tuples as lists, numpy scalars as Python's, and NaN or infinity as None.

    Parameters
    ----------
    value : object
        Anything that JSON can hold, in dictionaries, lists and tuples; of a dataclass,
        `dataclasses.asdict` makes such.
    """
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """Build an object of type `kind` from JSON, naming the place of the first contradiction.

    Parameters
    ----------
    kind : type
        A frozen dataclass, or the type of one of its fields: str, int, float, bool, `Literal`,
        list, tuple, dict, or a union of these, tried in their order; a bare list or dict takes
        whatever is in it.
    value : object
        From `json.loads`; null stands for a float that was not finite.
    where : str
        Name of the object, for messages.

    Raises
    ------
    TypeError, ValueError
        When the value is not of that type.
    """
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return _one_of(arguments, value, where)
    if origin is Literal:
        if value in arguments:
            return value
        raise ValueError(f"{where} is {value!r}, not one of {', '.join(map(repr, arguments))}")
    if origin is tuple and isinstance(value, list):
        if arguments[-1] is not Ellipsis and len(value) != len(arguments):
            raise ValueError(f"{where} has {len(value)} entries instead of {len(arguments)}")
        return tuple(
            from_plain(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)
        )
    if origin is list and isinstance(value, list):
        return [from_plain(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {
            key: from_plain(arguments[1], item, f"{where}.{key}") for key, item in value.items()
        }
    if kind is float and (value is None or type(value) in (int, float)):
        return math.nan if value is None else float(value)
    if type(value) is kind:
        return value
    raise TypeError(f"{where} is {type(value).__name__} where {kind} is expected")


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """Build the first of several types that fits; null is None where the union allows it."""
    if value is None and types.NoneType in kinds:
        return None
    wanted = [kind for kind in kinds if kind is not types.NoneType]
    for kind in wanted[:-1]:
        try:
            return from_plain(kind, value, where)
        except (TypeError, ValueError):
            continue  # the last one tells what is wrong
    return from_plain(wanted[-1], value, where)


def _record(kind: Any, value: Any, where: str) -> Any:
    """Build a dataclass, refusing unknown and missing keys."""
    if not isinstance(value, dict):
        raise TypeError(f"{where} is {type(value).__name__} where an object is expected")
    hints = typing.get_type_hints(kind)
    optional = {
        item.name
        for item in dataclasses.fields(kind)
        if item.default is not dataclasses.MISSING
        or item.default_factory is not dataclasses.MISSING
    }
    if unknown := sorted(set(value) - set(hints)):
        raise ValueError(f"{where} has an unknown key '{unknown[0]}'")
    if missing := sorted(set(hints) - optional - set(value)):
        raise ValueError(f"{where} lacks '{missing[0]}'")
    return kind(**{key: from_plain(hints[key], value[key], f"{where}.{key}") for key in value})

"""From words and YAML files to frozen dataclasses, with errors that name the nearest key."""

import dataclasses
import math
import re
import types
import typing
from argparse import ArgumentError
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonargparse import ArgumentParser, Namespace

from genomenet.errors import UserError, nearest
from genomenet.models.presets import find_config

Config = TypeVar("Config")
_TRUTHS = {"true", "false"}
_POSITIONAL = {"corpus", "files", "genome", "names", "run", "runs", "sources", "study"}


class VerbParser:
    """The options of one verb: bad input raises UserError instead of printing usage.

    Parameters
    ----------
    verb : str
        Name of the verb.
    usage : str
        What follows the verb in the usage line.
    description : str
        What the verb does.
    """

    def __init__(self, verb: str, usage: str, description: str):
        self._parser = ArgumentParser(
            prog=f"genomenet {verb}",
            usage=f"genomenet {verb} {usage}",
            description=description,
            exit_on_error=False,
        )
        self.add_argument = self._parser.add_argument
        self._schema: type | None = None
        self._set_aside: set[str] = set()

    def add_config(self, schema: type, others: Sequence[type] = ()) -> None:
        """Take the fields of a dataclass as options and in YAML files given by --config.

        Files for dataclasses in `others` are taken too, without the fields that `schema` lacks.
        """
        self._schema = schema
        all_keys = {key for other in others for key in typing.get_type_hints(other)}
        self._set_aside = all_keys - set(typing.get_type_hints(schema))
        self.add_argument(
            "-c",
            "--config",
            action="config",
            help="YAML file, or the name of a preset; give several to lay one over the other.",
        )
        self._parser.add_class_arguments(schema, None)

    def read(self, words: Sequence[str]) -> Namespace:
        """Parse a verb's words.

        Raises
        ------
        UserError
            Naming the file and line or the option, and the nearest valid key.
        """
        prepared = self._prepare(list(words))
        try:
            return self._parser.parse_args(prepared)
        except ArgumentError as error:
            raise UserError(_sentence(str(error.message))) from None

    def config(self, schema: type[Config], parsed: Namespace) -> Config:
        """The dataclass that `add_config` asked for."""
        content = self._parser.instantiate(parsed)
        names = [field.name for field in dataclasses.fields(schema)]  # type: ignore[arg-type]
        return schema(**{name: content[name] for name in names})

    def _prepare(self, words: list[str]) -> list[str]:
        """Check options and files before the parser sees them, and fill in bare flags."""
        known = {option for action in self._parser._actions for option in action.option_strings}
        leaves = dict(_leaves(self._schema)) if self._schema else {}
        flags = {"quiet", "resume", *(name for name, kind in leaves.items() if kind is bool)}
        prepared = []
        for position, word in enumerate(words):
            if self._schema and re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+=.*", word):
                word = f"--{word}"  # key=value, as Hydra's users write it
            option, equals, value = word.partition("=")
            if option.startswith("--") and option not in known:
                raise UserError(
                    f"{self._parser.prog} has no option {option}{nearest(option, known)}"
                )
            following = words[position + 1] if position + 1 < len(words) else ""
            if option in {"--config", "-c"} and equals:
                word = f"{option}={self._checked_file(value)}"
            elif position and words[position - 1] in {"--config", "-c"}:
                word = self._checked_file(word)
            elif option[2:] in flags and not equals and following.lower() not in _TRUTHS:
                word = f"{option}=true"
            elif option[2:] in leaves:
                _check_word(option, value if equals else following, leaves[option[2:]])
            prepared.append(word)
        return prepared

    def _checked_file(self, name: str) -> str:
        """The file's path, or what is left of its text when some of its keys are set aside."""
        path = find_config(name)
        if self._schema is None:
            return str(path)
        tree = _read_mapping(path)
        pairs = [pair for pair in tree.value if pair[0].value not in self._set_aside]
        aside = len(pairs) < len(tree.value)
        tree.value = pairs
        _check_mapping(tree, self._schema, path, "")
        return yaml.serialize(tree) if aside else str(path)


def _leaves(schema: type, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and types of all fields of nested dataclasses."""
    hints = typing.get_type_hints(schema)
    for field in dataclasses.fields(schema):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            yield from _leaves(typing.cast(type, kind), f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", kind


def _read_mapping(path: Path) -> yaml.MappingNode:
    """Read a YAML file as a tree of nodes, which keep their lines."""
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None
    if tree is None:
        raise UserError(f"{path} is empty; it should hold keys such as 'model:'")
    if not isinstance(tree, yaml.MappingNode):
        raise UserError(
            f"{path}, line {tree.start_mark.line + 1}: it should hold keys, not a value"
        )
    return tree


def _check_mapping(node: yaml.Node, schema: type, path: Path, prefix: str) -> None:
    where = f"{path}, line {node.start_mark.line + 1}"
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{where}: '{prefix.rstrip('.')}' should hold keys, not one value")
    hints = typing.get_type_hints(schema)
    for key, value in node.value:
        if key.value == "<<":  # a YAML merge; what it merges was checked where it stands
            continue
        kind = hints.get(key.value)
        if kind is None:
            raise UserError(
                f"{path}, line {key.start_mark.line + 1}: unknown key '{prefix}{key.value}'"
                + (nearest(key.value, hints) or f"; the keys here are {', '.join(hints)}")
            )
        name = f"{prefix}{key.value}"
        if dataclasses.is_dataclass(kind):
            _check_mapping(value, typing.cast(type, kind), path, f"{name}.")
        elif typing.get_origin(kind) is dict and isinstance(value, yaml.MappingNode):
            inner = typing.get_args(kind)[1]
            for inner_key, inner_value in value.value:
                inner_name = f"{name}.{inner_key.value}"
                if dataclasses.is_dataclass(inner):
                    _check_mapping(inner_value, typing.cast(type, inner), path, f"{inner_name}.")
                else:
                    _check_type(inner_value, inner, path, inner_name)
        else:
            _check_type(value, kind, path, name)


def _check_word(option: str, word: str, kind: Any) -> None:
    """Say what a value on the command line should be."""
    options = typing.get_args(kind) if _is_union(kind) else (kind,)
    try:
        value = word if str in options else yaml.safe_load(word)
    except yaml.YAMLError:
        value = word  # a list that breaks off, say: it fits nothing
    if not any(_fits(value, one) for one in options):
        wanted = " or ".join(_describe(one) for one in options)
        raise UserError(f"{option} is '{word}'; it should be {wanted}")


_SCALARS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _check_type(node: yaml.Node, kind: Any, path: Path, name: str) -> None:
    """Say where a value is of the wrong type; jsonargparse would not name file and line."""
    options = typing.get_args(kind) if _is_union(kind) else (kind,)
    value = yaml.SafeLoader("").construct_object(node, deep=True)
    if not any(_fits(value, option) for option in options):
        wanted = " or ".join(_describe(option) for option in options)
        raise UserError(
            f"{path}, line {node.start_mark.line + 1}: '{name}' is {value!r}; it should be {wanted}"
        )


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in {typing.Union, types.UnionType}


def _fits(value: Any, kind: Any) -> bool:
    if typing.get_origin(kind) is typing.Literal:
        return value in typing.get_args(kind)
    if typing.get_origin(kind) is list:
        return isinstance(value, list) and all(_fits(v, typing.get_args(kind)[0]) for v in value)
    if kind is float and isinstance(value, str):
        # YAML 1.1 reads 3e-3 as a text: what Python reads as a number is one.
        try:
            return math.isfinite(float(value))
        except ValueError:
            return False
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if typing.get_origin(kind) is dict:
        inner = typing.get_args(kind)[1]
        # A mapping of configs is for files, where it is gone through key by key.
        simple = isinstance(value, dict) and not dataclasses.is_dataclass(inner)
        return simple and all(_fits(one, inner) for one in value.values())
    return isinstance(value, kind)


def _describe(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(repr(value) for value in typing.get_args(kind))
    if typing.get_origin(kind) is list:
        return f"a list, each {_describe(typing.get_args(kind)[0])}"
    if typing.get_origin(kind) is dict:
        return "keys with values below them"
    return _SCALARS.get(kind, str(kind))


def _sentence(message: str) -> str:
    """Parsing messages on one line, with options as the user writes them."""
    text = " ".join(message.split())
    if unknown := re.fullmatch(r"unrecognized arguments: (.*)", text):
        return f"can't tell what '{unknown[1]}' is for; see --help"
    if missing := re.search(r"arguments are required: (.*)", text):
        names = [name if name in _POSITIONAL else f"--{name}" for name in missing[1].split(", ")]
        return f"{', '.join(names)} is missing; see --help"
    match = re.search(r'Parser key "?([\w.]+)"?:? (.*)', text)
    if match is None:
        return text
    wrong = re.fullmatch(r"Expected a <class '(\w+)'>\. Got value: (.*)", match.group(2))
    if wrong:
        wanted = {kind.__name__: words for kind, words in _SCALARS.items()}[wrong[1]]
        return f"--{match.group(1)} is '{wrong[2]}'; it should be {wanted}"
    return f"--{match.group(1)}: {match.group(2)}"

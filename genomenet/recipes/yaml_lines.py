"""YAML mappings whose mistakes are told with file and line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from genomenet.errors import UserError, nearest


class Entry:
    """A mapping of a YAML file: its values by key, each of an expected kind.

    Parameters
    ----------
    path : Path
        The file, for messages.
    node : yaml.Node
        The mapping.
    what : str
        What it is called in messages.

    Raises
    ------
    UserError
        When it is no mapping, or a key comes twice.
    """

    def __init__(self, path: Path, node: yaml.Node, what: str):
        self._path = path
        self._line = node.start_mark.line + 1
        self._nodes: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            raise self.error(f"{what} should hold keys, such as 'url:', not one value")
        for key, value in node.value:
            if key.value in self._nodes:
                raise self.error(f"the key '{key.value}' comes twice", key)
            self._nodes[key.value] = value
        self._keys = {key.value: key for key, _ in node.value}

    def error(self, message: str, node: yaml.Node | None = None) -> UserError:
        """The mistake, with file and line."""
        line = node.start_mark.line + 1 if node is not None else self._line
        return UserError(f"{self._path}, line {line}: {message}")

    def only(self, *known: str) -> None:
        """Refuse other keys than these."""
        for key, node in self._keys.items():
            if key not in known:
                hint = nearest(key, known) or f"; the keys here are {', '.join(known)}"
                raise self.error(f"unknown key '{key}'{hint}", node)

    def text(self, key: str, default: str | None = None) -> str:
        """A text; required unless there is a default."""
        value = self._value(key)
        if value is None:
            if default is None:
                raise self.error(f"'{key}' is missing")
            return default
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text")
        return " ".join(value.split())

    def number(self, key: str) -> float | None:
        """A number above zero, or None when there is none."""
        value = self._value(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            raise self._wrong(key, value, "a number above 0")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, empty when there is none."""
        value = self._value(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(key, value, "a list of texts")
        return value

    def lists(self, key: str) -> dict[str, list[str]]:
        """Lists of texts by name, empty when there are none."""
        node = self._nodes.get(key)
        if node is None:
            return {}
        inner = Entry(self._path, node, f"'{key}'")
        return {name: inner.texts(name) for name in inner._nodes}

    def entries(self, key: str) -> Iterator["Entry"]:
        """The mappings of a list, none when there is no list."""
        node = self._nodes.get(key)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(f"'{key}' should be a list, each item after a dash", node)
        for item in node.value:
            yield Entry(self._path, item, f"an item of '{key}'")

    def single(self) -> tuple[str, dict[str, Any]]:
        """The one key of a mapping, and the mapping below it."""
        if len(self._nodes) != 1:
            raise self.error(f"an item here has one name, not {len(self._nodes)}")
        (name,) = self._nodes
        value = self._value(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, value, "keys with values below it")
        return name, value or {}

    def _value(self, key: str) -> Any:
        node = self._nodes.get(key)
        return None if node is None else yaml.SafeLoader("").construct_object(node, deep=True)

    def _wrong(self, key: str, value: Any, wanted: str) -> UserError:
        return self.error(f"'{key}' is {value!r}; it should be {wanted}", self._nodes[key])


def read_mapping(path: Path, known: tuple[str, ...]) -> Entry:
    """Read the mapping that a YAML file holds.

    Parameters
    ----------
    path : Path
        The file.
    known : tuple of str
        Keys it may have.

    Raises
    ------
    UserError
        When the file is missing, is not YAML, or has another key.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None
    if node is None:
        raise UserError(f"{path} is empty; it should hold keys such as 'files:'")
    entry = Entry(path, node, "a recipe")
    entry.only(*known)
    return entry

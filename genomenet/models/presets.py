"""The presets that ship with the project: YAML files under configs/."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from genomenet.errors import UserError, nearest
from genomenet.models.config import ModelConfig


def config_folder() -> Path:
    """The folder of shipped configs: inside an installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_configs"
    return installed if installed.is_dir() else package.parent / "configs"


def find_config(name: str) -> Path:
    """The path of a config given as a file or as the name of a shipped one.

    Parameters
    ----------
    name : str
        A path, or a name such as "hg38-mamba2".

    Raises
    ------
    UserError
        When there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(config_folder().glob("*/*.yaml"))}
    if name in shipped:
        return shipped[name]
    raise UserError(f"there is no config file or preset '{name}'{nearest(name, shipped)}")


def model_presets() -> Iterator[tuple[str, ModelConfig]]:
    """Names and configs of the shipped models, in alphabetical order."""
    for path in sorted((config_folder() / "model").glob("*.yaml")):
        yield path.stem, ModelConfig(**yaml.safe_load(path.read_text(encoding="utf-8"))["model"])

"""The presets that ship with the project: YAML files under configs/."""

from collections.abc import Iterator
from dataclasses import fields
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


def find_model(name: str) -> ModelConfig:
    """The model of a config, given as a file or as the name of a shipped one; not checked.

    Parameters
    ----------
    name : str
        A path, or a name such as "hg38-mamba2".

    Raises
    ------
    UserError
        When there is neither, or it holds no model.
    """
    path = find_config(name)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict):
        raise UserError(f"{path} has no model; it should hold 'model:' with keys such as layout")
    known = {field.name for field in fields(ModelConfig)}
    for key in model:
        if key not in known:
            raise UserError(f"{path}: unknown key 'model.{key}'{nearest(str(key), known)}")
    return ModelConfig(**model)


def model_yaml(config: ModelConfig) -> str:
    """A model as the text of a config file: the fields that differ from their defaults."""
    plain = ModelConfig()
    changed = {name: value for name, value in vars(config).items() if value != getattr(plain, name)}
    changed = {"layout": config.layout, **changed}
    return yaml.safe_dump(
        {"model": changed}, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
    )

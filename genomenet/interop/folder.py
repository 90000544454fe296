"""A trained model as a folder to share, weights and config without the run, and back."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.interop.weights import read_tensors, with_tensors
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.patcher import read_patcher
from genomenet.models.tokenised import make_language_model
from genomenet.training.record import RECORD, SUMMARY, read_json, read_record, write_json
from genomenet.training.weights import load_model

CONFIG, WEIGHTS, PATCHER = "config.json", "model.safetensors", "patcher"
FORMAT = 1


def export(run: str | Path, out: str | Path, checkpoint: str = "final") -> None:
    """Write the model of a run as a folder that is complete by itself, whole or not at all.

    Parameters
    ----------
    run : str or Path
        The run directory.
    out : str or Path
        The folder to make: config.json, model.safetensors, and the patcher if there is one.
    checkpoint : {"final", "best", "before decay"}
        Which weights.

    Raises
    ------
    UserError
        When the run or the checkpoint is missing, or `out` holds something.
    """
    run, out = Path(run), Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder; give another --out")
    _, record = read_record(run)
    model, config = load_model(run, checkpoint)
    shipped = config.model
    summary = run / SUMMARY
    with whole_folder(out) as folder:
        if shipped.patcher:
            read_patcher(shipped.patcher).copy_to(folder / PATCHER)
            shipped = dataclasses.replace(shipped, patcher=PATCHER)
        tensors = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
        save_file(tensors, folder / WEIGHTS)
        write_json(
            folder / CONFIG,
            {
                "format": FORMAT,
                "genomenet": __version__,
                "model": dataclasses.asdict(shipped),
                "weights": {"file": WEIGHTS, "sha256": _sha256(folder / WEIGHTS)},
                "data": record["data"],
                "training": read_json(summary) if summary.exists() else None,
                "run": {
                    "folder": str(run),
                    "checkpoint": checkpoint,
                    "command": record["command"],
                    "created": record["created"],
                    "versions": record["versions"],
                },
            },
        )


def load(folder: str | Path, checkpoint: str = "final") -> LanguageModel:
    """The model of an exported folder, or of a run, in evaluation mode on the CPU.

    Parameters
    ----------
    folder : str or Path
        What `genomenet export` or `genomenet train` made.
    checkpoint : {"final", "best", "before decay"}
        Which weights of a run; an exported folder has one set.

    Raises
    ------
    UserError
        When the folder is neither, is incomplete or was made by another version, or its weights
        are not those that its config was written with.
    """
    folder = Path(folder)
    if (folder / RECORD).is_file():
        model, _ = load_model(folder, checkpoint)
        return model.cpu().eval()
    if not (folder / CONFIG).is_file():
        raise UserError(
            f"{folder} is neither an exported model nor a run: it has no {CONFIG} and no {RECORD}; "
            "name a folder that `genomenet export` or `genomenet train` made"
        )
    content = read_json(folder / CONFIG)
    config = _model_config(content, folder)
    path = folder / WEIGHTS
    tensors = read_tensors(path)
    digest = _sha256(path)
    if digest != content["weights"]["sha256"]:
        raise UserError(
            f"{path} is not the file that {folder / CONFIG} was written with: its digest is "
            f"{digest[:12]}, recorded is {content['weights']['sha256'][:12]}; export or copy both "
            "again"
        )
    model = make_language_model(config)
    with_tensors(model, tensors, str(path))
    return model.eval()


def _model_config(content: dict[str, Any], folder: Path) -> ModelConfig:
    made_by = content.get("genomenet", "?")
    if content.get("format") != FORMAT:
        raise UserError(
            f"{folder / CONFIG} has format {content.get('format')}, this genomenet reads {FORMAT}; "
            f"use the version that made it ({made_by})"
        )
    try:
        config = ModelConfig(**content["model"])
    except TypeError as error:
        raise UserError(
            f"{folder / CONFIG} has model fields that this genomenet ({__version__}) lacks "
            f"({error}); use the version that made it ({made_by})"
        ) from None
    if config.patcher:
        config = dataclasses.replace(config, patcher=str(folder / config.patcher))
    try:
        return config.check()
    except (TypeError, ValueError) as error:
        raise UserError(f"{folder / CONFIG} has been changed ({error}); export again") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

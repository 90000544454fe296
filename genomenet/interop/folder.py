"""A trained model as a folder to share, weights and config without the run, and back."""

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.interop.model_card import model_card
from genomenet.interop.weights import read_tensors, with_tensors
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.patcher import read_patcher
from genomenet.models.tokenised import make_language_model
from genomenet.training.config import RunConfig
from genomenet.training.record import RECORD, SUMMARY, read_json, read_record, write_json
from genomenet.training.weights import load_model

CONFIG, WEIGHTS, PATCHER = "config.json", "model.safetensors", "patcher"
CARD = "README.md"
FORMAT = 1


def export(run: str | Path, out: str | Path, checkpoint: str = "final") -> None:
    """Write the model of a run as a folder that is complete by itself, whole or not at all.

    Parameters
    ----------
    run : str or Path
        The run directory.
    out : str or Path
        The folder to make: config.json, model.safetensors, README.md, and the patcher if there
        is one.
    checkpoint : {"final", "best", "before decay"}
        Which weights.

    Raises
    ------
    UserError
        When the run or the checkpoint is missing, or `out` holds something.
    """
    with shared_folder(Path(run), Path(out), checkpoint) as shared:
        use = f'import genomenet\n\nmodel = genomenet.load("{Path(out).name}")'
        shared.finish(shared.content, use)


@dataclass(frozen=True)
class SharedFolder:
    """A folder in the making, with the weights in it.

    Attributes
    ----------
    folder : Path
        Where it is being made.
    run : Path
        The run that it is made of.
    config : RunConfig
        That run's config.
    record : dict
        That run's record.
    model : LanguageModel
        The model itself.
    content : dict
        What config.json says of model, weights, data, training and run.
    """

    folder: Path
    run: Path
    config: RunConfig
    record: dict[str, Any]
    model: LanguageModel
    content: dict[str, Any]

    def finish(self, content: dict[str, Any], use: str) -> None:
        """Write config.json, and the card with `use` as the code that loads the model."""
        write_json(self.folder / CONFIG, content)
        card = model_card(self.config, self.record, self.content, self.run, use)
        (self.folder / CARD).write_text(card, encoding="utf-8")


@contextmanager
def shared_folder(run: Path, out: Path, checkpoint: str) -> Iterator[SharedFolder]:
    """Put the weights and the patcher of a run into a folder that appears when the block ends.

    Raises
    ------
    UserError
        As `export`.
    """
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
        # transformers asks for this word in the file's header.
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        content = {
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
        }
        yield SharedFolder(folder, run, config, record, model, content)


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
    # What transformers has saved after more training has no digest on record.
    if content["weights"] and digest != content["weights"]["sha256"]:
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
    try:
        return _with_patcher(config, folder).check()
    except (TypeError, ValueError) as error:
        raise UserError(f"{folder / CONFIG} has been changed ({error}); export again") from None


def _with_patcher(config: ModelConfig, folder: Path) -> ModelConfig:
    """The config, naming its patcher within a folder."""
    if not config.patcher:
        return config
    return dataclasses.replace(config, patcher=str(folder / config.patcher))


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

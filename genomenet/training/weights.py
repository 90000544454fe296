"""Checkpoints, and the model of a run with the weights of one of them."""

import pickle
from pathlib import Path

import torch

from genomenet.errors import UserError
from genomenet.models.language_model import LanguageModel
from genomenet.models.tokenised import make_language_model
from genomenet.training.callbacks import BEFORE_DECAY, BEST, LAST
from genomenet.training.config import RunConfig
from genomenet.training.device import uses_gpu
from genomenet.training.provenance import require_patcher
from genomenet.training.record import CHECKPOINTS, read_record
from genomenet.training.shards import read_shards

CHECKPOINT_FILES = {"final": LAST, "best": BEST, "before decay": BEFORE_DECAY}


def load_model(run: Path, checkpoint: str) -> tuple[LanguageModel, RunConfig]:
    """The model of a run with a checkpoint's weights.

    Parameters
    ----------
    run : Path
        The run directory.
    checkpoint : {"final", "best", "before decay"}
        Which weights.

    Raises
    ------
    UserError
        When the run or the checkpoint is missing or unknown, the weights are of another model, or
        the run's copy of its patcher has changed.
    """
    if checkpoint not in CHECKPOINT_FILES:
        raise UserError(
            f"there is no checkpoint '{checkpoint}'; choose of {', '.join(CHECKPOINT_FILES)}"
        )
    config, record = read_record(run)
    require_patcher(config, record, run)
    path = run / CHECKPOINTS / CHECKPOINT_FILES[checkpoint]
    weights = {
        name.removeprefix("model."): value
        for name, value in load_checkpoint(path)["state_dict"].items()
    }
    model = make_language_model(config.model)
    expected = {name: value.shape for name, value in model.state_dict().items()}
    if expected != {name: value.shape for name, value in weights.items()}:
        raise UserError(
            f"{path} holds the weights of another model than layout '{config.model.layout}' in "
            f"{run}; put the run's own checkpoint back"
        )
    model.load_state_dict(weights)
    return model.to("cuda" if uses_gpu(config.train) else "cpu"), config


def load_checkpoint(path: Path) -> dict:
    """A checkpoint's content on the CPU, without unpickling anything but tensors.

    Raises
    ------
    UserError
        When the file is missing or broken.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; name a run that has saved a checkpoint")
    try:
        if path.is_dir():
            return read_shards(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise UserError(
            f"{path} is not a readable checkpoint ({type(error).__name__}): it is cut short or "
            "not one of genomenet's; use another checkpoint of the run, or train again"
        ) from None

"""The model of a run with the weights of one of its checkpoints."""

from pathlib import Path

from genomenet.errors import UserError
from genomenet.models.language_model import LanguageModel
from genomenet.models.tokenised import make_language_model
from genomenet.training.checkpoint_folder import (
    BEFORE_DECAY,
    BEST,
    LAST,
    CheckpointFolder,
)
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.config import RunConfig
from genomenet.training.device import uses_gpu
from genomenet.training.provenance import require_patcher
from genomenet.training.record import CHECKPOINTS, read_record

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
        When the run or the checkpoint is missing, unknown or not as it was saved, the weights are
        of another model, or the run's copy of its patcher has changed.
    """
    if checkpoint not in CHECKPOINT_FILES:
        raise UserError(
            f"there is no checkpoint '{checkpoint}'; choose of {', '.join(CHECKPOINT_FILES)}"
        )
    config, record = read_record(run)
    require_patcher(config, record, run)
    path = run / CHECKPOINTS / CHECKPOINT_FILES[checkpoint]
    CheckpointFolder(path.parent).require(path.name)
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

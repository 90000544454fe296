"""Embeddings on disk: made once for each model and each set of sequences."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from genomenet.errors import UserError
from genomenet.evaluation.subject import Subject
from genomenet.files import whole_file
from genomenet.probes.embeddings import embed
from genomenet.probes.task import Task, sequences_digest

FORMAT = 1


def cached_embeddings(
    subject: Subject,
    task: Task,
    folder: Path | None,
    layers: int = 6,
    max_length: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, npt.NDArray[np.float32]]:
    """Embeddings of a task's rows, read if they have been made before.

    Parameters
    ----------
    subject, layers, max_length, progress
        As in `genomenet.probes.embeddings.embed`.
    task : Task
        Whose sequences are embedded.
    folder : Path or None
        Where they are kept, if anywhere, in a file named after the task and a digest of all that
        decides over them: weights, config, precision, sequences, layers and length.

    Raises
    ------
    UserError
        As `embed`, and when a file is damaged.
    """
    if folder is None:
        return embed(subject, task.sequences, layers, max_length, progress)
    length = max_length or subject.length_bp
    parts = (FORMAT, model_digest(subject), sequences_digest(task.sequences), layers, length)
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:20]
    path = folder / f"{task.name}-{key}.safetensors"
    if path.is_file():
        try:
            found = load_file(path)
        except (SafetensorError, OSError) as error:
            raise UserError(f"{path} is damaged ({error}); delete it and probe again") from None
        if progress is not None:
            progress(len(task.sequences))
        return found
    found = embed(subject, task.sequences, layers, max_length, progress)
    with whole_file(path, "wb") as handle:
        handle.write(save(found))
    return found


def model_digest(subject: Subject) -> str:
    """SHA-256 of a model's weights and of what else decides over what it computes."""
    model: Any = subject.model
    hasher = hashlib.sha256(f"{type(model).__name__} {getattr(model, 'config', '')}".encode())
    if subject.config is not None:
        hasher.update(subject.config.train.precision.encode())
    for name, value in sorted(model.state_dict().items()):
        plain = value.detach().cpu().contiguous()
        hasher.update(f"{name} {plain.dtype} {tuple(plain.shape)}".encode())
        hasher.update(plain.flatten().view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()

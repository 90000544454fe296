"""What `genomenet calibrate` has found, read back from its folder without torch."""

import dataclasses
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.models.check import patcher_kind
from genomenet.models.config import ModelConfig

RECORD, TENSORS, TOKENIZER = "patcher.json", "patcher.safetensors", "tokenizer.json"
FORMAT = 1
FILES = {
    "markov": (TENSORS,),
    "entropy": (TENSORS,),
    "track": (),
    "bpe": (TOKENIZER,),
}
"""What a patcher of each kind has beside its record."""


@dataclass(frozen=True)
class Patcher:
    """A patcher folder.

    Attributes
    ----------
    folder : Path
        Where it is.
    kind : {"markov", "entropy", "track", "bpe"}
        What it patches by; also the name of the chunker that reads it.
    rule : dict
        Fields of `BoundaryRule`; empty for bpe.
    target : float or None
        Positions per chunk it was calibrated for; None when it was not.
    max_chunk : int
        Longest chunk that the target reckons with; 0 is no limit.
    reset_bp : int
        Positions from one reset of the context to the next; 0 is never.
    alphabet : {"dna", "bytes"}
        What it reads.
    model : ModelConfig or None
        The entropy model.
    record : dict
        All of patcher.json: data, statistics, command, versions.
    """

    folder: Path
    kind: str
    rule: dict[str, Any]
    target: float | None
    max_chunk: int
    reset_bp: int
    alphabet: str
    model: ModelConfig | None
    record: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of all its files."""
        hasher = hashlib.sha256()
        for name in (RECORD, *FILES[self.kind]):
            hasher.update((self.folder / name).read_bytes())
        return hasher.hexdigest()

    def copy_to(self, folder: Path) -> None:
        """Copy its files, and nothing else that lies in the folder, whole or not at all."""
        with whole_folder(folder) as copy:
            for name in (RECORD, *FILES[self.kind]):
                shutil.copyfile(self.folder / name, copy / name)


def read_patcher(folder: str | Path) -> Patcher:
    """Read a patcher folder.

    Raises
    ------
    UserError
        When it is missing, incomplete, or of another format.
    """
    if not str(folder):
        raise UserError(
            "model.patcher is missing: name a folder made by `genomenet calibrate`, which the "
            "chunkers entropy, markov, bpe and track need"
        )
    path = Path(folder)
    try:
        record = json.loads((path / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"model.patcher {path} is no patcher: it has no {RECORD}; name a folder made by "
            "`genomenet calibrate`"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path / RECORD} is not readable JSON ({error}); calibrate anew") from None
    if not isinstance(record, dict):
        raise UserError(f"{path / RECORD} is no patcher's record; calibrate anew")
    if record.get("format") != FORMAT or record.get("kind") not in FILES:
        raise UserError(
            f"{path / RECORD} has format {record.get('format')}, this genomenet reads {FORMAT}; "
            "calibrate anew"
        )
    missing = [name for name in FILES[record["kind"]] if not (path / name).is_file()]
    if missing:
        raise UserError(f"the patcher {path} has lost its {missing[0]}; calibrate anew")
    try:
        return Patcher(
            folder=path,
            kind=record["kind"],
            rule=record["rule"],
            target=record["target"],
            max_chunk=record["max_chunk"],
            reset_bp=record["reset_bp"],
            alphabet=record["alphabet"],
            model=ModelConfig(**record["model"]) if record["model"] else None,
            record=record,
        )
    except (KeyError, TypeError) as error:
        raise UserError(f"{path / RECORD} has been changed ({error}); calibrate anew") from None


def patcher_of(config: ModelConfig) -> Patcher:
    """The patcher of a model whose outermost chunker needs one, after making sure that they agree.

    Raises
    ------
    UserError
        When there is none, or it is of another kind, or was calibrated for something else.
    """
    patcher, chunker = read_patcher(config.patcher), config.chunker_of(0)
    if patcher.kind != chunker:
        raise UserError(
            f"model.chunker is {chunker}, but the patcher {patcher.folder} is of the kind "
            f"{patcher.kind}; set model.chunker to {patcher.kind}, or name another patcher"
        )
    if patcher.alphabet != config.alphabet:
        raise UserError(
            f"the patcher {patcher.folder} reads {patcher.alphabet}, but model.alphabet is "
            f"{config.alphabet}"
        )
    for name, theirs in (("targets", patcher.target), ("max_chunk", patcher.max_chunk)):
        ours = config.of_stage(name, 0)
        if theirs is not None and theirs != ours:
            raise UserError(
                f"model.{name} is {ours:g}, but the patcher {patcher.folder} was calibrated for "
                f"{theirs:g}; set model.{name} to that, or calibrate anew"
            )
    return patcher


def check_patcher(config: ModelConfig) -> None:
    """Make sure of what can be known without torch: mistakes are told at once.

    Raises
    ------
    UserError
        When a model needs a patcher and has none, or one of another kind.
    """
    if config.networks().stages and patcher_kind(config):
        patcher_of(config)
    elif config.patcher:
        read_patcher(config.patcher)


def model_to_dict(model: ModelConfig | None) -> dict[str, Any] | None:
    """What `read_patcher` makes a ModelConfig of."""
    return dataclasses.asdict(model) if model else None

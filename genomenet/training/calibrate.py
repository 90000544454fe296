"""Make a patcher: fit it on the training split, find its threshold, check it on held-out bases."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save

from genomenet.chunking.guards import Guards
from genomenet.chunking.rules import BoundaryRule
from genomenet.errors import UserError
from genomenet.files import whole_folder
from genomenet.genome.genome import Genome
from genomenet.models.patcher import FORMAT, RECORD, TENSORS, TOKENIZER, model_to_dict
from genomenet.training.bpe_words import (
    bases_per_token,
    bpe_boundaries,
    train_for_target,
    vocabulary,
)
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.calibration_windows import (
    chunk_statistics,
    held_out_positions,
    training_positions,
    value_quantiles,
    with_values,
)
from genomenet.training.fit_patcher import Fitted, fit_patcher
from genomenet.training.inputs import open_data
from genomenet.training.provenance import describe_source
from genomenet.training.record import now, versions, write_json
from genomenet.training.threshold import TOLERANCE, find_threshold
from genomenet.windows.bpe_training import train_bpe
from genomenet.windows.splits import Splits

Statistics = dict[str, Any]


@dataclass(frozen=True)
class Calibration:
    """How a calibration ended.

    Attributes
    ----------
    train, valid : dict
        Statistics of chunk lengths in windows of the training and of the validation split.
    rule : BoundaryRule or None
        The rule with its threshold; None for bpe.
    notes : tuple of str
        What to know about it, a sentence each.
    words : int
        Words of a vocabulary, single bases included; 0 but for bpe.
    """

    train: Statistics
    valid: Statistics
    rule: BoundaryRule | None
    notes: tuple[str, ...]
    words: int = 0


def calibrate(
    config: CalibrateConfig,
    out: Path,
    command: str,
    tell: Callable[[str], object] = lambda line: None,
) -> Calibration:
    """Make a patcher folder, whole or not at all.

    Parameters
    ----------
    config : CalibrateConfig
        The patcher and its data.
    out : Path
        The folder to make.
    command : str
        Recorded as the command that made it.
    tell : callable
        Called with lines on what is being done.

    Raises
    ------
    UserError
        When the config or the data can't work, the target is out of reach, or `out` exists.
    """
    config = dataclasses.replace(config.check(), data=config.data.with_absolute_paths())
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not an empty folder; give another --out")
    genome, splits = open_data(config.data)
    guards = Guards(max_chunk=config.max_chunk, at_n=genome.alphabet.complementable)
    tell(f"fitting on the training split of {config.data.genome or config.data.text or 'mock'}")
    if config.kind == "bpe":
        return _calibrate_bpe(config, genome, splits, guards, out, command)
    fitted = fit_patcher(config, genome, splits)
    sample = with_values(fitted.chunker, training_positions(config, genome, splits))
    tell(f"finding the threshold on {int(sample.positions.valid_BL.sum()):,} positions")
    rule, tied = find_threshold(sample, fitted.chunker.rule, guards, config.target)
    train = chunk_statistics(sample.boundaries(rule, guards))
    train["values"] = value_quantiles(sample)
    held_out = with_values(fitted.chunker, held_out_positions(config, genome, splits))
    valid = chunk_statistics(held_out.boundaries(rule, guards))
    valid["values"] = value_quantiles(held_out)
    notes = (*fitted.notes, *([tied] if tied else []), *_missed(config.target, valid))
    calibration = Calibration(train, valid, rule, notes)
    with whole_folder(out) as folder:
        if fitted.tensors:
            # Not save_file: it lets nobody else read what it writes.
            (folder / TENSORS).write_bytes(save(fitted.tensors))
        _write_record(folder, config, genome, command, calibration, fitted)
    return calibration


def _calibrate_bpe(
    config: CalibrateConfig,
    genome: Genome,
    splits: Splits,
    guards: Guards,
    out: Path,
    command: str,
) -> Calibration:
    positions = training_positions(config, genome, splits)
    intervals = splits.require("train")
    text = (
        train_bpe(genome, intervals, config.vocab_size).to_str(pretty=True)
        if config.vocab_size
        else train_for_target(genome, intervals, positions, guards, config.target)
    )
    words = vocabulary(text)
    train = chunk_statistics(bpe_boundaries(words, positions, guards))
    held_out = held_out_positions(config, genome, splits)
    valid = chunk_statistics(bpe_boundaries(words, held_out, guards))
    notes = (
        f"byte-pair encoding itself, as `tokeniser: bpe` has it, makes "
        f"{bases_per_token(text, positions):.2f} bases per token of these words",
        *(() if config.vocab_size else _missed(config.target, valid)),
    )
    calibration = Calibration(train, valid, None, notes, len(words))
    with whole_folder(out) as folder:
        (folder / TOKENIZER).write_text(text, encoding="utf-8")
        _write_record(folder, config, genome, command, calibration, None)
    return calibration


def _missed(target: float, valid: Statistics) -> tuple[str, ...]:
    """A sentence when held-out chunks are not as long as wanted."""
    if abs(valid["mean"] / target - 1) <= TOLERANCE:
        return ()
    return (
        f"held-out chunks are {valid['mean']:.3g} positions long, not {target:g}: the held-out "
        "bases differ from the training bases, or there are few of them",
    )


def _write_record(
    folder: Path,
    config: CalibrateConfig,
    genome: Genome,
    command: str,
    calibration: Calibration,
    fitted: Fitted | None,
) -> None:
    rule = calibration.rule
    record = {
        "format": FORMAT,
        "kind": config.kind,
        "rule": (
            {
                "kind": rule.kind,
                "threshold": rule.threshold,
                "rise": rule.rise,
                "tie_share": rule.tie_share,
            }
            if rule
            else {}
        ),
        "target": None if config.kind == "bpe" and config.vocab_size else config.target,
        "max_chunk": config.max_chunk,
        "reset_bp": config.reset_bp,
        "alphabet": genome.alphabet.name,
        "dtype": "float32",
        "model": model_to_dict(fitted.model if fitted else None),
        **(fitted.details if fitted else {}),
        "vocab_size": calibration.words,
        "statistics": {"train": calibration.train, "valid": calibration.valid},
        "notes": list(calibration.notes),
        "data": {
            "digest": genome.digest,
            "source": describe_source(genome, config.data),
            "config": dataclasses.asdict(config.data),
        },
        "config": {name: value for name, value in vars(config).items() if name != "data"},
        "command": command,
        "created": now(),
        "versions": versions(),
    }
    write_json(folder / RECORD, record)

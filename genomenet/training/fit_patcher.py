"""What a patcher knows before it has a threshold: tables of counts, or a trained model."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.chunking.entropy import EntropyChunker
from genomenet.chunking.markov import MarkovChunker
from genomenet.chunking.rules import BoundaryRule
from genomenet.chunking.score_track import ScoreTrackChunker
from genomenet.chunking.valued import ValuedChunker
from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import spread_windows
from genomenet.genome.markov import STRENGTH_BP, entropy_tables, fit
from genomenet.models.config import ModelConfig
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.provenance import check_source
from genomenet.training.record import SUMMARY, read_record
from genomenet.training.weights import load_model
from genomenet.windows.splits import Splits


@dataclass(frozen=True)
class Fitted:
    """A patcher without its threshold.

    Attributes
    ----------
    chunker : ValuedChunker
        Gives the values; its own rule is not used.
    tensors : dict of str to Tensor
        What its values are computed from.
    model : ModelConfig or None
        The entropy model.
    details : dict
        For the record.
    notes : tuple of str
        What to tell.
    """

    chunker: ValuedChunker
    tensors: dict[str, Tensor] = field(default_factory=dict)
    model: ModelConfig | None = None
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def fit_patcher(config: CalibrateConfig, genome: Genome, splits: Splits) -> Fitted:
    """Fit on the training split, or take over what has been trained.

    Raises
    ------
    UserError
        When the entropy model can't be used, or has been trained on held-out bases.
    """
    rule = BoundaryRule(config.rule, 0.0, rise=config.rise)
    if config.kind == "markov":
        return _markov(config, genome, splits, rule)
    if config.kind == "entropy":
        return _entropy(config, genome, splits, rule)
    assert isinstance(genome, ScoredGenome), "the config names a track"
    return Fitted(
        ScoreTrackChunker(rule),
        details={"track": config.data.track, "track_fingerprint": genome.track.fingerprint},
        notes=genome.track.notes,
    )


def _markov(config: CalibrateConfig, genome: Genome, splits: Splits, rule: BoundaryRule) -> Fitted:
    data = config.data
    validation = spread_windows(splits.require("valid"), data.max_length, STRENGTH_BP)
    model = fit(genome, splits.require("train"), validation, config.order, data.rc_aug)
    tables = entropy_tables(model)
    chunker = MarkovChunker(rule, tables, config.reset_bp)
    return Fitted(
        chunker,
        tensors={f"order_{k}": part for k, part in enumerate(chunker.tables())},
        details={
            "order": config.order,
            "strengths": list(model.strengths),
            "both_strands": data.rc_aug,
        },
    )


def _entropy(config: CalibrateConfig, genome: Genome, splits: Splits, rule: BoundaryRule) -> Fitted:
    run = Path(config.entropy_model)
    trained, record = read_record(run)
    if trained.model.alphabet != genome.alphabet.name:
        raise UserError(
            f"the model of {run} reads {trained.model.alphabet}, but these data are "
            f"{genome.alphabet.name}; name another run"
        )
    if trained.model.tokeniser != "none" or trained.model.patcher:
        what = "longer tokens" if trained.model.tokeniser != "none" else "a patcher of its own"
        raise UserError(
            f"the model of {run} has {what}; an entropy model must read single bases by itself"
        )
    if not (run / SUMMARY).exists():
        raise UserError(f"{run} is not finished; go on with it by `genomenet resume {run}` first")
    source = record["data"]["source"]
    notes = check_source(f"the model of {run}", source, genome, splits)
    model, _ = load_model(run, "final")
    return Fitted(
        EntropyChunker(rule, model, genome.alphabet, config.reset_bp),
        tensors={name: value.cpu().contiguous() for name, value in model.state_dict().items()},
        model=trained.model,
        details={
            "entropy_model": str(run.absolute()),
            "entropy_model_command": record["command"],
            "entropy_model_source": source,
        },
        notes=notes,
    )

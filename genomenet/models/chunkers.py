"""The chunker and the guards of a stage, as its config asks for them."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from genomenet.chunking.bpe import BpeChunker
from genomenet.chunking.chunker import Chunker
from genomenet.chunking.delimiters import DelimiterChunker
from genomenet.chunking.entropy import EntropyChunker
from genomenet.chunking.fixed import FixedGrid
from genomenet.chunking.guards import Guards
from genomenet.chunking.learned import CosineRouter, LinearRouter
from genomenet.chunking.markov import MarkovChunker
from genomenet.chunking.random import RandomChunker
from genomenet.chunking.rules import BoundaryRule
from genomenet.chunking.score_track import ScoreTrackChunker
from genomenet.errors import UserError
from genomenet.genome.alphabet import ALPHABETS
from genomenet.models.config import ModelConfig
from genomenet.models.patcher import RECORD, TENSORS, TOKENIZER, Patcher, patcher_of

MAKERS = {
    "learned": lambda config, stage: CosineRouter(config.stage(stage).d_model),
    "linear": lambda config, stage: LinearRouter(config.stage(stage).d_model),
    "fixed": lambda config, stage: FixedGrid(int(config.target(stage))),
    "random": lambda config, stage: RandomChunker(config.target(stage), config.chunker_seed, stage),
    "delimiter": lambda config, stage: DelimiterChunker(config.delimiters, config.alphabet),
    "markov": lambda config, stage: _markov(config, patcher_of(config)),
    "entropy": lambda config, stage: _entropy(config, patcher_of(config)),
    "bpe": lambda config, stage: BpeChunker(bpe_words(patcher_of(config).folder)),
    "track": lambda config, stage: ScoreTrackChunker(_rule(config, patcher_of(config))),
}


def make_chunker(config: ModelConfig, stage: int) -> Chunker:
    """Build what decides where the main network of a stage steps.

    Raises
    ------
    UserError
        When a patcher is missing, broken or of another kind, or a delimiter is unknown.
    """
    return MAKERS[config.chunker_of(stage)](config, stage)


def make_guards(config: ModelConfig, stage: int) -> Guards:
    """The limits on the boundaries of a stage."""
    return Guards(
        max_chunk=int(config.of_stage("max_chunk", stage)),
        max_boundary_share=float(config.of_stage("max_boundary_share", stage)),
        at_n=config.boundary_at_n and config.alphabet == "dna" and stage == 0,
    )


def bpe_words(folder: Path) -> list[str]:
    """The vocabulary of a bpe patcher."""
    try:
        return list(json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))["model"]["vocab"])
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{folder / TOKENIZER} is damaged; calibrate anew") from None


def _rule(config: ModelConfig, patcher: Patcher) -> BoundaryRule:
    try:
        return BoundaryRule(**patcher.rule, parity=config.parity)
    except TypeError as error:
        raise UserError(
            f"{patcher.folder / RECORD} has been changed ({error}); calibrate anew"
        ) from None


def _markov(config: ModelConfig, patcher: Patcher) -> Chunker:
    tensors = load_tensors(patcher.folder)
    names = [f"order_{k}" for k in range(len(tensors))]
    if set(names) != set(tensors):
        raise UserError(f"{patcher.folder / TENSORS} holds no table of entropies; calibrate anew")
    tables = [tensors[name].numpy() for name in names]
    return MarkovChunker(_rule(config, patcher), tables, patcher.reset_bp)


def _entropy(config: ModelConfig, patcher: Patcher) -> Chunker:
    # A language model is made of stages, which are made of chunkers: a circle at import time.
    from genomenet.models.language_model import LanguageModel

    assert patcher.model is not None, "an entropy patcher has a model"
    # The weights that a constructor draws must not shift those of the model around it.
    with torch.random.fork_rng():
        model = LanguageModel(patcher.model)
    try:
        model.load_state_dict(load_tensors(patcher.folder))
    except RuntimeError:
        raise UserError(
            f"{patcher.folder / TENSORS} holds another model than {RECORD}; calibrate anew"
        ) from None
    rule = _rule(config, patcher)
    return EntropyChunker(rule, model, ALPHABETS[patcher.alphabet], patcher.reset_bp)


def load_tensors(folder: Path) -> dict[str, Tensor]:
    """The tensors of a patcher folder."""
    try:
        return load_file(folder / TENSORS)
    except SafetensorError as error:
        raise UserError(f"{folder / TENSORS} is damaged ({error}); calibrate anew") from None

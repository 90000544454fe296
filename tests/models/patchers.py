"""Patcher folders of every kind, small and without a history."""

import tempfile
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file

from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.patcher import FORMAT, RECORD, TENSORS, TOKENIZER, model_to_dict
from genomenet.training.record import write_json
from genomenet.windows.bpe_training import LETTERS


def write_patcher(folder, kind, rule, tensors=None, model=None, reset_bp=0, words=()):
    """Write a folder that a model can name as its patcher."""
    folder.mkdir()
    write_json(
        folder / RECORD,
        {
            "format": FORMAT, "kind": kind, "rule": rule, "target": 3.0, "max_chunk": 0,
            "reset_bp": reset_bp, "alphabet": "dna", "model": model_to_dict(model),
        },
    )  # fmt: skip
    if tensors:
        save_file(tensors, folder / TENSORS)
    if words:
        vocab = {word: place for place, word in enumerate(words)}
        write_json(folder / TOKENIZER, {"model": {"vocab": vocab}})
    return folder


def threshold(value, kind="threshold", rise=0.0):
    """A rule as a patcher's record has it."""
    return {"kind": kind, "threshold": value, "rise": rise, "tie_share": 0.0}


def markov_tables(order=3):
    """Entropies by context, as a patcher has them."""
    generator = torch.Generator().manual_seed(0)
    return {f"order_{k}": torch.rand(4**k, generator=generator) for k in range(order + 1)}


def entropy_model(config, seed=1):
    """A model whose entropies differ between positions."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LanguageModel(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(20)
    return model


@cache
def _session_folder():
    """Gone when the interpreter exits."""
    return tempfile.TemporaryDirectory(prefix="genomenet-patchers-")


@cache
def shared_patcher(name: str) -> str:
    """The folder of one of a few patchers, written once a session."""
    folder = Path(_session_folder().name) / name
    if name == "track":
        write_patcher(folder, "track", threshold(0.7))
    elif name == "bpe":
        write_patcher(folder, "bpe", {}, words=[*LETTERS, "AC", "ACG", "TT", "TTA"])
    elif name == "markov":
        write_patcher(folder, "markov", threshold(0.6), markov_tables())
    elif name == "markov, rises":
        rule = threshold(0.1, "difference")
        write_patcher(folder, "markov", rule, markov_tables(), reset_bp=8)
    else:
        hybrid = ModelConfig(
            layout="t1m1", d_model=8, head_dim=4, d_state=4, mamba_head_dim=4, vocab_size=5
        )
        model = entropy_model(hybrid)
        rule, reset = {
            "entropy": (threshold(1.2), 0),
            "entropy, high and rising": (threshold(0.9, "both", rise=0.05), 8),
        }[name]
        write_patcher(folder, "entropy", rule, dict(model.state_dict()), hybrid, reset_bp=reset)
    return str(folder)

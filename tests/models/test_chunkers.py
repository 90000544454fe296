"""Every chunker within a whole model: later bases, padding, and one position at a time."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.entropy import EntropyChunker
from genomenet.chunking.random import RandomChunker
from genomenet.chunking.rules import BoundaryRule
from genomenet.errors import UserError
from genomenet.genome.bpe_training import LETTERS
from genomenet.models.chunkers import make_chunker, make_guards
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.patcher import FORMAT, RECORD, TENSORS, TOKENIZER, model_to_dict, read_patcher
from genomenet.training.record import write_json

LENGTH = 40
SMALL = {"d_model": 16, "head_dim": 8, "d_state": 4, "mamba_head_dim": 8, "vocab_size": 6}
ENTROPY_MODELS = {
    "attention": ModelConfig(**SMALL, layout="T1"),
    "window": ModelConfig(**SMALL, layout="t1", window=5),
    "mamba": ModelConfig(**SMALL, layout="m1"),
    "hierarchical": ModelConfig(**SMALL, layout="m1 + t1 + m1"),
    "n-grams": ModelConfig(**SMALL, layout="m1", ngrams=[2, 3]),
}


def write_patcher(folder, kind, rule, tensors=None, model=None, reset_bp=0, words=()):
    """A patcher folder, without its history."""
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


def threshold(value, kind="threshold"):
    return {"kind": kind, "threshold": value, "rise": 0.0, "tie_share": 0.0}


def far_from_all(model, reset):
    """A threshold in a gap between the entropies, lest rounding decide."""
    chunker = EntropyChunker(BoundaryRule("threshold", 0.0), model, reset=reset)
    values = []
    for seed in (0, 1):
        tokens, _ = inputs(seed)
        values.append(chunker.values(Positions(torch.ones_like(tokens).bool(), tokens)).flatten())
    ordered = torch.cat(values).sort().values
    middle = ordered[len(ordered) // 3 : -len(ordered) // 4]
    gap = middle.diff().argmax()
    return ((middle[gap] + middle[gap + 1]) / 2).item()


@pytest.fixture
def config(request, tmp_path):
    """A config of a hierarchical model with the chunker that the test names."""
    kind, _, variant = request.param.partition(", ")
    fields = {"chunker": kind}
    generator = torch.Generator().manual_seed(0)
    if kind == "entropy":
        name, _, reset = variant.partition(", ")
        torch.manual_seed(1)
        model = LanguageModel(ENTROPY_MODELS[name])
        with torch.no_grad():
            model.lm_head.weight.mul_(20)
        write_patcher(
            tmp_path / "p", kind, threshold(far_from_all(model, 9 if reset else 0)),
            dict(model.state_dict()), model.config, reset_bp=9 if reset else 0,
        )  # fmt: skip
    if kind == "markov":
        tables = {f"order_{k}": torch.rand(4**k, generator=generator) for k in range(4)}
        write_patcher(tmp_path / "p", kind, threshold(0.3, variant or "threshold"), tables)
    if kind == "track":
        write_patcher(tmp_path / "p", kind, threshold(0.7))
    if kind == "bpe":
        write_patcher(tmp_path / "p", kind, {}, words=[*LETTERS, "AC", "ACG", "TT", "TTA"])
    if kind == "delimiter":
        fields["delimiters"] = ["soft_mask", "motif:AN", "stop_codon"]
    if (tmp_path / "p").exists():
        fields["patcher"] = str(tmp_path / "p")
    return ModelConfig(**SMALL, layout="m1 + T1 + m1", targets=3.0, **fields)


KINDS = [
    "random", "delimiter", "markov", "markov, difference", "bpe", "track", "entropy, attention",
    "entropy, window", "entropy, mamba", "entropy, hierarchical", "entropy, n-grams",
    "entropy, attention, reset", "entropy, window, reset", "entropy, mamba, reset",
    "entropy, hierarchical, reset", "entropy, n-grams, reset",
]  # fmt: skip


def inputs(seed=0, rows=3):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 4, (rows, LENGTH), generator=generator)
    tokens[:, 0] = 4
    tokens[0, 11:14] = 4
    masked = torch.rand(rows, LENGTH, generator=generator) < 0.3
    masked[:, 0] = False
    scores = torch.rand(rows, LENGTH, generator=generator)
    return tokens, {"masked_BL": masked, "scores_BL": scores}


@pytest.mark.parametrize("config", KINDS, indirect=True)
@torch.no_grad()
def test_later_bases_change_nothing(config):
    torch.manual_seed(0)
    model = LanguageModel(config)
    tokens, more = inputs()
    before = model(tokens, **more)
    assert 0.05 < before.boundaries[0].mask.float().mean() < 0.9
    others, other_more = inputs(1)
    for t in range(1, LENGTH, 3):
        changed = torch.cat([tokens[:, :t], others[:, t:]], 1)
        changed_more = {
            name: torch.cat([more[name][:, :t], other_more[name][:, t:]], 1) for name in more
        }
        after = model(changed, **changed_more)
        assert torch.equal(after.boundaries[0].mask[:, :t], before.boundaries[0].mask[:, :t])
        torch.testing.assert_close(after.logits[:, :t], before.logits[:, :t])


@pytest.mark.parametrize("config", KINDS, indirect=True)
@torch.no_grad()
def test_one_position_at_a_time(config):
    torch.manual_seed(0)
    model = LanguageModel(config)
    tokens, more = inputs()
    whole = model(tokens, **more)
    state = model.new_state(3, "cpu")
    for t in range(LENGTH):
        logits = model.step(
            tokens[:, t], state, masked_R=more["masked_BL"][:, t], scores_R=more["scores_BL"][:, t]
        )
        torch.testing.assert_close(logits, whole.logits[:, t], rtol=1e-4, atol=1e-4)
    assert state.steps == (3 * LENGTH, int(whole.boundaries[0].mask.sum()))


@pytest.mark.parametrize("config", ["entropy, mamba, reset"], indirect=True)
@torch.no_grad()
def test_rows_may_reset_at_different_times(config):
    torch.manual_seed(0)
    model = LanguageModel(config)
    tokens, more = inputs()
    whole = model(tokens, **more)
    state = model.new_state(3, "cpu")
    for ticks in range(LENGTH + 4):
        here = [(row, ticks - 2 * row) for row in range(3) if 0 <= ticks - 2 * row < LENGTH]
        rows, t = torch.tensor(here).T
        logits = model.step(tokens[rows, t], state, rows)
        torch.testing.assert_close(logits, whole.logits[rows, t], rtol=1e-4, atol=1e-4)


def test_stages_of_random_boundaries_are_independent():
    config = ModelConfig(**SMALL, layout="m1 + m1 + T1 + m1 + m1", chunker="random", chunker_seed=7)
    outer, inner = make_chunker(config, 0), make_chunker(config, 1)
    assert isinstance(outer, RandomChunker)
    assert isinstance(inner, RandomChunker)
    assert (outer.seed, outer.stage, inner.stage) == (7, 0, 1)
    assert make_guards(config, 0).at_n


@pytest.mark.parametrize("config", ["markov"], indirect=True)
def test_a_patcher_goes_where_it_is_copied(config, tmp_path):
    patcher = read_patcher(config.patcher)
    (patcher.folder / "notes.txt").write_text("mine")
    patcher.copy_to(tmp_path / "copy")
    copy = read_patcher(tmp_path / "copy")
    assert copy.digest == patcher.digest
    assert not (tmp_path / "copy/notes.txt").exists()
    make_chunker(dataclasses.replace(config, patcher=str(tmp_path / "copy")), 0)


def test_an_unknown_delimiter_is_told():
    config = ModelConfig(**SMALL, layout="m1 + T1 + m1", chunker="delimiter", delimiters=["nn"])
    with pytest.raises(UserError, match="there is no 'nn'; did you mean 'n'"):
        LanguageModel(config)

"""Chunkers of a whole model: entropy models of every kind, patchers, mistakes."""

import dataclasses

import pytest
import torch

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.entropy import EntropyChunker
from genomenet.chunking.random import RandomChunker
from genomenet.chunking.rules import BoundaryRule
from genomenet.errors import UserError
from genomenet.models.chunkers import make_chunker, make_guards
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.patcher import read_patcher
from genomenet.models.tokeniser import make_tokeniser
from tests.models.arms import ARMS
from tests.models.patchers import entropy_model, markov_tables, threshold, write_patcher

LENGTH = 40
SMALL = {"d_model": 16, "head_dim": 8, "d_state": 4, "mamba_head_dim": 8, "vocab_size": 6}
ENTROPY_MODELS = {
    "attention": ModelConfig(**SMALL, layout="T1"),
    "window": ModelConfig(**SMALL, layout="t1", window=5),
    "mamba": ModelConfig(**SMALL, layout="m1"),
    "hierarchical": ModelConfig(**SMALL, layout="m1 + t1 + m1"),
    "n-grams": ModelConfig(**SMALL, layout="m1", ngrams=[2, 3]),
    "patches": ModelConfig(
        **SMALL, layout="m1 + t1 + m2", pool="cross_attention", chunker="fixed", targets=17
    ),
}


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
    """A config of a hierarchical model around the entropy model that the test names."""
    name, _, reset = request.param.partition(", ")
    reset_bp = 18 if reset else 0
    model = entropy_model(ENTROPY_MODELS[name])
    write_patcher(
        tmp_path / "p", "entropy", threshold(far_from_all(model, reset_bp)),
        dict(model.state_dict()), model.config, reset_bp,
    )  # fmt: skip
    return ModelConfig(
        **SMALL, layout="m1 + T1 + m1", chunker="entropy", patcher=str(tmp_path / "p")
    )


KINDS = [f"{name}{reset}" for reset in ("", ", reset") for name in ENTROPY_MODELS]


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


@pytest.mark.parametrize("config", ["mamba, reset"], indirect=True)
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


def test_a_patcher_goes_where_it_is_copied(tmp_path):
    rule = threshold(0.3)
    patcher = read_patcher(write_patcher(tmp_path / "p", "markov", rule, markov_tables()))
    (patcher.folder / "notes.txt").write_text("mine")
    patcher.copy_to(tmp_path / "copy")
    copy = read_patcher(tmp_path / "copy")
    assert copy.digest == patcher.digest
    assert not (tmp_path / "copy/notes.txt").exists()
    make_chunker(dataclasses.replace(ARMS["markov"], patcher=str(tmp_path / "copy")), 0)


def test_an_unknown_delimiter_is_told():
    config = ModelConfig(**SMALL, layout="m1 + T1 + m1", chunker="delimiter", delimiters=["nn"])
    with pytest.raises(UserError, match="there is no 'nn'; did you mean 'n'"):
        LanguageModel(config)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("[]", "no patcher's record"),
        ('{"format": 1, "kind": "markov"}', "has been changed"),
    ],
)
def test_a_record_that_was_changed(tmp_path, record, says):
    folder = tmp_path / "p"
    write_patcher(folder, "markov", threshold(1.0), markov_tables(2))
    (folder / "patcher.json").write_text(record)
    with pytest.raises(UserError, match=says):
        read_patcher(folder)


def test_tensors_of_another_patcher(tmp_path):
    folder = tmp_path / "p"
    write_patcher(folder, "markov", threshold(1.0), {"weight": torch.zeros(2)})
    config = ModelConfig(**SMALL, layout="m1 + T1 + m1", chunker="markov", patcher=str(folder))
    with pytest.raises(UserError, match="holds no table of entropies"):
        make_chunker(config, 0)


@pytest.mark.parametrize("fields", [{"chunker": "bpe"}, {"layout": "T1", "tokeniser": "bpe"}])
def test_a_damaged_vocabulary(tmp_path, fields):
    folder = tmp_path / "p"
    write_patcher(folder, "bpe", {}, words=["A", "C", "G", "T"])
    (folder / "tokenizer.json").write_text('{"model":')
    fields = {"layout": "m1 + T1 + m1", **fields}
    config = ModelConfig(**SMALL, **fields, patcher=str(folder))
    make = make_tokeniser if "tokeniser" in fields else lambda config: make_chunker(config, 0)
    with pytest.raises(UserError, match="is damaged"):
        make(config)

"""A model of text from the command line: train, evaluate, and what does not go together."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from genomenet.cli.main import main
from genomenet.errors import UserError
from genomenet.evaluation.findings_file import load_findings
from genomenet.evaluation.likelihood.record import held_out_likelihood
from genomenet.genome.genome import whole_contigs
from genomenet.genome.text import TextCorpus
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.training.config import DataConfig, RunConfig
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.subjects import subject_of

WORDS = ("chunk", "byte", "model", "entropy", "größer", "patch", "the", "of", "a")
MODEL = {
    "layout": "m1 + T1 + m1", "d_model": 16, "head_dim": 8, "d_state": 8, "mamba_head_dim": 16,
    "alphabet": "bytes", "vocab_size": 256,
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Forty documents of random words."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(3)
    for number in range(40):
        words = rng.choice(WORDS, 300)
        (folder / f"{number:02}.txt").write_text(" ".join(words), encoding="utf-8")
    return folder


def overall(path):
    """The first row of the table of all bytes."""
    table = load_findings(path).table("overall")
    return dict(zip([column.name for column in table.columns], table.rows[0], strict=True))


def test_train_and_evaluate(corpus, tmp_path, capsys):
    options = {f"model.{name}": value for name, value in MODEL.items()} | {
        "data.text": corpus, "data.max_length": 64, "data.split.block_bp": 500,
        "train.max_steps": 30, "train.lr": 0.01, "train.accelerator": "cpu", "train.threads": 1,
        "train.valid_windows": 8,
    }  # fmt: skip
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    run, out = tmp_path / "run", tmp_path / "out.json"
    assert main(["train", *words, "--out", str(run), "--quiet", "true"]) == 0
    text = capsys.readouterr().out
    assert "bits/byte" in text
    assert "base" not in text
    assert "soft-masked" not in text
    assert main(["evaluate", str(run), "--json", str(out), "--quiet", "true"]) == 0
    text = capsys.readouterr().out
    assert "bits/byte" in text
    assert "base" not in text
    found = overall(out)
    assert found["nats/byte"] < 0.7 * math.log(256)
    assert found["repeats"] is None
    assert found["reverse"] is None
    assert main(["evaluate", str(run), "--strands", "both", "--quiet"]) == 2
    assert "no other strand" in capsys.readouterr().err
    other = ["--genome", str(corpus / "00.txt")]
    assert main(["evaluate", str(run), *other, "--json", str(out), "--quiet", "true"]) == 0
    assert overall(out)["bytes"] == (corpus / "00.txt").stat().st_size


def test_a_uniform_model_has_perplexity_256(corpus):
    config = ModelConfig(**MODEL)
    model = LanguageModel(config)
    torch.nn.init.zeros_(model.lm_head.weight)
    genome = TextCorpus(corpus)
    tiles = HeldOutTiles(genome, whole_contigs(genome), 64, limit=9)
    found = held_out_likelihood(subject_of(model, 4), tiles, "final")
    assert math.exp(found.nats) == pytest.approx(256, rel=1e-5)
    assert found.bases == sum(tiles.interval(i).length_bp for i in range(9))


@pytest.mark.parametrize(
    ("data", "model", "says"),
    [
        ({"text": "x"}, {}, "data.text is text, but model.alphabet is dna"),
        ({"mock": True}, MODEL, "data.mock is DNA, but model.alphabet is bytes"),
        ({"text": "x", "mock": True}, MODEL, "data.text and data.mock are both given"),
        ({"text": "x", "rc_aug": True}, MODEL, "data.rc_aug"),
        ({"text": "x", "soft_mask_weight": 0.5}, MODEL, "data.soft_mask_weight"),
        ({"text": "x", "track": "y"}, MODEL, "data.track"),
        ({"text": "x"}, {**MODEL, "vocab_size": 255}, "bytes need 256"),
        ({}, {}, "data.genome is missing"),
    ],
)
def test_mistakes_are_one_sentence(data, model, says):
    with pytest.raises(UserError, match=says):
        RunConfig(ModelConfig(**model), DataConfig(**data)).check()


def test_paths_are_found_from_anywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert replace(DataConfig(text="a"), mock=False).with_absolute_paths().text == str(
        tmp_path / "a"
    )

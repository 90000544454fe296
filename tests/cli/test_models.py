"""`genomenet models`: the list, its filters, and models resized to a budget."""

import json
from pathlib import Path

import pytest
import yaml

from genomenet.cli.main import main
from genomenet.cli.parsing import VerbParser
from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.models.parameters import count_parameters
from genomenet.models.patcher import FORMAT, RECORD, TENSORS
from genomenet.models.presets import config_folder, find_model, model_presets
from genomenet.training.config import RunConfig, TrainConfig


def run(capsys, *words: object) -> str:
    assert main(["models", *map(str, words)]) == 0
    return capsys.readouterr().out


def rows(capsys, *words: object) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(run(capsys, *words, "--json"))}


def test_lists_every_preset(capsys):
    shipped = {path.stem for path in (config_folder() / "model").glob("*.yaml")}
    assert set(rows(capsys)) == shipped
    table = run(capsys)
    assert all(name in table for name in shipped)


def test_words_filter_by_name(capsys):
    assert set(rows(capsys, "hg38", "hnet")) == {"hg38-hnet-transformer", "hg38-hnet-mamba2"}
    assert set(rows(capsys, "gpt3*xl", "1stage")) == {"gpt3-xl-hnet-1stage"}


def test_guessed_fields_are_counted_or_named(capsys):
    assert "rotary_dim" not in run(capsys, "hg38-transformer")
    assert "rotary_dim" in run(capsys, "hg38-transformer", "--guessed")
    assert "rotary_dim" in rows(capsys, "hg38-transformer")["hg38-transformer"]["guessed"]


def test_what_places_boundaries_is_told_apart(capsys):
    found = rows(capsys, "laptop")
    assert found["laptop-hnet-soft-mask"]["chunker"] == "delimiter"
    assert found["laptop-moe"]["chunker"] == "none"
    assert found["laptop-kmer"]["tokeniser"] == "kmer"
    assert found["laptop-blt-markov"]["patcher_flops_per_base"] == 0
    assert found["laptop-blt-entropy"]["patcher_flops_per_base"] is None
    table = run(capsys, "blt-entropy")
    assert " + ?" in table
    assert "an entropy model, once model.patcher names one" in table


def test_flops_of_a_named_entropy_model_count_apart(tmp_path):
    patcher = tmp_path / "patcher"
    patcher.mkdir()
    inner = ModelConfig(layout="T1", d_model=16, head_dim=8, window=20)
    record = {
        "format": FORMAT,
        "kind": "entropy",
        "rule": {},
        "target": 4.0,
        "max_chunk": 24,
        "reset_bp": 50,
        "alphabet": "dna",
        "model": vars(inner),
    }
    (patcher / RECORD).write_text(json.dumps(record))
    (patcher / TENSORS).write_bytes(b"")
    unnamed = find_model("laptop-blt-entropy")
    named = ModelConfig(**{**vars(unnamed), "patcher": str(patcher)})
    with_model, without = flops_per_base(named, 1000), flops_per_base(unnamed, 1000)
    assert with_model.model == without.total
    assert with_model.patcher == flops_per_base(inner, 50).total
    assert flops_per_base(named, 30).patcher == flops_per_base(inner, 30).total


@pytest.mark.parametrize("vary", ["depth", "width"])
def test_a_resized_model_can_be_saved_and_used(capsys, tmp_path, vary):
    wanted = flops_per_base(find_model("hg38-transformer"), 1024).total
    words = ["--match-flops", "hg38-transformer", "--vary", vary, "hg38-hnet-mamba2"]
    text = run(capsys, *words)
    (tmp_path / "mine.yaml").write_text(text)
    config = find_model(str(tmp_path / "mine.yaml")).check()
    cost = flops_per_base(config, 1024).total
    assert cost == pytest.approx(wanted, rel=0.05)
    assert f"{count_parameters(config):,} parameters; {cost:,.0f} forward FLOPs" in text
    assert f"{cost / wanted - 1:+.2%} of the {wanted:,.0f} wanted" in text
    assert " ".join(words[:4]) in config.source
    again = run(capsys, "--match-flops", wanted, "--vary", vary, tmp_path / "mine.yaml")
    changed = {**yaml.safe_load(again)["model"], "source": ""}
    assert changed == {**yaml.safe_load(text)["model"], "source": ""}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["xyzzy"], "no preset's name holds xyzzy"),
        (["--match-flops", "1e6"], "name one preset or config file"),
        (["--match-flops", "1e6", "laptop-moe", "laptop-bpe"], "name one preset or config file"),
        (["--match-flops", "nowhere", "laptop-moe"], "no config file or preset 'nowhere'"),
        (["--match-flops", "1e6", "nowhere"], "no config file or preset 'nowhere'"),
        (["--match-flops", "0", "laptop-moe"], "the budget is 0"),
        (["--match-flops", "inf", "laptop-moe"], "the budget is inf"),
        (["--match-flops", "1e6", "--vary", "colour", "laptop-moe"], "--vary"),
    ],
)
def test_mistakes_are_one_sentence(capsys, words, says):
    assert main(["models", *words]) == 2
    line = capsys.readouterr().err
    assert says in line
    assert "Traceback" not in line


def test_every_preset_is_a_config_of_train():
    parser = VerbParser("train", "", "")
    parser.add_config(RunConfig)
    for name, model in model_presets():
        run_config = parser.config(RunConfig, parser.read(["--config", name]))
        assert run_config.model == model, name
        weight = 0.02 if name.startswith("dnahnet") else TrainConfig().ratio_weight
        assert run_config.train.ratio_weight == weight


def test_presets_are_named_in_the_readme_by_family():
    readme = (Path(__file__).parents[2] / "configs" / "README.md").read_text()
    families = {path.stem.split("-")[0] for path in (config_folder() / "model").glob("*.yaml")}
    assert all(f"`{family}-" in readme for family in families)

"""The card of a shared model: true numbers, and none where there are none."""

import json
import re

import pytest
from huggingface_hub import ModelCard

from genomenet.cli.main import main
from genomenet.evaluation.findings import Column, Findings, Table
from genomenet.evaluation.findings_file import save_findings
from genomenet.training.run import train

COLUMNS = ("model", "bases", "perplexity", "nats/base", "bits/base", "95 % interval")
ROWS = (
    ("arm", 2400, 3.5, 1.25, 1.8074, (1.75, 1.86)),
    ("other", 2400, 3.25, 1.1787, 1.7004, (1.65, 1.75)),
    ("order-3 Markov", 2400, 3.875, 1.3545, 1.9542, (1.95, 1.96)),
    ("uniform", 2400, 4, 1.3863, 2.0, None),
)


@pytest.fixture
def run(make_config, tmp_path):
    """A run within a study's folder."""
    folder = tmp_path / "study" / "runs" / "arm-seed0"
    train(make_config(max_steps=3), folder, "genomenet train ...", progress=False)
    return folder


def evaluated(run, **inputs):
    record = json.loads((run / "run.json").read_text())
    known = {
        "genome": record["data"]["digest"],
        "scored": "test split",
        "window": "128 bases",
        "checkpoint": "final",
    }
    table = Table(
        "overall", "Held-out likelihood", "", tuple(Column(name) for name in COLUMNS), ROWS
    )
    findings = Findings(
        kind="likelihood",
        title="Held-out likelihood",
        created="2026-01-01T00:00:00+00:00",
        command="genomenet evaluate study",
        version="0.1.0",
        inputs={**known, **inputs},
        sentences=(),
        tables=(table,),
        charts=(),
        notes=(),
    )
    save_findings(findings, run.parents[1] / "findings" / "likelihood.json")


def card_of(run, out, *options):
    assert main(["export", str(run), "--out", str(out), *options]) == 0
    return (out / "README.md").read_text()


@pytest.mark.parametrize("options", [(), ("--format", "hf")])
def test_every_number_is_the_records(run, tmp_path, options):
    text = card_of(run, tmp_path / "shared", *options)
    record = json.loads((run / "run.json").read_text())
    summary = json.loads((run / "summary.json").read_text())
    content = json.loads((tmp_path / "shared" / "config.json").read_text())
    sizes = record["data"]["split_bp"]
    for fact in (
        "# arm-seed0",
        f"{record['parameters']:,} parameters",
        record["data"]["digest"],
        record["data"]["splits"],
        f"{sizes['train']:,} train, {sizes['valid']:,} valid, {sizes['test']:,} test bases",
        "0 held-out bases lie in training windows",
        "3 steps of 4 windows, float32, seed 0",
        f"{summary['bases']:,} bases in",
        f"{summary['valid_nats']:.4f} nats per base",
        "`genomenet train ...`",
        content["weights"]["sha256"],
        f"ssd {record['kernels']['ssd']}",
        f"{record['machine']['cores']} cores, {record['machine']['threads']} threads",
        "no GPU",
        f"torch {record['versions']['torch']}",
    ):
        assert fact in text
    load = "AutoModelForCausalLM" if options else 'genomenet.load("shared")'
    assert load in text


def test_the_header_is_one_that_hugging_face_reads(run, tmp_path):
    card = ModelCard(card_of(run, tmp_path / "shared"))
    assert card.data.library_name == "genomenet"
    assert card.data.license == "other"
    assert card.data.license_name == "not-chosen-yet"
    assert card.data.pipeline_tag == "text-generation"
    assert "dna" in card.data.tags


def test_likelihoods_stand_beside_their_controls(run, tmp_path):
    evaluated(run)
    text = card_of(run, tmp_path / "shared")
    rows = re.findall(r"^\| .* \|$", text, re.MULTILINE)
    assert rows == [
        "| model | bases | perplexity | bits/base | 95 % interval |",
        "| --- | --- | --- | --- | --- |",
        "| arm | 2,400 | 3.5000 | 1.8074 | 1.7500 to 1.8600 |",
        "| order-3 Markov | 2,400 | 3.8750 | 1.9542 | 1.9500 to 1.9600 |",
        "| uniform | 2,400 | 4 | 2.0000 |  |",
    ]
    assert "`genomenet evaluate study`" in text


@pytest.mark.parametrize(
    "inputs", [{"genome": "f" * 64}, {"scored": "valid split"}, {"checkpoint": "best"}]
)
def test_likelihoods_of_something_else_are_left_out(run, tmp_path, inputs):
    evaluated(run, **inputs)
    text = card_of(run, tmp_path / "shared")
    assert "no held-out likelihood on record" in text
    assert "3.5000" not in text


def test_without_findings_it_says_so(run, tmp_path):
    assert "no held-out likelihood on record" in card_of(run, tmp_path / "shared")


def test_an_unfinished_run_says_so(run, tmp_path):
    (run / "summary.json").unlink()
    text = card_of(run, tmp_path / "shared")
    assert "the run was not finished" in text
    assert "validation loss" not in text

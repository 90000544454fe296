"""`genomenet probe` and `genomenet tasks` as a user meets them."""

import numpy as np
import pytest

from genomenet.cli.main import main
from genomenet.evaluation.findings_file import load_findings
from genomenet.genome.alphabet import decode
from genomenet.genome.store import GenomeStore
from genomenet.training.record import read_record
from genomenet.training.run import train
from tests.interop.peers import save


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "tiny"


@pytest.fixture
def trained(run, make_config):
    """A run of a second."""
    if not run.exists():
        train(make_config(max_steps=2), run, "test", progress=False)
    return run


def table_of(trained, path):
    """Rows cut from the training split, and made-up ones; labelled by their GC."""
    config, _ = read_record(trained)
    genome = GenomeStore(config.data.genome)
    generator = np.random.default_rng(0)
    lines = ["split,label,sequence\n"]
    for row in range(60):
        codes = generator.integers(0, 4, 60)
        codes[generator.random(60) < 0.5] = [1, 0][row % 2]
        if row >= 50:
            start = int(generator.integers(0, genome.contigs[0].length_bp - 60))
            codes = genome.read(genome.contigs[0].name, start, start + 60)
        label = ["gc", "at"][row % 2]
        lines.append(f"{'train' if row < 30 else 'test'},{label},{decode(codes)}\n")
    path.write_text("".join(lines))


def test_from_a_run_to_findings(trained, tmp_path, capsys):
    table = tmp_path / "content.csv"
    table_of(trained, table)
    words = ["probe", str(trained), "--tasks", str(table), "--shots", "0", "5", "20"]
    words += ["--seeds", "2", "--json", str(tmp_path / "found.json"), "--quiet"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "Probes beside their twins and floors" in text
    findings = load_findings(tmp_path / "found.json")
    assert findings.kind == "probes"
    rows = findings.table("probes").rows
    assert [row[:3] for row in rows] == [
        ("content", "full", "tiny"), ("content", "5-shot", "tiny"),
    ]  # fmt: skip
    names = [column.name for column in findings.table("probes").columns]
    values = dict(zip(names, rows[0], strict=True))
    assert values["GC and length"] > 0.4
    assert isinstance(values["twin"], float)
    assert any("no 20-shot row" in note for note in findings.notes)
    overlap = findings.table("overlap").rows[0]
    assert overlap[4] == 30
    assert 0 < overlap[3] <= 10
    perplexity = findings.table("perplexity").rows[0]
    assert perplexity[1] == pytest.approx(np.log2(perplexity[2]))
    assert len(list((trained / "embeddings").glob("content-*.safetensors"))) == 2
    assert main(words) == 0
    again = load_findings(tmp_path / "found.json")
    assert [table.rows for table in again.tables] == [table.rows for table in findings.tables]


def test_models_of_elsewhere_have_twins_too(tmp_path):
    folder = save(tmp_path / "peer", kind="bases")
    generator = np.random.default_rng(1)
    table = tmp_path / "content.fa"
    with table.open("w") as handle:
        for row in range(40):
            codes = np.where(generator.random(50) < 0.5, [1, 0][row % 2], 2)
            handle.write(f">r{row}|{['gc', 'at'][row % 2]}\n{decode(codes.astype(np.uint8))}\n")
    words = ["probe", "--hf", str(folder), "--tasks", str(table), "--shots", "0", "--seeds", "2"]
    words += ["--max_length", "60"]
    assert main([*words, "--json", str(tmp_path / "found.json"), "--quiet"]) == 0
    findings = load_findings(tmp_path / "found.json")
    names = [column.name for column in findings.table("probes").columns]
    (row,) = findings.table("probes").rows
    values = dict(zip(names, row, strict=True))
    assert values["model"] == "peer"
    assert isinstance(values["twin"], float)
    assert not list(tmp_path.glob("**/*.safetensors"))[1:]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "--tasks is missing"),
        (["--tasks", "none.csv"], "none.csv does not exist"),
        (["--tasks", "x.csv", "--seeds", "1"], "--seeds is 1; give 2 or more"),
        (["--tasks", "x.csv", "--shots", "1"], "--shots takes 0"),
        (["--tasks", "x.csv", "--poolings", "median"], "poolings"),
    ],
)
def test_mistakes(trained, capsys, words, told):
    assert main(["probe", str(trained), *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1


def test_tasks_need_annotation(trained, tmp_path, capsys):
    assert main(["tasks", str(trained), "--out", str(tmp_path / "t")]) == 2
    assert "has no annotation" in capsys.readouterr().err
    assert not (tmp_path / "t").exists()
    assert main(["tasks", str(trained), "--out", "t", "--block_bp", "10"]) == 2
    assert "shorter than a window" in capsys.readouterr().err

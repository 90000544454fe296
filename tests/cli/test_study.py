"""`genomenet study` as a user meets it: steps by hand, plans of the workflow, and mistakes."""

import subprocess
import sys

import pytest
import yaml

from genomenet.cli.main import main
from tests.cli.test_cli import fails

STUDY = {
    "data": {"max_length": 128, "split": {"block_bp": 5000, "valid_fraction": 0.2,
                                          "test_fraction": 0.2}},
    "train": {"max_steps": 4, "global_batch_size": 2, "valid_windows": 4, "accelerator": "cpu"},
    "arms": {"mamba2": {"layout": "M1", "d_model": 16, "head_dim": 8, "d_state": 8,
                        "mamba_head_dim": 16}},
    "sweep": {"mamba2": {"train.lr": ["1e-3", 3e-3]}},
    "markov_order": 1,
    "test_windows": 4,
}  # fmt: skip


@pytest.fixture
def study_file(tmp_path, genome_folder):
    path = tmp_path / "study.yaml"
    path.write_text(
        yaml.safe_dump({**STUDY, "data": {**STUDY["data"], "genome": str(genome_folder)}})
    )
    return path


@pytest.mark.parametrize("step", ["run", "claim", "prepare", "floors", "arm", "gather", "show"])
def test_help_of_a_step_imports_nothing_heavy(step):
    program = (
        "import sys\n"
        "from genomenet.cli.main import main\n"
        "try:\n"
        f"    main(['study', '{step}', '--help'])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'torch', 'lightning', 'matplotlib', 'snakemake'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"usage: genomenet study {step}" in done.stdout


def test_steps_by_hand(capsys, study_file, tmp_path):
    folder = str(tmp_path / "study")
    assert main(["study", "claim", str(study_file), "--out", folder]) == 0
    assert "2 arm(s), 1 seed(s)" in capsys.readouterr().out
    assert "is not prepared" in fails(capsys, "study", "arm", folder, "--number", "0")
    assert main(["study", "prepare", folder]) == 0
    assert main(["study", "arm", folder, "--number", "1", "--threads", "1"]) == 0
    capsys.readouterr()
    assert main(["study", "show", folder]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["prepare: done", "floors: to do"]
    assert [line.split() for line in lines[3:]] == [
        ["0", "mamba2-lr0.001", "0", "to", "do"],
        ["1", "mamba2-lr0.003", "0", "done"],
    ]
    assert "floors and 1 more is still to be done" in fails(capsys, "study", "gather", folder)
    arm = ["study", "arm", folder, "--arm", "mamba2-lr0.001", "--seed", "0", "--threads", "1"]
    assert main(arm) == 0
    assert main(["study", "floors", folder]) == 0
    assert main(["study", "gather", folder]) == 0
    text = capsys.readouterr().out
    assert "mamba2-lr0.001 (lr 0.001) and mamba2-lr0.003 (lr 0.003) differ" in " ".join(
        text.split()
    )
    page = (tmp_path / "study" / "report.html").read_text()
    assert "A sweep of mamba2 over train.lr (0.001, 0.003) makes the arms" in page
    assert "Every arm saw the same 1,024 training bases" in page


def test_a_dry_run_and_a_graph_make_nothing(capfd, study_file, tmp_path):
    genes = tmp_path / "genes.gtf"
    genes.write_text('one\tx\tgene\t501\t900\t.\t+\t.\tgene_name "g";\n')
    words = ["study", "run", str(study_file), "--out", str(tmp_path / "study")]
    words += ["--annotation", str(genes)]
    assert main([*words, "--graph", "mermaid"]) == 0
    graph = capfd.readouterr().out
    assert graph.startswith("---")
    assert graph.count("[arm - arm:") == 2
    assert "[annotate]" in graph
    assert "[probe]" in graph
    assert main([*words, "--dry-run", "--workflow.probe", "false"]) == 0
    text = capfd.readouterr().out
    assert "runs/mamba2-lr0.003-seed0/arm.json" in text
    assert "findings/likelihood.json" in text
    assert "probes.json" not in text
    assert {path.name for path in tmp_path.iterdir()} == {"study.yaml", "genes.gtf"}


def test_a_missing_snakemake_is_one_sentence(capsys, study_file, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = fails(capsys, "study", "run", study_file, "--out", tmp_path / "study")
    assert 'install it with pip install "genomenet[pipelines]"' in line
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rnu"], "did you mean 'run'?"),
        (["run", "nowhere.yaml", "--out", "x"], "no config file or preset 'nowhere.yaml'"),
        (["run", "demo"], "--out"),
        (["run", "demo", "--out", "x", "--profile", "slrm"], "did you mean 'slurm'?"),
        (["run", "demo", "--out", "x", "--jobs", "-1"], "--jobs is -1"),
        (["claim", "demo", "--train.lrr", "1", "--out", "x"], "did you mean '--train.lr'"),
        (["arm", "x"], "name one of --arm and --number"),
        (["arm", "x", "--arm", "a", "--number", "1"], "name one of --arm and --number"),
        (["arm", "x", "--arm", "a"], "x is no study"),
        (["prepare", "x"], "x is no study"),
        (["show", "x"], "x is no study"),
    ],
)
def test_mistakes_are_one_line(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    assert says in fails(capsys, "study", *words)
    assert list(tmp_path.iterdir()) == []


def test_mistakes_in_a_sweep_name_arm_and_key(capsys, study_file, tmp_path):
    study_file.write_text(study_file.read_text().replace("train.lr", "train.lrate"))
    line = fails(capsys, "study", "claim", study_file, "--out", tmp_path / "study")
    assert "sweep.mamba2.train.lrate is an unknown key; did you mean 'train.lr'" in line
    study_file.write_text("sweep: {a: 5}\n")
    line = fails(capsys, "study", "claim", study_file, "--out", tmp_path / "study")
    assert "line 1: 'sweep.a' is 5" in line

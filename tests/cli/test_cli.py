"""The command line as a user meets it: help, errors of one sentence, and every verb once."""

import gzip
import json
import re
import subprocess
import sys

import pytest

from genomenet.cli.main import VERBS, main

SMALL = [
    "--model.layout", "m1 + T1 + m1", "--model.d_model", "16", "--model.head_dim", "8",
    "--model.d_state", "8", "--model.mamba_head_dim", "16", "--data.max_length", "128",
    "--data.split.block_bp", "5000", "--train.max_steps", "4", "--train.threads", "1",
    "--train.valid_windows", "4", "--train.accelerator", "cpu",
]  # fmt: skip


def fails(capsys, *words) -> str:
    """The one line a failing command prints."""
    assert main([str(word) for word in words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("genomenet: ")
    assert "Traceback" not in lines[0]
    return lines[0]


def test_help_lists_every_verb(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_imports_nothing_heavy(verb):
    """What makes help slow is importing torch; the process itself says what it imported."""
    program = (
        "import sys\n"
        "from genomenet.cli.main import main\n"
        "try:\n"
        f"    main(['{verb}', '--help'])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'torch', 'lightning', 'matplotlib', 'Bio', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"usage: genomenet {verb}" in done.stdout


def test_every_option_explains_itself(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    options = re.findall(r"^  (--[a-z0-9_.]+)[^\n]*?(?:  (.*\n)|\n)((?: {20,}.*\n)*)", text, re.M)
    assert len(options) > 40
    for name, beside, below in options:
        explanation = f"{beside} {below}"
        about_a_group = name in {"--model", "--data", "--train", "--data.split"}
        assert about_a_group or len(explanation.split()) > 3, name


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian"], "did you mean 'train'?"),
        (["train", "--modle.layout", "T1", "--out", "x"], "did you mean '--model.layout'?"),
        (["train", "--train.max_step=5", "--out", "x"], "did you mean '--train.max_steps'?"),
        (["train", "--train.max_steps", "many", "--out", "x"], "train.max_steps"),
        (["train", "--model.chunker", "fixde", "--out", "x"], "model.chunker"),
        (["train", "--data.mock"], "--out"),
        (["train", "--out", "x"], "data.genome is missing"),
        (["train", "--data.mock", "--model.layout", "T", "--out", "x"], "without a count"),
        (["train", "--data.mock", "--model.layout", "x4", "--out", "x"], "can't read 'x4'"),
        (["train", "-c", "hg38-mamba", "--out", "x"], "did you mean 'hg38-mamba2'?"),
        (["resume", "nowhere"], "nowhere is not a run"),
        (["evaluate", "nowhere"], "nowhere is not a run"),
        (["report", "nowhere"], "nowhere"),
        (["import", "nowhere.fa", "--out", "x"], "nowhere.fa"),
        (["compare", "--out", "x"], "the study has no arms"),
        (["train", "--data.mock", "--train.seed", "-1", "--out", "x"], "train.seed is -1"),
        (
            ["train", "--data.mock", "--model.layout", "T1", "--model.head_dim", "0", "--out", "x"],
            "model.head_dim 0",
        ),
        (
            ["train", "--data.mock", "--model.chunker", "entropy", "--out", "x"],
            "patcher is missing",
        ),
        (
            ["train", "--train.lr", "nan", "--out", "x"],
            "--train.lr is 'nan'; it should be a number",
        ),
        (["train", "--model.parity", "yes", "--out", "x"], "can't tell what 'yes' is for"),
        (["generate", "nowhere"], "nowhere is not a run"),
        (["models", "--max_length", "0"], "--max_length is 0"),
        (["models", "--max_length", "x"], "--max_length is 'x'; it should be a whole number"),
        (["models", "--match-flops", "1e6", "--json", "laptop-moe"], "leave --json and --guessed"),
        (["models", "--jsn"], "did you mean '--json'?"),
    ],
)
def test_mistakes_are_one_line(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    assert says in fails(capsys, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model:\n  layout: T1\n  d_modle: 4\n", "line 3: unknown key 'model.d_modle'"),
        ("modell:\n  layout: T1\n", "line 1: unknown key 'modell'; did you mean 'model'?"),
        ("data:\n  split:\n    bye: bed\n", "line 3: unknown key 'data.split.bye'; did you mean"),
        ("train:\n  max_steps: many\n", "line 2: 'train.max_steps' is 'many'; it should be"),
        ("train:\n  schedule: linear\n", "should be 'wsd' or 'cosine'"),
        ("model:\n  d_model: [a]\n", "line 2: 'model.d_model' is ['a']"),
        ("model: 5\n", "'model' should hold keys"),
        ("model: [\n", "is not valid YAML"),
        ("", "is empty"),
        ("train:\n  max_steps:\n", "line 2: 'train.max_steps' is None; it should be a whole"),
    ],
)  # fmt: skip
def test_mistakes_in_a_config_name_file_and_line(capsys, tmp_path, text, says):
    config = tmp_path / "mine.yaml"
    config.write_text(text)
    line = fails(capsys, "train", "--config", config, "--data.mock", "--out", tmp_path / "run")
    assert says in line
    assert str(config) in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["arms: 5\n", "arms:\n"])
def test_arms_that_are_no_arms(capsys, tmp_path, text):
    config = tmp_path / "study.yaml"
    config.write_text(text)
    line = fails(capsys, "compare", "-c", config, "--out", tmp_path / "out")
    assert "line 1: 'arms'" in line


def test_mistakes_in_an_arm_name_file_and_line(capsys, tmp_path):
    config = tmp_path / "study.yaml"
    config.write_text("arms:\n  a:\n    layout: T1\n    chunkr: fixed\n")
    line = fails(capsys, "compare", "-c", config, "--out", tmp_path / "out")
    assert "line 4: unknown key 'arms.a.chunkr'; did you mean 'chunker'?" in line


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.fa", b"", "empty"),
        ("protein.fa", b">p\nMKVLAAGEFWQP\n", "protein"),
        ("cut.fa.gz", gzip.compress(b">a\n" + b"ACGT" * 5000)[:-20], "gzip"),
        ("twice.fa", b">a\nACGT\n>a\nACGT\n", "a"),
        ("no_header.fa", b"ACGT\n", ">"),
    ],
)
def test_bad_sequence_files_leave_nothing(capsys, tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    line = fails(capsys, "import", tmp_path / name, "--out", tmp_path / "genome")
    assert says in line
    assert name in line
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_import_says_what_it_replaced(capsys, tmp_path):
    (tmp_path / "rna.fa").write_text(">a\nACGURYACGU\n")
    assert main(["import", str(tmp_path / "rna.fa"), "--out", str(tmp_path / "g"), "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "10 bases" in text
    assert "note: " in text


def test_train_evaluate_resume(capsys, tmp_path, genome_folder):
    run = tmp_path / "run"
    words = ["train", "--out", str(run), f"data.genome={genome_folder}", *SMALL, "--quiet"]
    assert main(words) == 0
    assert "next: genomenet evaluate" in capsys.readouterr().out
    config = json.loads((run / "run.json").read_text())["config"]
    assert config["model"]["layout"] == "m1 + T1 + m1"
    assert config["train"]["max_steps"] == 4
    scores = tmp_path / "scores.json"
    assert main(["evaluate", str(run), "--json", str(scores), "--quiet"]) == 0
    said = capsys.readouterr().out.split("Held-out likelihood\n")[1].splitlines()
    assert said[0].split()[:3] == ["model", "bases", "perplexity"]
    tables = {table["key"]: table for table in json.loads(scores.read_text())["tables"]}
    assert tables["overall"]["rows"][0][0] == "run"
    assert f"{tables['overall']['rows'][0][1]:,}" in said[1]
    assert "is finished" in fails(capsys, "resume", run)
    assert "already holds a run" in fails(capsys, *words)


def test_ctrl_c_says_how_to_go_on(tmp_path, genome_folder):
    run = tmp_path / "run"
    program = (
        "import signal, sys\n"
        # A shell's background jobs start with Ctrl-C ignored, and so may this test.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from genomenet.cli.main import main\n"
        "from genomenet.training.module import GenomeModule\n"
        "original = GenomeModule.training_step\n"
        "def step(self, batch, number):\n"
        "    if self.global_step == 2:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    return original(self, batch, number)\n"
        "GenomeModule.training_step = step\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["train", "--out", str(run), f"--data.genome={genome_folder}", *SMALL, "--quiet"]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1].endswith(f"`genomenet resume {run}`")
    assert main(["resume", str(run), "--quiet"]) == 0


def test_two_configs_lie_over_each_other(capsys, tmp_path):
    (tmp_path / "a.yaml").write_text("model:\n  layout: T1\n  d_model: 64\n")
    (tmp_path / "b.yaml").write_text("train:\n  lr: 1e-2\nmodel:\n  d_model: 32\n")
    words = ["-c", str(tmp_path / "a.yaml"), "-c", str(tmp_path / "b.yaml"), "--data.mock"]
    small = [*SMALL[4:], "--model.layout", "t1", "--data.max_length", "64"]
    assert main(["train", *words, *small, "--quiet", "--out", str(tmp_path / "run")]) == 0
    config = json.loads((tmp_path / "run" / "run.json").read_text())["config"]
    assert config["model"]["layout"] == "t1"
    assert config["model"]["d_model"] == 32
    assert config["train"]["lr"] == 0.01
    assert config["data"]["mock"] is True


def test_models_lists_presets_for_programs(capsys):
    assert main(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["hg38-transformer"]["parameters"] == pytest.approx(29.17e6, rel=1e-3)
    assert "head_dim" in rows["hg38-transformer"]["guessed"]
    assert main(["models"]) == 0
    assert "hg38-hnet-mamba2" in capsys.readouterr().out


def test_compare_and_report(capsys, tmp_path, genome_folder):
    config = tmp_path / "study.yaml"
    config.write_text(
        "name: pair\n"
        f"data:\n  genome: {genome_folder}\n  max_length: 128\n"
        "  split:\n    block_bp: 5000\n    test_fraction: 0.2\n"
        "train:\n  max_steps: 5\n  global_batch_size: 2\n  valid_windows: 2\n  accelerator: cpu\n"
        "arms:\n  iso: &small\n    layout: M1\n    d_model: 16\n    d_state: 8\n"
        "    mamba_head_dim: 16\n  tree:\n    <<: *small\n    layout: m1 + M1 + m1\n"
        "markov_order: 2\n"
    )
    out = tmp_path / "out"
    assert main(["compare", "-c", str(config), "--out", str(out), "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "tree" in text
    assert (out / "report.html").is_file()
    assert main(["report", str(out), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "report.html").read_text() == (out / "report.html").read_text()

"""One command that starts a run, goes on with it, and leaves it when it is finished."""

import shutil
from dataclasses import replace

import pytest

from genomenet.cli.main import main
from genomenet.errors import Stopped, UserError
from genomenet.models.patcher import read_patcher
from genomenet.training.requeue import train_or_resume
from genomenet.training.run import train
from tests.training.kills import differences
from tests.training.test_signals import signal_when

SMALL = [
    "--data.mock", "--model.layout", "T1", "--model.d_model", "16", "--model.head_dim", "8",
    "--data.max_length", "128", "--train.max_steps", "4", "--train.threads", "1",
    "--train.valid_windows", "2", "--train.accelerator", "cpu", "--quiet",
]  # fmt: skip


def test_the_same_command_starts_goes_on_and_is_done(make_config, tmp_path, monkeypatch):
    config = make_config()
    train(config, tmp_path / "whole", "", progress=False)
    run = tmp_path / "run"
    for step in (1, 4):
        with monkeypatch.context() as patch:
            signal_when(
                patch, "training_step", lambda module, step=step: module.global_step == step
            )
            with pytest.raises(Stopped, match=f"at step {step + 1};"):
                train_or_resume(config, run, "", progress=False)
    assert train_or_resume(config, run, "", progress=False).step == 8
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert train_or_resume(config, run, "", progress=False) is None
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert differences(tmp_path / "whole", run) == []


def test_another_config_is_told_by_its_key(make_config, tmp_path):
    run = tmp_path / "run"
    train(make_config(max_steps=1), run, "", progress=False)
    for other, says in (
        (make_config(max_steps=2), "train.max_steps is 1 there and 2 here"),
        (make_config(max_steps=1, model={"d_model": 32}), "model.d_model is 16 there"),
        (make_config(max_steps=1, data={"rc_aug": True}), "data.rc_aug is False there"),
        (make_config(max_steps=1, lr_multipliers=[1.0, 1.0]), "train.lr_multipliers is []"),
    ):
        with pytest.raises(UserError, match="already holds a run with another config") as error:
            train_or_resume(other, run, "", progress=False)
        assert says in str(error.value)


def test_a_folder_of_something_else_is_refused(make_config, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        train_or_resume(make_config(), tmp_path, "", progress=False)


def test_a_run_killed_before_it_began_leaves_no_more_than_its_patcher(make_config, tmp_path):
    """And the same command takes that over, but no other patcher that lies there."""
    config = make_config(max_steps=1)
    patchers = {}
    for name, order in (("one", "2"), ("two", "1")):
        folder = tmp_path / name
        words = ["--data.genome", config.data.genome, "--data.max_length", "128"]
        split = ["--data.split.block_bp", "5000", "--kind", "markov", "--target", "3"]
        assert main(["calibrate", *words, *split, "--order", order, "--out", str(folder)]) == 0
        patchers[name] = read_patcher(folder)
    model = replace(config.model, chunker="markov", patcher=str(tmp_path / "one"))
    split = replace(config.data.split, valid_fraction=0.1, test_fraction=0.1)
    config = replace(config, model=model, data=replace(config.data, split=split))
    run = tmp_path / "run"
    patchers["two"].copy_to(run / "patcher")
    with pytest.raises(UserError, match="not an empty folder"):
        train_or_resume(config, run, "", progress=False)
    shutil.rmtree(run / "patcher")
    patchers["one"].copy_to(run / "patcher")
    assert train_or_resume(config, run, "", progress=False).step == 1
    assert train_or_resume(config, run, "", progress=False) is None
    # The patcher may be made anew, but then the run would be another.
    shutil.rmtree(tmp_path / "one")
    patchers["two"].copy_to(tmp_path / "one")
    with pytest.raises(UserError, match="another patcher than"):
        train_or_resume(config, run, "", progress=False)


def test_the_command(tmp_path, monkeypatch, capsys):
    run = str(tmp_path / "run")
    with monkeypatch.context() as patch:
        signal_when(patch, "training_step", lambda module: module.global_step == 1)
        assert main(["train", *SMALL, "--resume", "--out", run]) == 75
    assert main(["train", *SMALL, "--resume", "true", "--out", run]) == 0
    assert f"next: genomenet evaluate {run}" in capsys.readouterr().out
    assert main(["train", *SMALL, "--resume", "--out", run]) == 0
    assert capsys.readouterr().out == (
        f"{run} is finished already; next: genomenet evaluate {run}\n"
    )
    assert main(["train", *SMALL, "--out", run]) == 2
    assert "already holds a run; continue it with" in capsys.readouterr().err

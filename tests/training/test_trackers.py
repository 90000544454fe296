"""W&B and MLflow: what they hear of a run, one run of theirs over stops, and how they fail."""

import json
import sys

import pytest
import torch

from genomenet.cli.main import main
from genomenet.errors import UserError
from genomenet.training.run import resume, train
from genomenet.training.trackers import IDS
from genomenet.training.weights import load_checkpoint
from tests.training import tracker_stand_ins
from tests.training.test_run import Killed, kill_after

BOTH = {"trackers": ["wandb", "mlflow"], "tracking_project": "boundaries"}


@pytest.fixture
def wandb(monkeypatch):
    return tracker_stand_ins.install_wandb(monkeypatch)


@pytest.fixture
def mlflow(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tracker_stand_ins.install_mlflow(monkeypatch)


def test_both_hear_of_metrics_and_record(make_config, tmp_path, wandb, mlflow):
    train(make_config(**BOTH), tmp_path / "run", "genomenet train ...", progress=False)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    ids = json.loads((tmp_path / "run" / IDS).read_text())
    (theirs,), (other,) = wandb.values(), mlflow[0].values()
    assert ids == {"wandb": theirs.id, "mlflow": other.id}
    for one in (theirs, other):
        assert (one.project, one.name, one.status) == ("boundaries", "run", "FINISHED")
    assert theirs.params["config"]["train"]["max_steps"] == 8
    assert theirs.params["data"]["digest"] == record["data"]["digest"]
    assert theirs.params["versions"]["torch"] == torch.__version__
    assert other.params["config/train/max_steps"] == "8"
    assert other.params["data/digest"] == record["data"]["digest"]
    assert other.params["command"] == "genomenet train ..."
    steps = [row["trainer/global_step"] for row in theirs.rows if "train/loss" in row]
    assert steps == list(range(8))
    losses = [row["val/loss"] for row in theirs.rows if "val/loss" in row]
    assert losses == [row["val/loss"] for row in other.rows if "val/loss" in row]
    assert len(losses) == 3
    assert mlflow[1][0] == f"sqlite:///{tmp_path / 'run' / 'mlflow.db'}"


def test_names_and_servers_are_the_users(make_config, tmp_path, monkeypatch, mlflow):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example:5000")
    config = make_config(trackers=["mlflow"], tracking_name="first try", max_steps=2)
    train(config, tmp_path / "run", "", progress=False)
    (one,) = mlflow[0].values()
    assert (one.project, one.name) == ("genomenet", "first try")
    assert set(mlflow[1]) == {"http://tracking.example:5000"}


def test_a_resumed_run_is_the_same_run_of_theirs(make_config, tmp_path, monkeypatch, wandb, mlflow):
    config = make_config(checkpoint_every=2, **BOTH)
    with monkeypatch.context() as patch:
        kill_after(patch, 5)
        with pytest.raises(Killed):
            train(config, tmp_path / "run", "", progress=False)
    assert [run.status for run in (*wandb.values(), *mlflow[0].values())] == ["FAILED", "FAILED"]
    resume(tmp_path / "run", progress=False)
    (theirs,), (other,) = wandb.values(), mlflow[0].values()
    assert theirs.starts == 2
    assert theirs.status == other.status == "FINISHED"
    steps = [row["trainer/global_step"] for row in theirs.rows if "train/loss" in row]
    assert steps == [0, 1, 2, 3, 4, 4, 5, 6, 7]  # what came after the checkpoint is made again


def test_trackers_change_nothing(make_config, tmp_path, wandb, mlflow):
    train(make_config(), tmp_path / "without", "", progress=False)
    train(make_config(**BOTH), tmp_path / "with", "", progress=False)
    one, other = (
        load_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt")["state_dict"]
        for name in ("without", "with")
    )
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not (tmp_path / "without" / IDS).exists()


def test_runs_of_one_process_do_not_mix(make_config, tmp_path, wandb):
    config = make_config(trackers=["wandb"], max_steps=2)
    for name in ("one", "two"):
        train(config, tmp_path / name, "", progress=False)
    assert [run.name for run in wandb.values()] == ["one", "two"]
    assert len({len(run.rows) for run in wandb.values()}) == 1


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_missing_package_is_told_before_anything_happens(
    name, make_config, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=rf'{name}, which can\'t be .* "genomenet\[{name}\]"'):
        train(make_config(trackers=[name]), tmp_path / "run", "", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_cannot_start_is_told(make_config, tmp_path, monkeypatch, wandb):
    def refuse(**options):
        raise RuntimeError("No API key configured")

    monkeypatch.setattr(sys.modules["wandb"], "init", refuse)
    with pytest.raises(UserError, match=r"No API key configured.*WANDB_MODE=offline.*resume"):
        train(make_config(trackers=["wandb"], max_steps=2), tmp_path / "run", "", progress=False)
    monkeypatch.undo()
    tracker_stand_ins.install_wandb(monkeypatch)
    assert resume(tmp_path / "run", progress=False).step == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--train.trackers", "[wandbb]"], "did you mean 'wandb'?"),
        (["--train.trackers", "[tensorboard]"], "train.trackers has 'tensorboard'"),
        (["--train.trackers", "[wandb, wandb]"], "twice"),
        (["--train.trackers", "[wandb]", "--train.tracking_project", ""], "is empty"),
    ],
)
def test_words_that_cannot_be_meant(words, said, genome_folder, tmp_path, capsys):
    command = ["train", "--data.genome", str(genome_folder), "--out", str(tmp_path / "run")]
    assert main([*command, *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.trackers
def test_mlflow_itself_keeps_one_run_over_a_stop(make_config, tmp_path, monkeypatch):
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = make_config(checkpoint_every=2, trackers=["mlflow"])
    with monkeypatch.context() as patch:
        kill_after(patch, 5)
        with pytest.raises(Killed):
            train(config, tmp_path / "run", "genomenet train ...", progress=False)
    resume(tmp_path / "run", progress=False)
    client = MlflowClient(f"sqlite:///{tmp_path / 'run' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("genomenet")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_id == json.loads((tmp_path / "run" / IDS).read_text())["mlflow"]
    assert found.info.status == "FINISHED"
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert found.data.params["data/digest"] == record["data"]["digest"]
    history = client.get_metric_history(found.info.run_id, "train/loss")
    assert sorted({one.step for one in history}) == list(range(8))


@pytest.mark.trackers
def test_wandb_itself_keeps_one_run_over_a_stop(make_config, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    config = make_config(checkpoint_every=2, trackers=["wandb"])
    with monkeypatch.context() as patch:
        kill_after(patch, 5)
        with pytest.raises(Killed):
            train(config, tmp_path / "run", "genomenet train ...", progress=False)
    resume(tmp_path / "run", progress=False)
    own = json.loads((tmp_path / "run" / IDS).read_text())["wandb"]
    parts = sorted((tmp_path / "run" / "wandb").glob("offline-run-*"))
    assert len(parts) == 2  # `wandb sync` puts them together by their id
    assert all(part.name.endswith(f"-{own}") for part in parts)
    assert all((part / f"run-{own}.wandb").stat().st_size > 0 for part in parts)

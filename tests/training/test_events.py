"""Points for TensorBoard: by the steps of the tables, and no other ones after a resume."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from genomenet.training.events import EventLogger
from genomenet.training.run import resume, train
from genomenet.training.tables import read_table
from tests.training.test_run import Killed, kill_after


def points(run: Path) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


@pytest.mark.parametrize("killed_after", [1, 4, 6])
def test_a_resumed_run_has_the_points_of_its_tables(
    make_config, tmp_path, monkeypatch, killed_after
):
    run = tmp_path / "run"
    config = make_config(checkpoint_every=2)
    with monkeypatch.context() as patch:
        kill_after(patch, killed_after)
        with pytest.raises(Killed):
            train(config, run, "", progress=False)
    resume(run, progress=False)
    found = points(run)
    for table, tag in (("train.csv", "train/loss"), ("valid.csv", "val/loss")):
        rows = [(int(row["step"]), float(row[tag])) for row in read_table(run / table)]
        assert [step for step, _ in found[tag]] == [step for step, _ in rows]
        for (_, point), (_, cell) in zip(found[tag], rows, strict=True):
            assert point == pytest.approx(cell, rel=1e-6)
    assert "step" not in found
    assert "epoch" not in found
    assert set(found) >= {"train/gradient_norm", "train/lr", "val/perplexity"}


def test_a_step_has_one_point_however_often_it_is_written(tmp_path):
    logger = EventLogger(tmp_path)
    for _ in range(2):
        logger.log_metrics({"train/loss": 1.5, "epoch": 0}, step=3)
    logger.log_metrics({"val/loss": 1.25}, step=4)
    assert points(tmp_path) == {"train/loss": [(4, 1.5)], "val/loss": [(4, 1.25)]}


def test_a_run_without_points_has_no_file(tmp_path):
    EventLogger(tmp_path).finalize("success")
    assert list(tmp_path.iterdir()) == []

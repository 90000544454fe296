"""Tables of a resumed run: rows of steps that are made again go at once."""

import pytest

from genomenet.training.tables import TableLogger, read_table


def logged(folder, resumed_step=0) -> TableLogger:
    return TableLogger(folder, 100, resumed_step)


@pytest.fixture
def run(tmp_path):
    logger = logged(tmp_path)
    for step in range(4):
        logger.log_metrics({"train/loss": 2.0 - step, "epoch": 0}, step=step)
    logger.log_metrics({"val/loss": 1.0}, step=2)
    logger.log_metrics({"val/loss": 0.5, "val/more": 1.0}, step=4)
    return tmp_path


@pytest.mark.parametrize(("step", "train", "valid"), [(4, 4, 2), (3, 3, 1), (2, 2, 1), (1, 1, 0)])
def test_later_rows_are_gone_before_the_first_step(run, step, train, valid):
    logged(run, step)
    assert len(read_table(run / "train.csv")) == train
    assert len(read_table(run / "valid.csv")) == valid
    assert (run / "valid.csv").exists() == (valid > 0)


def test_rows_that_stay_are_not_written_anew(run):
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in run.iterdir()}
    logged(run, 4)
    assert before == {path: (path.stat().st_ino, path.read_bytes()) for path in run.iterdir()}


def test_a_table_is_the_same_when_it_is_made_in_two_parts(run, tmp_path):
    whole = {path.name: path.read_bytes() for path in run.glob("*.csv")}
    logger = logged(run, 2)
    for step in (2, 3):
        logger.log_metrics({"train/loss": 2.0 - step, "epoch": 0}, step=step)
    logger.log_metrics({"val/loss": 0.5, "val/more": 1.0}, step=4)
    assert {path.name: path.read_bytes() for path in run.glob("*.csv")} == whole

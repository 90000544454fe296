"""A study on text says so, and its trivial rows are those of bytes."""

from genomenet.models.config import ModelConfig
from genomenet.study.compare import compare
from genomenet.study.config import StudyConfig
from genomenet.study.gather import ON_TEXT
from genomenet.training.config import DataConfig, SplitConfig, TrainConfig


def test_a_study_of_text(tmp_path):
    (tmp_path / "corpus.txt").write_text("to be or not to be, that is the question. " * 100)
    arm = {"d_model": 8, "head_dim": 8, "alphabet": "bytes", "vocab_size": 256}
    config = StudyConfig(
        data=DataConfig(
            text=str(tmp_path / "corpus.txt"), max_length=32, split=SplitConfig(block_bp=200)
        ),
        train=TrainConfig(max_steps=4, threads=1, accelerator="cpu", valid_windows=2),
        arms={
            "flat": ModelConfig(layout="T1", **arm),
            "space": ModelConfig(
                layout="t1 + t1 + t1", chunker="delimiter", delimiters=["space"], **arm
            ),
        },
        test_windows=4,
    )
    study = compare(config, tmp_path / "out", "", 1, lambda done: None)
    assert ON_TEXT in study.notes
    assert [floor.name for floor in study.floors] == ["uniform", "byte composition"]
    rates = {run.arm: run.final.bases_per_chunk for run in study.runs}
    assert rates["flat"] == ()
    assert 3 < rates["space"][0] < 6

"""A study of two arms that trains in seconds, for tests of its steps."""

from genomenet.models.config import ModelConfig
from genomenet.study.config import StudyConfig
from genomenet.training.config import DataConfig, SplitConfig, TrainConfig

SMALL = {"d_model": 16, "head_dim": 8, "d_state": 8, "mamba_head_dim": 16}


def tiny_study(genome, **fields) -> StudyConfig:
    """The study of a genome; `fields` replace its own."""
    return StudyConfig(
        **{
            "name": "tiny",
            "data": DataConfig(
                genome=str(genome),
                max_length=128,
                split=SplitConfig(block_bp=5000, valid_fraction=0.2, test_fraction=0.2),
            ),
            "train": TrainConfig(
                max_steps=6, global_batch_size=2, valid_every=2, valid_windows=4, accelerator="cpu"
            ),
            "arms": {
                "mamba2": ModelConfig(**SMALL, layout="M1"),
                "hnet": ModelConfig(**SMALL, layout="m1 + M1 + m1"),
            },
            "markov_order": 2,
            "test_windows": 8,
            **fields,
        }
    )

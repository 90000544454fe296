"""Mixtures of experts in training: the balance loss is logged, weighed and does its work."""

import math

import pytest
import torch

from genomenet.models.config import ModelConfig
from genomenet.nn.moe import balance_losses
from genomenet.training.run import train
from genomenet.training.tables import read_table

MIXED = ModelConfig(
    layout="m1 + E1 + E1", d_model=16, head_dim=8, d_state=8, mamba_head_dim=16, experts=4
)


def balances(make_config, folder, **recipe) -> list[float]:
    train(make_config(model=vars(MIXED), **recipe), folder, "", progress=False)
    return [float(row["train/balance_loss"]) for row in read_table(folder / "train.csv")]


def test_is_logged_and_weighs(make_config, tmp_path):
    loose = balances(make_config, tmp_path / "loose", balance_weight=0.0)
    tight = balances(make_config, tmp_path / "tight", balance_weight=10.0)
    assert len(loose) == len(tight) == 8
    assert all(0.9 < one < 4 for one in (*loose, *tight))
    assert loose[0] == pytest.approx(tight[0]), "the same weights at first"
    assert tight[-1] < loose[-1]


def test_dense_models_have_none(make_config, tmp_path):
    train(make_config(), tmp_path / "run", "", progress=False)
    assert "train/balance_loss" not in read_table(tmp_path / "run" / "train.csv")[0]


def test_every_mixture_counts_once():
    from genomenet.models.language_model import LanguageModel

    torch.manual_seed(0)
    model = LanguageModel(MIXED)
    assert balance_losses(model) == []
    model(torch.randint(0, 4, (2, 30)))
    assert len(balance_losses(model)) == 2
    assert all(math.isfinite(loss.item()) for loss in balance_losses(model))

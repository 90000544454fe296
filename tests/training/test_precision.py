"""bfloat16 autocast follows float32."""

import pytest

from genomenet.training.run import train
from genomenet.training.tables import read_table


@pytest.mark.parametrize("layout", ["T1", "M1", "m1 + T1 + m1", "m1 + M1 + m1"])
def test_bfloat16_training_tracks_float32(make_config, tmp_path, layout):
    """The same run in both: every validation within 0.02 nats, and the loss really falls."""
    curves = {}
    for precision in ("float32", "bfloat16"):
        config = make_config(
            model={"layout": layout}, max_steps=30, lr=5e-3, precision=precision, valid_every=10
        )
        train(config, tmp_path / precision, "", progress=False)
        rows = read_table(tmp_path / precision / "valid.csv")
        curves[precision] = [float(row["val/loss"]) for row in rows]
    assert curves["float32"][-1] < curves["float32"][0] - 0.05
    assert curves["float32"] != curves["bfloat16"], "autocast did nothing"
    for exact, half in zip(*curves.values(), strict=True):
        assert half == pytest.approx(exact, abs=0.02)

"""A cost model recovers what made the seconds, and says what it had not seen."""

import pytest
from _cost_model import can_be_fitted, features, fit, fit_and_check, seen_keys

from genomenet.models.config import ModelConfig

COSTS = (1e-4, 2e-11, 3e-11, 5e-11, 1e-9)
SHAPES = [(256, 1), (1_024, 2), (4_096, 1), (16_384, 1), (512, 8), (65_536, 1), (1_024, 3)]


def points(costs=COSTS):
    config = ModelConfig(layout="m1 + T2 + m1", d_model=64, head_dim=32, mamba_head_dim=32)
    wide = ModelConfig(layout="T3", d_model=128, window=300)
    found = [features(which, *shape, True) for shape in SHAPES for which in (config, wide)]
    return [
        {"features": each, "seconds": sum(c * f for c, f in zip(costs, each, strict=True))}
        for each in found
    ]


def test_the_costs_come_back():
    made = points()
    model = fit([p["features"] for p in made], [p["seconds"] for p in made])
    for point in made:
        assert model.seconds(point["features"]) == pytest.approx(point["seconds"], rel=1e-3)


def test_no_cost_is_negative():
    made = points((1e-4, 2e-11, 3e-11, 5e-11, -1e-10))
    assert min(fit([p["features"] for p in made], [p["seconds"] for p in made]).costs) >= 0


def test_the_longer_half_is_held_out():
    made = points()
    slow = max(made, key=lambda point: point["seconds"])
    slow["seconds"] *= 2
    fit_and_check(made)
    assert sum(point["held_out"] for point in made) == len(made) // 2
    assert slow["held_out"]
    assert slow["ratio"] == pytest.approx(2, rel=1e-2)


def test_scores_grow_with_the_square_of_the_window_and_the_rest_with_its_length():
    config = ModelConfig(layout="T2", d_model=64)
    short, long = features(config, 1_000, 1, False), features(config, 2_000, 1, False)
    assert long[0] == short[0]
    assert long[1] == pytest.approx(2 * short[1])
    assert long[2] == pytest.approx(4 * short[2], rel=5e-3)
    assert long[3] == 0
    assert long[4] == 2 * short[4]


@pytest.mark.parametrize(("positions", "window"), [(50, -1), (50, 7), (50, 0), (50, 80), (50, 49)])
def test_positions_see_so_many_keys_on_average(positions, window):
    reach = positions if window < 0 else window + 1
    seen = [min(place + 1, reach) for place in range(positions)]
    assert seen_keys(positions, window) == pytest.approx(sum(seen) / positions)


def test_too_few_points_can_not_be_fitted():
    made = [point for point in points() if point["features"][2] == 0]
    assert can_be_fitted(made)  # four costs, as no position is seen by all
    assert not can_be_fitted(made[:6])
    assert not can_be_fitted([])

"""Seconds of a pass from what it does: fitted on small cases and held against large ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base

TERMS = {
    "layers": "seconds per layer, however short the window",
    "products": "seconds per FLOP of projections, MLPs and scans",
    "scores": "seconds per FLOP of attention between all positions",
    "windowed": "seconds per FLOP of attention in windows",
    "elements": "seconds per number that a layer hands on",
}
"""What each feature costs."""


def features(config: ModelConfig, length: int, batch: int, training: bool) -> list[float]:
    """The numbers that a pass's seconds are a sum over: one a term of `TERMS`.

    Parameters
    ----------
    config : ModelConfig
        The model, at its nominal chunking rate.
    length, batch : int
        Bases of a window, and windows.
    training : bool
        Forward and backward, or forward alone.
    """
    bases = length * batch
    flops = flops_per_base(config, length)
    layout, elements, layers, share = config.networks(), 0.0, 0, 1.0
    scores = {"all": 0.0, "windowed": 0.0}
    counted = 0.0  # what `flops` has of them, which counts every key
    for stage in range(layout.stages + 1):
        inner = stage == layout.stages
        letters = layout.main if inner else layout.encoders[stage] + layout.decoders[stage]
        numbers, positions = config.stage(stage), length * share
        attending = share * sum(letter in "tTE" for letter in letters)
        keys = seen_keys(positions, numbers.window)
        kind = "all" if numbers.window < 0 else "windowed"
        scores[kind] += attending * 4 * keys * numbers.d_model
        seen = positions if numbers.window < 0 else min(positions, numbers.window + 1)
        heads = numbers.d_model // numbers.head_dim
        counted += attending * seen * (4 * numbers.d_model + 3 * heads)
        elements += share * len(letters) * numbers.d_model
        layers += len(letters)
        share /= 1 if inner else config.target(stage)
    times = (flops.training if training else flops.total) / flops.total
    products = flops.total - counted
    both = [scores[kind] * times * bases for kind in scores]
    return [layers, products * times * bases, *both, elements * bases]


def seen_keys(positions: float, window: int) -> float:
    """Keys that a position sees on average, none ahead of it."""
    if window < 0 or window + 1 >= positions:
        return (positions + 1) / 2
    reach = window + 1
    return reach - reach * (reach - 1) / 2 / positions


@dataclass(frozen=True)
class CostModel:
    """Coefficients of the features.

    Attributes
    ----------
    costs : tuple of float
        Seconds per unit of every feature, none below 0.
    """

    costs: tuple[float, ...]

    def seconds(self, numbers: Sequence[float]) -> float:
        """What a pass of these features should take."""
        return float(np.dot(self.costs, numbers))


def fit(numbers: Sequence[Sequence[float]], seconds: Sequence[float]) -> CostModel:
    """Fit by least squares of relative errors, without negative costs."""
    weights = 1 / np.asarray(seconds)[:, None]
    scaled = np.asarray(numbers, dtype=np.float64) * weights
    # Features differ by many orders of magnitude.
    size = np.maximum(scaled.max(axis=0), 1e-300)
    found, _ = nnls(scaled / size, np.ones(len(scaled)))
    return CostModel(tuple((found / size).tolist()))


def can_be_fitted(points: Sequence[dict[str, Any]]) -> bool:
    """Whether half of the points are as many as the costs to be found."""
    used = np.any([point["features"] for point in points], axis=0).sum() if points else 0
    return bool(points) and -(-len(points) // 2) >= used


def fit_and_check(points: Sequence[dict[str, Any]]) -> CostModel:
    """Fit on the half of the points that took least; write what it says into all of them.

    Parameters
    ----------
    points : sequence of dict
        With "features" and "seconds"; each is given "predicted_s", "ratio" (measured over
        predicted) and "held_out", whether the fit had not seen it.
    """
    ordered = sorted(points, key=lambda point: point["seconds"])
    half = ordered[: -(-len(ordered) // 2)]
    model = fit([point["features"] for point in half], [point["seconds"] for point in half])
    for number, point in enumerate(ordered):
        point["predicted_s"] = model.seconds(point["features"])
        point["ratio"] = point["seconds"] / point["predicted_s"]
        point["held_out"] = number >= len(half)
    return model

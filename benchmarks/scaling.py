"""Cost per base: windows up to a million bases, models of a million to 100 million weights."""

import argparse
import dataclasses
import gc
from collections.abc import Callable, Iterator

import torch
from _arms import (
    BLT,
    HNET_MAMBA,
    MAMBA,
    SIZES,
    TRANSFORMER,
    WINDOWED,
    arms,
    lengths_up_to,
    make,
    named,
    training_step,
)
from _cost_model import TERMS, CostModel, can_be_fitted, features, fit_and_check
from _record import conditions, report
from _tables import HEADING, Row, draw
from _timing import Clock, interleaved, use_threads

from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.match import with_layers
from genomenet.models.parameters import count_parameters

ARMS = (TRANSFORMER, WINDOWED, MAMBA, HNET_MAMBA, BLT)
LENGTHS, WEIGHTS, MODELLED = "By length", "By parameters", "Modelled"
TRAINING, FORWARD = "training step", "forward"
SHORT = 1_024
"""Bases of the windows of the series by parameters."""
SMALL_WIDTH, SMALL_LAYERS = 64, 2
"""Of the main network in the series by length, so that a million bases fit."""
BEYOND = ((1 << 20, 4e6), (1 << 20, 100e6))
"""Lengths and sizes that nothing here measures."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a case may take: more is left out.

    Attributes
    ----------
    seconds : float
        A pass, as expected from the one before.
    gigabytes : float
        What a training step keeps for its backward pass.
    """

    seconds: float
    gigabytes: float


def small_arms() -> dict[str, ModelConfig]:
    """Narrow arms with few layers."""
    narrow = {"d_model": SMALL_WIDTH, "head_dim": 32, "mamba_head_dim": 32, "d_state": 32}
    configs = arms(min(SIZES))
    return {
        name: with_layers(dataclasses.replace(configs[name], **narrow), SMALL_LAYERS)
        for name in ARMS
    }


def kept_bytes(model: LanguageModel, tokens: torch.Tensor) -> int:
    """Bytes that a forward pass keeps for the backward pass, weights not counted."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(tokens)
    return sum(storage.nbytes() for storage in kept.values())


def passes(model: LanguageModel, length: int) -> dict[str, Callable[[], object]]:
    """A training step and a forward pass on one window of random bases."""
    tokens = torch.randint(0, 4, (1, length + 1))

    @torch.no_grad()
    def forward() -> None:
        model(tokens[:, :-1])

    return {TRAINING: training_step(model, tokens), FORWARD: forward}


def seconds_of(case: Callable[[], object], expected: float, clock: Clock) -> float:
    """Median of turns; a pass that is expected to take long is timed once, for it warms itself."""
    gc.collect()
    if expected > 2:
        start = clock()
        case()
        return clock() - start
    return interleaved({"": case}, 3 if expected < 0.5 else 1, clock)[""].median


def by_length(longest: int, limits: Limits, clock: Clock) -> Iterator[Row]:
    """One window, longer and longer."""
    for name, config in small_arms().items():
        model = make(config)
        per_base = kept_bytes(model, torch.randint(0, 4, (1, 4_096))) / 4_096
        seconds = dict.fromkeys((TRAINING, FORWARD), 0.0)
        stopped: set[str] = set()
        for length in lengths_up_to(longest):
            for kind, case in passes(model, length).items():
                if kind in stopped:
                    continue
                row = start_of(LENGTHS, name, config, kind, length)
                # Twice as long takes up to four times as long, where all positions are seen.
                expected = seconds[kind] * (16 if name == TRANSFORMER and length > 8_192 else 4)
                why = ""
                if kind == TRAINING and per_base * length > limits.gigabytes * 1e9:
                    why = f"memory: would keep {per_base * length / 1e9:,.0f} GB"
                elif expected > limits.seconds:
                    why = f"time: would take up to {expected:,.0f} s"
                if why:
                    stopped.add(kind)
                    yield {**row, "stopped": why}
                    continue
                seconds[kind] = seconds_of(case, expected, clock)
                yield {**row, "seconds": seconds[kind], "kept_bytes_per_base": per_base}
        del model
        gc.collect()


def by_parameters(sizes: list[float], clock: Clock) -> Iterator[Row]:
    """One short window, and models that grow."""
    for size in sizes:
        for name in ARMS:
            config = arms(size)[name]
            model = make(config)
            for kind, case in passes(model, SHORT).items():
                # At a rate that every machine reaches; only decides how often it is measured.
                expected = features(config, SHORT, 1, kind == TRAINING)[1] / 5e10
                yield {
                    **start_of(WEIGHTS, name, config, kind, SHORT),
                    "seconds": seconds_of(case, expected, clock),
                }
            del model
            gc.collect()


def start_of(series: str, name: str, config: ModelConfig, kind: str, length: int) -> Row:
    """What a row says before anything is measured."""
    return {
        HEADING: series,
        "arm": name,
        "layout": config.layout,
        "parameters": count_parameters(config),
        "pass": kind,
        "length": length,
        "features": features(config, length, 1, kind == TRAINING),
    }


def model_costs(rows: list[Row]) -> Iterator[Row]:
    """Fit every arm's passes, complete their rows, and predict what was not measured."""
    for name in ARMS:
        for kind in (TRAINING, FORWARD):
            points = [
                row
                for row in rows
                if row["arm"] == name and row["pass"] == kind and "seconds" in row
            ]
            if not can_be_fitted(points):
                continue
            costs = fit_and_check(points)
            for row in rows:
                if row["arm"] == name and row["pass"] == kind and row.get("stopped"):
                    row["predicted_s"] = costs.seconds(row["features"])
            yield from beyond(name, kind, costs)


def beyond(name: str, kind: str, costs: CostModel) -> Iterator[Row]:
    """What the model says of lengths and sizes that were not measured."""
    for length, size in BEYOND:
        row = start_of(MODELLED, name, arms(size)[name], kind, length)
        yield {**row, "predicted_s": costs.seconds(row["features"]), "costs": costs.costs}


def text_of(rows: list[Row]) -> str:
    """Markdown of measurements beside the model, and of what is modelled alone."""
    for row in rows:
        row["shown"] = named(row["parameters"])
        for measured, key in (("seconds", "us_per_base"), ("predicted_s", "predicted_us_per_base")):
            if row.get(measured):
                row[key] = row[measured] / row["length"] * 1e6
        row["unseen"] = {True: "yes", False: "no"}.get(row.get("held_out"), "")
    common = {
        "arm": ("arm", ""),
        "layout": ("layout", ""),
        "shown": ("parameters", ",.0f"),
        "pass": ("pass", ""),
        "length": ("window", ",d"),
    }
    measured = common | {
        "us_per_base": ("measured, us/base", ",.2f"),
        "predicted_us_per_base": ("modelled, us/base", ",.2f"),
        "ratio": ("measured over modelled", ".2f"),
        "unseen": ("held out", ""),
        "stopped": ("stopped by", ""),
    }
    modelled = common | {"predicted_us_per_base": ("modelled, us/base", ",.2f")}
    parts = []
    for series, columns in ((LENGTHS, measured), (WEIGHTS, measured), (MODELLED, modelled)):
        found = [row for row in rows if row[HEADING] == series]
        parts.append(f"## {series}\n\n{draw(found, columns)}")
    return (
        f"# Scaling\n\n{conditions(__file__)} float32; one window of random bases; routers ask at "
        "their target rate. Seconds of a pass are modelled as a sum of "
        f"{', '.join(TERMS.values())}; fitted for every arm and pass on the half of its points "
        "that took least, without negative costs, and checked on the other half, held out. "
        "Where a series stopped, and under the last heading, figures are modelled and not "
        "measured.\n\n" + "\n\n".join(parts) + "\n"
    )


def main() -> None:
    """Measure, fit, check and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--longest", type=int, default=1 << 20)
    parser.add_argument("--sizes", nargs="+", type=float, choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--seconds", type=float, default=12, help="longest pass")
    parser.add_argument("--gigabytes", type=float, default=8, help="most that a step keeps")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/scaling.*")
    arguments = parser.parse_args()
    clock = use_threads(arguments.threads)
    rows: list[Row] = []
    limits = Limits(arguments.seconds, arguments.gigabytes)
    for series in (
        by_parameters(arguments.sizes, clock),
        by_length(arguments.longest, limits, clock),
    ):
        for row in series:
            told = {key: value for key, value in row.items() if key != "features"}
            print(*told.values(), flush=True)
            rows.append(row)
    rows += list(model_costs(rows))
    report(__file__, text_of(rows), arguments.save, rows)


if __name__ == "__main__":
    main()

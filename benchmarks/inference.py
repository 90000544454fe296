"""Reading whole windows and decoding base by base, for every arm at equally many parameters."""

import argparse
import dataclasses
import gc
from collections.abc import Callable, Iterator
from typing import Any

import torch
from _arms import (
    BLT,
    HNET_MAMBA,
    HNET_TRANSFORMER,
    ISOTROPIC,
    SIZES,
    arms,
    lengths_up_to,
    make,
    named,
)
from _record import conditions, report
from _tables import HEADING, Row, draw
from _timing import Timing, interleaved, use_threads

from genomenet.models.chunking_network import ChunkingState
from genomenet.models.config import ModelConfig
from genomenet.models.hierarchical import InnermostState
from genomenet.models.language_model import LanguageModel, LanguageModelState
from genomenet.models.parameters import count_parameters
from genomenet.nn.kv_cache import KVCache

STEPS = 32
"""Bases that each row decodes in a turn."""
FEW = 16
"""Steps that a state has really taken before it is stretched to its length."""
FORWARD, DECODING = "Forward", "Decoding"


def forward_rows(
    size: float, lengths: list[int], batches: list[int], limits: "Limits", clock: Callable
) -> Iterator[Row]:
    """Passes without gradients; a pass that would take too long is left out and said so."""
    for name, config in arms(size).items():
        model = make(config)
        row: Row = {HEADING: FORWARD, "arm": name, "parameters": count_parameters(config)}
        for batch in batches:
            seconds, before = 0.0, 0
            for length in lengths:
                expected = seconds * growth(config, length, before) if before else 0.0
                row = {**row, "batch": batch, "length": length, "bases_per_s": None, "note": ""}
                if expected > limits.seconds:
                    yield {**row, "note": f"left out: about {expected:,.0f} s"}
                    break
                tokens = torch.randint(0, 4, (batch, length))
                seconds, before = time_pass(model, tokens, expected, limits.repeats, clock), length
                yield {**row, "bases_per_s": batch * length / seconds, "seconds": seconds}
        del model
        gc.collect()


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a case may take.

    Attributes
    ----------
    seconds : float
        A pass that is expected to take longer is left out.
    gigabytes : float
        A state that would take more is left out.
    repeats : int
        Turns.
    """

    seconds: float
    gigabytes: float
    repeats: int


def growth(config: ModelConfig, length: int, before: int) -> float:
    """At most how many times as long a pass takes as one of a smaller length."""
    layout = config.networks()
    quadratic = layout.main.upper().startswith("T") and config.stage(layout.stages).window < 0
    share = 0.5 if quadratic else 0.0
    times = length / before
    return (1 - share) * times + share * times**2


@torch.no_grad()
def time_pass(
    model: LanguageModel, tokens: torch.Tensor, expected: float, repeats: int, clock: Callable
) -> float:
    """Median seconds of a pass; a long one is timed once, for it warms itself up."""
    if expected > 2:
        start = clock()
        model(tokens)
        return clock() - start
    return interleaved({"pass": lambda: model(tokens)}, repeats, clock)["pass"].median


def state_at(model: LanguageModel, length: int, batch: int) -> LanguageModelState:
    """The state of sequences of a given length, without reading that many bases.

    A few real steps show the shapes; then keys and values of random numbers stand for the rest,
    as many as the length and the chunking rate say. All else in a state has a fixed size.
    """
    state = model.new_state(batch, "cpu")
    for _ in range(FEW):
        model.step(torch.randint(0, 4, (batch,)), state)
    stretch(state.backbone, length, model.config)
    return state


def stretch(state: Any, positions: int, config: ModelConfig, stage: int = 0) -> None:
    """Let a state look as after so many positions."""
    if isinstance(state, InnermostState):
        layers = state.layers
        state.steps_B.fill_(positions)
    else:
        assert isinstance(state, ChunkingState)
        layers = [*state.encoder, *state.decoder]
        state.guards.position_B.fill_(positions)
        stretch(state.main, round(positions / config.target(stage)), config, stage + 1)
    for cache in layers:
        if isinstance(cache, KVCache):
            stretch_cache(cache, positions)


def stretch_cache(cache: KVCache, positions: int) -> None:
    """Keys and values of so many positions, and room for those that are to come."""
    assert cache._keys is not None
    batch, heads, _, width = cache._keys.shape
    slots = cache._slots or positions + 16 * STEPS
    cache._keys, cache._values = torch.randn(
        2, batch, heads, min(slots, positions + 16 * STEPS), width
    )
    cache.position_B.fill_(positions)


def bytes_of(state: Any) -> int:
    """Bytes of all tensors in a state; of keys and values those that hold something."""
    if isinstance(state, KVCache):
        held = min(int(state.position_B.max()), state._keys.shape[2])
        return 2 * state._keys[:, :, :held].numel() * state._keys.element_size()
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, list | tuple):
        return sum(map(bytes_of, state))
    return sum(map(bytes_of, vars(state).values())) if hasattr(state, "__dict__") else 0


def expected_bytes(config: ModelConfig, length: int, batch: int) -> float:
    """Bytes of the keys and values that a state of that length holds, before it is made."""
    layout, total, positions = config.networks(), 0.0, float(length)
    for stage in range(layout.stages + 1):
        numbers = config.stage(stage)
        inner = stage == layout.stages
        letters = layout.main if inner else layout.encoders[stage] + layout.decoders[stage]
        held = positions if numbers.window < 0 else min(positions, numbers.window + 1)
        total += 8 * held * numbers.d_model * sum(letter in "tTE" for letter in letters)
        positions /= 1 if inner else config.target(stage)
    return batch * total


def decoder(model: LanguageModel, state: LanguageModelState, batch: int) -> Callable[[], None]:
    """Some steps of all rows."""

    def steps() -> None:
        for tokens in torch.randint(0, 4, (STEPS, batch)):
            model.step(tokens, state)

    return steps


@torch.no_grad()
def decoding_rows(
    size: float, lengths: list[int], batches: list[int], limits: Limits, clock: Callable
) -> Iterator[Row]:
    """Steps of all arms in turns, at every length and batch size."""
    configs = arms(size)
    models = {name: make(config) for name, config in configs.items()}
    for batch in batches:
        for length in lengths:
            states, found = {}, {}
            for name, config in configs.items():
                if expected_bytes(config, length, batch) < limits.gigabytes * 1e9:
                    states[name] = state_at(models[name], length, batch)
            before = {name: state.steps for name, state in states.items()}
            held = {name: bytes_of(state) for name, state in states.items()}
            cases = {name: decoder(models[name], state, batch) for name, state in states.items()}
            times = interleaved(cases, limits.repeats, clock)
            for name, config in configs.items():
                row: Row = {
                    HEADING: DECODING,
                    "size": size,
                    "arm": name,
                    "parameters": count_parameters(config),
                    "batch": batch,
                    "length": length,
                }
                if name not in states:
                    needed = expected_bytes(config, length, batch) / 1e9
                    row["note"] = f"left out: {needed:,.0f} GB of keys and values"
                else:
                    row |= decoding_numbers(name, times, batch)
                    row["state_bytes"] = held[name] / batch
                    steps = [a - b for a, b in zip(states[name].steps, before[name], strict=True)]
                    row["bases_per_chunk"] = steps[0] / steps[1] if len(steps) > 1 else None
                found[name] = row
            yield from found.values()
            del states, cases
            gc.collect()


def decoding_numbers(name: str, times: dict[str, Timing], batch: int) -> Row:
    """Speed, and how many times that of the isotropic arm."""
    row: Row = {"bases_per_s": batch * STEPS / times[name].median}
    plain = ISOTROPIC.get(name)
    if plain in times:
        middle, low, high = times[plain].ratio_to(times[name])
        row |= {"times": middle, "times_low": low, "times_high": high, "than": plain}
    return row


def text_of(rows: list[Row], arguments: argparse.Namespace) -> str:
    """Markdown of both tables."""
    for row in rows:
        row["shown"] = named(row["parameters"])
        if row.get("times"):
            row["spread"] = (
                f"x{row['times']:.2f} ({row['times_low']:.2f} to {row['times_high']:.2f})"
            )
    common = {
        "arm": ("arm", ""),
        "shown": ("parameters", ",.0f"),
        "batch": ("batch", "d"),
        "length": ("bases", ",d"),
        "bases_per_s": ("bases/s", ",.0f"),
    }
    forward = draw((row for row in rows if row[HEADING] == FORWARD), {**common, "note": ("", "")})
    decoding = draw(
        (row for row in rows if row[HEADING] == DECODING),
        {
            **common,
            "spread": ("times the isotropic arm", ",.2f"),
            "bases_per_chunk": ("bases/chunk", ".2f"),
            "state_bytes": ("bytes of state a row", ",.0f"),
            "note": ("", ""),
        },
    )
    return (
        f"# Inference\n\n{conditions(__file__)} float32, random weights and bases; routers ask at "
        f"their target rate. Medians of {arguments.repeats} turns, with the range of ratios.\n\n"
        "## Forward\n\nPasses without gradients. A pass that would take more than "
        f"{arguments.seconds:g} s is left out, and with it all longer ones.\n\n{forward}\n\n"
        "## Decoding\n\nSteps of one base in every row, after contexts of so many bases; a turn "
        f"is {STEPS} steps. Contexts are not read: keys and values are random numbers. Learned "
        "boundaries fall at different times in different rows; BLT's patches are equal, so that "
        f"all rows step its main network at once. {HNET_MAMBA} is held against Mamba-2 of as many "
        f"parameters; {HNET_TRANSFORMER} and {BLT} against the Transformer that sees all "
        f"positions.\n\n{decoding}\n"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--longest", type=int, default=131_072)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument(
        "--sizes", nargs="+", type=float, choices=list(SIZES), default=[4e6, 12.3e6]
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30, help="longest pass")
    parser.add_argument("--gigabytes", type=float, default=4, help="largest state")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=[FORWARD, DECODING])
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/inference.*")
    arguments = parser.parse_args()
    clock = use_threads(arguments.threads)
    limits = Limits(arguments.seconds, arguments.gigabytes, arguments.repeats)
    lengths = list(lengths_up_to(arguments.longest))
    rows: list[Row] = []
    # Forward passes of the smallest only: they cost as many FLOPs as there are bases.
    for size in arguments.sizes:
        if arguments.only != FORWARD:
            rows += shown(decoding_rows(size, lengths, arguments.batches, limits, clock))
    if arguments.only != DECODING:
        size = min(arguments.sizes)
        rows += shown(forward_rows(size, lengths, arguments.batches, limits, clock))
    report(__file__, text_of(rows, arguments), arguments.save, rows)


def shown(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, each told of as soon as it is there."""
    for row in rows:
        print(*(f"{key}={value}" for key, value in row.items()), flush=True)
        yield row


if __name__ == "__main__":
    main()

"""Has anything become slower? Ratios to plain forms, peers and arms, beside recorded ones."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from _record import RESULTS, processor, record_of, write_json
from _timing import Case, interleaved, use_threads

RECORDS = RESULTS / "smoke.json"
"""Ratios by processor: those of two can't be compared."""
TOLERANCE = 0.3
"""By what share a ratio may fall short of the recorded one; timings scatter."""
DECODED = 16
"""Bases that a turn of decoding takes."""
LENGTH = 1_024
PLAIN = ("einsum autograd", "autograd loop", "autograd", "SDPA", "dense mask")
"""Forms of ops to be held against, where there are several."""

Pair = tuple[Case, Case]
"""Ours, and what it is held against."""


def op_pairs() -> Iterator[tuple[str, Pair]]:
    """The first comparison of each op: ours beside a plain form."""
    from ops import comparisons

    seen = set()
    for title, _, cases in comparisons():
        op = title.split()[0]
        if op not in seen:
            seen.add(op)
            ours, *others = cases
            plain = next((form for form in PLAIN if form in others), others[-1])
            yield f"{op} beside {plain}", (cases[ours], cases[plain])


def peer_pairs() -> Iterator[tuple[str, Pair]]:
    """Training steps of small models beside transformers', with the same weights."""
    import _peers
    from torch.nn import functional as F

    makers = {
        "Mamba-2": lambda: _peers.mamba2(128, 2, (256,)),
        "Transformer": lambda: _peers.llama(128, 2, 352),
        "BLT": lambda: _peers.blt(64, 128, 2, patch=6, window=128),
    }
    for name, maker in makers.items():
        peers = maker()
        tokens = torch.randint(0, 4, (1, LENGTH))

        def case(model, peers=peers, tokens=tokens) -> Case:
            def step() -> None:
                logits = peers.logits(model, tokens)
                F.cross_entropy(logits.flatten(0, 1), tokens.flatten()).backward()

            return step

        theirs = next(iter(peers.theirs.values()))
        yield f"{name} beside transformers", (case(peers.ours), case(theirs))


def arm_pairs() -> Iterator[tuple[str, Pair]]:
    """Training steps and decoding of hierarchies beside isotropic arms of as many parameters."""
    from _arms import BLT, HNET_MAMBA, HNET_TRANSFORMER, ISOTROPIC, arms, make, training_step

    # Larger ones decode: in small ones most of a step is spent between operations.
    small, large = (
        {name: make(config) for name, config in arms(size).items()} for size in (1e6, 12.3e6)
    )
    tokens = torch.randint(0, 4, (1, LENGTH + 1))

    def decoding(name: str) -> Case:
        model = large[name]
        state = model.new_state(1, "cpu")

        @torch.no_grad()
        def steps() -> None:
            for token in torch.randint(0, 4, (DECODED, 1)):
                model.step(token, state)

        return steps

    for name in (HNET_MAMBA, HNET_TRANSFORMER, BLT):
        other = ISOTROPIC[name]
        yield f"{name}: decoding beside {other}", (decoding(name), decoding(other))
        steps = training_step(small[name], tokens), training_step(small[other], tokens)
        yield f"{name}: training beside {other}", steps


def times_as_fast(pair: Pair, repeats: int) -> float:
    """How many times as long the other takes, in CPU time of this process.

    Of the least of the turns: what else happens on the machine can only add to them.
    """
    times = interleaved({"ours": pair[0], "other": pair[1]}, repeats, time.process_time)
    return min(times["other"].seconds) / min(times["ours"].seconds)


def shortfalls(
    recorded: Mapping[str, float], found: Mapping[str, float], tolerance: float
) -> dict[str, str]:
    """What is wrong with each ratio that has become too small, or that only one side knows."""
    lines = {}
    for name in {**recorded, **found}:
        if name not in recorded:
            lines[name] = f"{name}: x{found[name]:.2f}, but none is recorded; record with --save"
        elif name not in found:
            lines[name] = f"{name}: recorded as x{recorded[name]:.2f}, but not measured any more"
        elif found[name] < recorded[name] * (1 - tolerance):
            lines[name] = (
                f"{name}: x{found[name]:.2f}, recorded as x{recorded[name]:.2f}: "
                f"{1 - found[name] / recorded[name]:.0%} less, and {tolerance:.0%} is allowed"
            )
    return lines


def measure(pairs: Mapping[str, Pair], repeats: int) -> dict[str, float]:
    """All ratios, told one by one."""
    found = {}
    for name, pair in pairs.items():
        found[name] = times_as_fast(pair, repeats)
        print(f"x{found[name]:6.2f}  {name}", flush=True)
    return found


def again(
    lines: Mapping[str, str],
    found: dict[str, float],
    measured_again: Callable[[str], float],
) -> None:
    """Measure once more what was too slow, and keep the better of both: a busy moment is over."""
    for name in lines:
        if name in found:
            found[name] = max(found[name], measured_again(name))


def records() -> dict[str, Any]:
    """The last record of every processor that has one."""
    return json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else {}


def recorded_ratios(machine: str) -> dict[str, float]:
    """What is recorded of a processor, if anything."""
    rows = records().get(machine, {"rows": []})["rows"]
    return {row["ratio"]: row["times"] for row in rows}


def record(machine: str, found: Mapping[str, float]) -> None:
    """Keep ratios as those of a processor; those of others stay."""
    rows = [{"ratio": name, "times": times} for name, times in found.items()]
    write_json(RECORDS, {**records(), machine: record_of(__file__, rows)})


def main() -> None:
    """Compare with what is recorded, or record; exit with 1 when something has become slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    parser.add_argument("--save", action="store_true", help=f"write results/{RECORDS.name}")
    arguments = parser.parse_args()
    machine = processor()
    recorded = recorded_ratios(machine)
    if not arguments.save and not recorded:
        parser.error(
            f"results/{RECORDS.name} has no ratios of this processor, {machine}: record them "
            "with --save, on the commit that is to be compared with"
        )
    use_threads(1)
    torch.manual_seed(0)
    pairs = {**dict(op_pairs()), **dict(peer_pairs()), **dict(arm_pairs())}
    found = measure(pairs, arguments.repeats)
    if arguments.save:
        record(machine, found)
        return
    lines = shortfalls(recorded, found, arguments.tolerance)
    again(lines, found, lambda name: times_as_fast(pairs[name], 2 * arguments.repeats))
    if lines := shortfalls(recorded, found, arguments.tolerance):
        sys.exit("\n".join(["slower than recorded:", *lines.values()]))
    print(f"all {len(found)} ratios are within {arguments.tolerance:.0%} of those recorded")


if __name__ == "__main__":
    main()

"""Kill a small run again and again, and compare what comes of it with an undisturbed one.

Run as a program to see where the kills fall:

    python -m tests.training.kills --kills 20 --seed 1
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from genomenet.training.checkpoint_index import problem_of
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.record import read_json
from genomenet.training.tables import read_table
from tests.training.processes import run, start

# Big enough that writing a checkpoint takes a while, small enough for a run of seconds.
RECIPE = [
    "--data.mock", "--model.layout", "m1 + T2 + m1", "--model.d_model", "96",
    "--model.head_dim", "32", "--model.d_state", "16", "--model.mamba_head_dim", "32",
    "--data.max_length", "256", "--data.rc_aug", "--data.split.block_bp", "5000",
    "--train.max_steps", "22", "--train.global_batch_size", "4",
    "--train.micro_batch_size", "2", "--train.valid_every", "4", "--train.checkpoint_every", "3",
    "--train.valid_windows", "16", "--train.threads", "1", "--train.accelerator", "cpu",
]  # fmt: skip

AIMS = (
    "checkpoints/.last.ckpt.*",
    "checkpoints/.best.ckpt.*",
    "checkpoints/.before_decay.ckpt.*",
    "checkpoints/.index.json.*",
    ".train.csv.*",
    ".valid.csv.*",
    ".summary.json.*",
)
"""Unfinished files: where one appears, something is being written."""

WEIGHTS = (4, 1, 1, 3, 1, 1, 1)
"""How often each is waited for: checkpoints and their index matter most."""

TIMES = {
    "perf/bases_per_second",
    "perf/flops_per_second",
    "perf/model_flops_utilisation",
    "perf/peak_memory_bytes",
}
"""What depends on the machine and its moods."""
TIMES_OF_SUMMARY = {"finished", "seconds", "bases_per_second"}


@dataclass(frozen=True)
class Kill:
    """What a kill met.

    Attributes
    ----------
    aim
        The file that was waited for, or "" for a moment drawn at random.
    step
        The last row of train.csv by then.
    unfinished
        Names of the files that were being written.
    """

    aim: str
    step: int
    unfinished: tuple[str, ...]


def run_to_the_end(out: Path, recipe: Sequence[str]) -> float:
    """Train without a disturbance, and tell how many seconds it took."""
    began = time.perf_counter()
    done = run(words(out, recipe))
    assert done.code == 0, done.err
    return time.perf_counter() - began


def words(out: Path, recipe: Sequence[str]) -> list[str]:
    """The command that is repeated: it starts a run, goes on with it, or finds it finished."""
    return ["train", *recipe, "--resume", "--quiet", "--out", str(out)]


def run_with_kills(
    out: Path, recipe: Sequence[str], seconds: float, kills: int, seed: int
) -> Iterator[Kill]:
    """Repeat a run's command and SIGKILL it: half of the times at random, half while it writes.

    Parameters
    ----------
    out : Path
        The run directory.
    recipe : sequence of str
        Options of `genomenet train`.
    seconds : float
        How long the undisturbed run takes.
    kills : int
        How often.
    seed : int
        Of moments and aims.

    Yields
    ------
    Kill
        For each kill that met a living process; the run may also end before its turn comes.
    """
    rng = random.Random(seed)
    done = 0
    while done < kills:
        aim = rng.choices(AIMS, WEIGHTS)[0] if done % 2 else ""
        process = start(words(out, recipe))
        # A fresh process has to find the end of what was done before: leave it time to get on.
        moment = time.perf_counter() + rng.uniform(0.1, 0.6) * seconds
        late = time.perf_counter() + 2 * seconds
        while process.is_alive() and time.perf_counter() < (late if aim else moment):
            if aim and any(out.glob(aim)):
                break
        alive = process.is_alive()
        process.kill()
        process.join()
        if not alive:
            assert process.exitcode == 0, process.exitcode
            if not (out / "summary.json").exists():
                raise AssertionError("it ended well without being finished")
            # Finished before its time: there is nothing more to kill in this run.
            return
        done += 1
        unfinished = tuple(
            path.name.split(".", 2)[1] for path in sorted(out.rglob(".*")) if path.is_file()
        )
        rows = read_table(out / "train.csv")
        yield Kill(aim, int(rows[-1]["step"]) if rows else 0, unfinished)


def differences(whole: Path, killed: Path) -> list[str]:
    """What two finished runs differ in but for times; empty when they agree bit for bit."""
    found = []
    for name in ("last.ckpt", "best.ckpt", "before_decay.ckpt"):
        one, other = (load_checkpoint(folder / "checkpoints" / name) for folder in (whole, killed))
        for state in (one, other):
            state.get("callbacks", {}).pop("Performance", None)
            if "optimizer_states" not in state:  # weights: Lightning's counters say nothing there
                state.pop("loops"), state.pop("epoch")
        found += [f"{name}: {place}" for place in unequal(one, other)]
    for table in ("train.csv", "valid.csv"):
        one, other = (
            [{k: v for k, v in row.items() if k not in TIMES} for row in read_table(folder / table)]
            for folder in (whole, killed)
        )
        if one != other:
            found.append(table)
    one, other = (
        {k: v for k, v in read_json(folder / "summary.json").items() if k not in TIMES_OF_SUMMARY}
        for folder in (whole, killed)
    )
    if one != other:
        found.append("summary.json")
    if names(whole) != names(killed):
        found.append(f"files: {sorted(names(whole) ^ names(killed))}")
    for name in ("last.ckpt", "best.ckpt", "before_decay.ckpt"):
        if problem := problem_of(killed / "checkpoints" / name):
            found.append(f"{name} {problem}")
    return found


def names(run: Path) -> set[str]:
    """Files of a run, but for the event files, of which every start makes one."""
    return {
        path.relative_to(run).as_posix()
        for path in run.rglob("*")
        if path.is_file() and path.parent.name != "tensorboard"
    }


def unequal(one, other, place: str = "") -> Iterator[str]:
    """Places in nested states where two of them differ in a bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.dtype != other.dtype or not torch.equal(one, other):
            yield place
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key not in one or key not in other:
                yield f"{place}/{key}"
            else:
                yield from unequal(one[key], other[key], f"{place}/{key}")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield place
        for number, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from unequal(left, right, f"{place}/{number}")
    elif type(one) is not type(other) or one != other:
        yield place


def main() -> int:
    """Kill as often as asked, print where, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="Keep the runs here.")
    asked, more = parser.parse_known_args()
    folder = asked.folder or Path(tempfile.mkdtemp())
    recipe = [*RECIPE, *more]
    run(["--version"])  # have everything imported, so that times are those of training
    seconds = run_to_the_end(folder / "whole", recipe)
    print(f"undisturbed: {seconds:.1f} s", flush=True)
    number, round_ = 0, 0
    while number < asked.kills:  # a run that ends before all kills are spent is begun anew
        out = folder / f"killed{round_}"
        for kill in run_with_kills(
            out, recipe, seconds, asked.kills - number, asked.seed + 1000 * round_
        ):
            number += 1
            print(
                f"kill {number}: aimed at {kill.aim or 'a random moment'}, "
                f"{kill.step} steps in the table, unfinished: {', '.join(kill.unfinished) or '-'}",
                flush=True,
            )
        run_to_the_end(out, recipe)
        found = differences(folder / "whole", out)
        print(f"run {round_}: {'; '.join(found) or 'the same bit for bit'}", flush=True)
        if found:
            return 1
        round_ += 1
    if not asked.folder:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

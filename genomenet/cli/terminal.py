"""What verbs tell a person: summaries and plain-text tables."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from genomenet.recipes.remote import RemoteFile
    from genomenet.training.run import TrainingSummary


def tell_summary(summary: "TrainingSummary", run: Path, unit: str) -> None:
    """Print how a run ended and what to do with it."""
    perplexity = math.exp(min(summary.valid_nats, 700))  # a wild loss must not overflow
    print(
        f"{run}: {summary.step:,} steps, {summary.bases:,} {unit}s at "
        f"{summary.bases_per_second:,.0f} {unit}s/s; validation perplexity "
        f"{perplexity:.4f} ({summary.valid_nats / math.log(2):.4f} bits/{unit})"
    )
    print(f"next: genomenet evaluate {run}")


def warn(line: str) -> None:
    """Print what a person should know of work that goes on, where errors go."""
    tqdm.write(f"genomenet: {line}", file=sys.stderr)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], sides: str) -> str:
    """Align columns to the left (<) or to the right (>), as `sides` has it for each."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in (header, *rows)
    )


class ArmBars:
    """One progress bar a run, drawn under each other; plain lines where there is no terminal.

    Parameters
    ----------
    steps : dict of str to int
        Training steps of each run.
    quiet : bool
        Draw nothing.
    """

    def __init__(self, steps: dict[str, int], quiet: bool):
        self.steps = steps
        self.quiet = quiet
        self._draw = sys.stderr.isatty()
        self._bars: dict[str, tqdm] = {}
        self._quarters: dict[str, int] = {}

    def __enter__(self) -> "ArmBars":
        return self

    def __exit__(self, *exception) -> None:
        for bar in self._bars.values():
            bar.close()

    def show(self, done: dict[str, int]) -> None:
        """Tell of the steps done by each run."""
        if self.quiet:
            return
        for place, (name, steps) in enumerate(done.items()):
            total = self.steps[name]
            if self._draw:
                if name not in self._bars:
                    self._bars[name] = tqdm(total=total, desc=name, unit="step", position=place)
                self._bars[name].update(steps - self._bars[name].n)
            elif (quarter := 4 * steps // total) > self._quarters.get(name, 0):
                self._quarters[name] = quarter
                print(f"{name}: {steps:,} of {total:,} steps", file=sys.stderr, flush=True)


class DownloadBar:
    """One progress bar for all files of a download, and another for what is imported of them.

    Parameters
    ----------
    name : str
        What is downloaded.
    quiet : bool
        Draw nothing; nothing is drawn either where there is no terminal.
    """

    def __init__(self, name: str, quiet: bool):
        self._quiet = quiet or None
        self._bytes = tqdm(
            desc=name, unit="B", unit_scale=True, disable=self._quiet, leave=False, total=0
        )
        self._import: tqdm | None = None
        self._have: dict[Path, int] = {}
        self._totals: dict[Path, int | None] = {}

    def __enter__(self) -> "DownloadBar":
        return self

    def __exit__(self, *exception) -> None:
        self._bytes.close()
        if self._import is not None:
            self._import.close()

    def show(self, file: "RemoteFile", have_bytes: int, size_bytes: int | None) -> None:
        """Tell of the bytes that have arrived of a file, and of its size where that is known."""
        self._have[file.path] = have_bytes
        self._totals[file.path] = size_bytes
        known = [size for size in self._totals.values() if size is not None]
        self._bytes.total = sum(known) if len(known) == len(self._totals) else None
        self._bytes.update(sum(self._have.values()) - self._bytes.n)

    def show_import(self, bases: int) -> None:
        """Tell of bases newly imported."""
        if self._import is None:
            self._bytes.close()
            self._import = tqdm(
                desc="import", unit="b", unit_scale=True, disable=self._quiet, leave=False
            )
        self._import.update(bases)

"""`genomenet data bench`: how fast training windows are read from a genome on this disk."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import text_table
from genomenet.errors import UserError

if TYPE_CHECKING:
    from genomenet.training.loader_speed import Speed
    from genomenet.windows.training_windows import TrainingWindows

_STAYED = 0.01
"""Share of a genome that may stay in memory for a reading to be called cold."""


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "data bench",
        "GENOME [--length BP] [--batch N] [--seconds S] [--workers N...] [--fasta FILE]",
        "Measure how fast random training windows are read: cold (from the disk) and warm (from "
        "the system's memory), with and without threads that read ahead.",
    )
    parser.add_argument("genome", type=str, help="Folder of an imported genome, or FASTA file.")
    parser.add_argument("--length", type=int, default=8192, help="Length of a window.")
    parser.add_argument("--batch", type=int, default=64, help="Windows in a batch.")
    parser.add_argument("--seconds", type=float, default=3.0, help="For each measurement.")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[0, 1, 2], help="Threads that read ahead."
    )
    parser.add_argument(
        "--fasta", type=str, default="", help="FASTA file of the genome, to read by pyfaidx."
    )
    parsed = parser.read(words)
    for name in ("length", "batch", "seconds"):
        if not getattr(parsed, name) > 0:
            raise UserError(f"--{name} is {getattr(parsed, name):g}; give more than 0")
    if min(parsed.workers) < 0:
        raise UserError(f"--workers has {min(parsed.workers)}; give 0 or more")

    from genomenet.genome.genome import open_genome
    from genomenet.training.loader_speed import bench_windows, genome_files, measure, pyfaidx_slices
    from genomenet.training.page_cache import bring_in, evict, own_memory_bytes, resident_share

    path = Path(parsed.genome)

    def windows() -> "TrainingWindows":
        # Opened anew each time, for what is mapped can't be thrown out of memory.
        return bench_windows(open_genome(path), parsed.length)

    length_bp = windows().genome.length_bp
    files = genome_files(path)
    print(
        f"{path}: {length_bp:,} bases, {sum(file.stat().st_size for file in files) / 1e6:,.0f} MB; "
        f"batches of {parsed.batch} x {parsed.length:,} bp"
    )
    rows, stayed = [], 0.0
    warm: dict[int, Speed] = {}
    for workers in parsed.workers:
        evict(files)
        stayed = max(stayed, resident_share(files))
        cold, _ = _read(windows(), parsed.batch, workers, parsed.seconds)
        bring_in(files)
        before = own_memory_bytes()
        warm[workers], after = _read(windows(), parsed.batch, workers, parsed.seconds, warm=True)
        rows.append(
            (
                str(workers),
                f"{cold.per_second / 1e6:,.0f}",
                f"{warm[workers].per_second / 1e6:,.0f}",
                f"{warm[workers].per_cpu_second / 1e6:,.0f}",
                f"{max(0, after - before) / 1e6:,.1f}",
            )
        )
    header = ("workers", "cold MB/s", "warm MB/s", "warm MB per CPU second", "memory MB")
    print(text_table(header, rows, ">>>>>"))
    print("\nA base is a byte. Memory is what the process takes beyond the genome's own pages.")
    if stayed > _STAYED:
        print(
            f"note: {stayed:.0%} of the genome stayed in memory when it was to be forgotten, since "
            "something else uses it or the file system can't; cold is too fast"
        )
    if (held := resident_share(files)) < 1 - _STAYED:
        print(f"note: only {held:.0%} of the genome fits in memory; warm is too slow")
    if parsed.fasta:
        slices = pyfaidx_slices(windows(), Path(parsed.fasta))
        measure(slices, parsed.seconds / 2)
        theirs = measure(slices, parsed.seconds)
        ratio = warm[parsed.workers[0]].per_cpu_second / theirs.per_cpu_second
        print(
            f"pyfaidx, the same windows as strings: {theirs.per_second / 1e6:,.0f} MB/s warm, "
            f"{theirs.per_cpu_second / 1e6:,.0f} MB per CPU second; ours is {ratio:.1f} times that"
        )
    return 0


def _read(
    windows: "TrainingWindows", batch: int, workers: int, seconds: float, warm: bool = False
) -> "tuple[Speed, int]":
    """Speed, and the process's own memory at the end."""
    from genomenet.training.loader_speed import measure, training_batches
    from genomenet.training.page_cache import own_memory_bytes

    with closing(training_batches(windows, batch, workers)) as reads:
        if warm:
            measure(reads, seconds / 2)  # the map's pages are found on first use
        return measure(reads, seconds), own_memory_bytes()

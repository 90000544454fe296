"""Training windows from a genome, beside pyfaidx and the way HyenaDNA and Caduceus read."""

import argparse
import gzip
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from _record import conditions, report
from _tables import rows_of
from pyfaidx import Fasta

from genomenet.genome.genome import open_genome
from genomenet.genome.importer import import_genome
from genomenet.training.loader_speed import (
    bench_windows,
    genome_files,
    measure,
    pyfaidx_slices,
    training_batches,
    window_places,
)
from genomenet.training.page_cache import bring_in, own_memory_bytes
from genomenet.windows.training_windows import TrainingWindows

DEMO = Path(__file__).parents[1] / "data_prep" / "demo" / "human_chr20_42M_46M.fa.gz"
LENGTHS_BP = (1_024, 8_192, 131_072)
STEP_BP = 1 << 20
WORKERS = (0, 1, 2, 4)
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A", "a": "t", "c": "g", "g": "c", "t": "a"}
TOKENS = {letter: number for number, letter in enumerate("ACGTN", start=7)}


def tile_demo(folder: Path, copies: int) -> Path:
    """A FASTA file of the demo's four million bases over and over, too much for a cache."""
    text = gzip.decompress(DEMO.read_bytes())
    path = folder / "tiled.fa"
    with path.open("wb") as target:
        for number in range(copies):
            target.write(text.replace(b">", b">copy%d_" % number, 1))
    return path


def slices_to_codes(windows: TrainingWindows, fasta: Path) -> Iterator[int]:
    """pyfaidx, then a lookup table in numpy, the other strand every other time, int64."""
    forward = np.full(256, 4, dtype=np.int64)
    for code, letter in enumerate(b"ACGT"):
        forward[[letter, letter + 32]] = code
    backward = np.where(forward < 4, 3 - forward, forward)
    file = Fasta(str(fasta), as_raw=True, rebuild=False)
    for number, (name, start) in enumerate(window_places(windows)):
        text = file[name][start : start + windows.length_bp]
        letters = np.frombuffer(text.encode(), dtype=np.uint8)
        codes = backward[letters[::-1]] if number % 2 else forward[letters]
        yield torch.from_numpy(codes).numel()


def slices_to_tokens(windows: TrainingWindows, fasta: Path) -> Iterator[int]:
    """As HyenaDNA and Caduceus read: strings, reversed letter by letter, and tokenised likewise."""
    file = Fasta(str(fasta), as_raw=True, rebuild=False)
    for number, (name, start) in enumerate(window_places(windows)):
        text = file[name][start : start + windows.length_bp]
        if number % 2:
            text = "".join(COMPLEMENT.get(letter, letter) for letter in reversed(text))
        tokens = [TOKENS.get(letter, TOKENS["N"]) for letter in text.upper()]
        yield torch.tensor(tokens, dtype=torch.int64).numel()


def compare(windows: TrainingWindows, fasta: Path, rounds: int, seconds: float) -> list[str]:
    """One row a way of reading: median rate of a core, and how often ours goes into it."""
    ways: dict[str, Callable[[], Iterator[int]]] = {
        "genomenet, codes and soft mask in a batch": lambda: training_batches(
            windows, STEP_BP // windows.length_bp, accelerator="cpu"
        ),
        "pyfaidx, strings only": lambda: pyfaidx_slices(windows, fasta),
        "pyfaidx, numpy table, int64": lambda: slices_to_codes(windows, fasta),
        "pyfaidx, strands and tokens by letter, int64": lambda: slices_to_tokens(windows, fasta),
    }
    running = {name: way() for name, way in ways.items()}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, reads in running.items():
            rate = measure(reads, seconds).per_cpu_second / 1e6
            if number:  # the first round warms up
                rates[name].append(rate)
    ours = rates[next(iter(ways))]
    rows = []
    for name, theirs in rates.items():
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        rows.append(
            f"| {windows.length_bp:,} | {name} | {statistics.median(theirs):,.1f} | {ratio:,.1f} |"
        )
    return rows


def read_ahead(genome: Path, workers: int, seconds: float) -> tuple[float, float]:
    """Mbp by the clock, and MB that reading takes, with threads that read ahead."""
    torch.set_num_threads(1)
    windows = bench_windows(open_genome(genome), 8_192)
    before = own_memory_bytes()
    batch_size = STEP_BP // windows.length_bp
    with closing(training_batches(windows, batch_size, workers, "cpu")) as reads:
        measure(reads, seconds)
        rate = measure(reads, seconds).per_second / 1e6
        return rate, (own_memory_bytes() - before) / 1e6


def scale(genome: Path, rounds: int, seconds: float) -> list[str]:
    """One row a number of workers: medians of rate and memory, each measured in a new process."""
    found: dict[int, list[tuple[float, float]]] = {workers: [] for workers in WORKERS}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for _ in range(rounds):
            for workers in WORKERS:
                found[workers].append(pool.submit(read_ahead, genome, workers, seconds).result())
    medians = {
        workers: [statistics.median(column) for column in zip(*pairs, strict=True)]
        for workers, pairs in found.items()
    }
    return [
        f"| {workers} | {rate:,.0f} | {memory:,.0f} |"
        for workers, (rate, memory) in medians.items()
    ]


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=32, help="of the demo's 4 Mb")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--save", action="store_true", help="keep the table in benchmarks/results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        fasta = tile_demo(Path(temporary), arguments.copies)
        genome = import_genome([fasta], Path(temporary) / "genome")
        Fasta(str(fasta), as_raw=True)  # writes the index
        bring_in([fasta, *genome_files(genome.path)])
        rows = []
        for length_bp in LENGTHS_BP:
            windows = bench_windows(genome, length_bp)
            rows += compare(windows, fasta, arguments.rounds, arguments.seconds)
        scaling = scale(genome.path, arguments.rounds, arguments.seconds)
    text = (
        f"# Reading training windows\n\n{conditions(__file__)} {genome.length_bp / 1e6:,.0f} Mb in "
        f"memory, random windows, medians of {arguments.rounds} interleaved rounds. Ours reads "
        f"steps of {STEP_BP:,} bp as training does, with the soft mask and the step's weight; "
        "strands and casts are left to the device. The others yield a window at a time.\n\n"
        "| window, bp | reader | Mbp per CPU second | ours is times that |\n|---:|---|---:|---:|\n"
        + "\n".join(rows)
        + "\n\nThreads that read ahead, windows of 8,192 bp, by the clock; memory is what "
        "reading takes of the process's own.\n\n| workers | Mbp/s | MB |\n|---:|---:|---:|\n"
        + "\n".join(scaling)
        + "\n"
    )
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()

"""Measure how fast training windows are read, by the code that training uses."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from genomenet.errors import UserError
from genomenet.genome.genome import Genome, whole_contigs
from genomenet.genome.store_writer import BASES_FILE
from genomenet.models.config import ModelConfig
from genomenet.training.config import DataConfig, RunConfig, TrainConfig
from genomenet.training.loading import BatchLoader, Steps
from genomenet.windows.training_windows import TrainingWindows

_SEED = 1
_LOCATED = 512


@dataclass(frozen=True, slots=True)
class Speed:
    """What some seconds of reading came to.

    Attributes
    ----------
    bases : int
        Read.
    seconds : float
        By the clock.
    cpu_seconds : float
        Of all threads of this process.
    """

    bases: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Bases a second by the clock."""
        return self.bases / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Bases for each second of a core."""
        return self.bases / self.cpu_seconds


def measure(reads: Iterator[int], seconds: float) -> Speed:
    """Go through what reads when it is asked, and yields how many bases, for so many seconds."""
    bases = 0
    begin, cpu = time.perf_counter(), time.process_time()
    for read in reads:
        bases += read
        if time.perf_counter() - begin >= seconds:
            break
    return Speed(bases, time.perf_counter() - begin, time.process_time() - cpu)


def bench_windows(genome: Genome, length_bp: int) -> TrainingWindows:
    """The windows that are read: of all contigs, in random order, on both strands."""
    strands = genome.alphabet.complementable
    return TrainingWindows(genome, whole_contigs(genome), length_bp, _SEED, strands)


def training_batches(
    windows: TrainingWindows, batch_size: int, workers: int = 0, accelerator: str = "auto"
) -> Generator[int, None, None]:
    """Read steps of one micro-batch as training does; yields their bases, without end.

    Close the iterator to stop the workers.
    """
    recipe = TrainConfig(
        max_steps=1 << 40,
        global_batch_size=batch_size,
        micro_batch_size=batch_size,
        workers=workers,
        accelerator="cpu" if accelerator == "cpu" else "auto",
    )
    config = RunConfig(ModelConfig(), DataConfig(max_length=windows.length_bp), recipe)
    loader = BatchLoader(Steps(windows, config, batch_size), workers)
    for batch in loader:
        bases = batch.windows.packed.size
        del batch  # as whoever has sent it to a device does
        yield bases


def pyfaidx_slices(windows: TrainingWindows, fasta: Path) -> Iterator[int]:
    """Read the same windows by pyfaidx, as strings; yields their bases, without end.

    Raises
    ------
    UserError
        When the file has not the genome's contigs.
    """
    from pyfaidx import Fasta

    contigs = windows.genome.contigs
    file = Fasta(str(fasta), as_raw=True, rebuild=False)
    for contig in contigs:
        if contig.name not in file or len(file[contig.name]) != contig.length_bp:
            raise UserError(
                f"{fasta} has no contig '{contig.name}' of {contig.length_bp:,} bp; give the FASTA "
                "file that the genome was made from"
            )
    for name, start in window_places(windows):
        yield len(file[name][start : start + windows.length_bp])


def window_places(windows: TrainingWindows) -> Iterator[tuple[str, int]]:
    """Contig and first base of one window after the other, without end."""
    contigs = windows.genome.contigs
    for first in count(0, _LOCATED):
        places, _ = windows.locate(np.arange(first, first + _LOCATED, dtype=np.int64))
        for number, start in zip(places.contigs.tolist(), places.starts.tolist(), strict=True):
            yield contigs[number].name, start


def genome_files(path: Path) -> list[Path]:
    """The files that windows of a genome are read from."""
    if not path.is_dir():
        return [path]
    return sorted(path.rglob(BASES_FILE))

from contextlib import closing
from itertools import islice

import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import open_genome
from genomenet.genome.mock import MockGenome
from genomenet.training.loader_speed import (
    Speed,
    bench_windows,
    genome_files,
    measure,
    pyfaidx_slices,
    training_batches,
    window_places,
)


def test_measuring_adds_up():
    asked = []

    def reads():
        while True:
            asked.append(7)
            yield 7

    speed = measure(reads(), 0.01)
    assert speed.bases == sum(asked)
    assert speed.seconds >= 0.01
    assert Speed(100, 4.0, 2.0).per_second == 25
    assert Speed(100, 4.0, 2.0).per_cpu_second == 50


@pytest.mark.parametrize("workers", [0, 1])
def test_the_same_windows_are_read_by_both(genome_folder, fasta, workers):
    windows = bench_windows(open_genome(genome_folder), 120)
    with closing(training_batches(windows, 5, workers)) as batches:
        assert list(islice(batches, 4)) == [600] * 4
    assert list(islice(pyfaidx_slices(windows, fasta), 3)) == [120] * 3
    batch = windows.batch(0, 600)
    places = list(islice(window_places(windows), 600))
    assert places == list(zip(batch.contigs, batch.starts.tolist(), strict=True))


def test_a_file_of_another_genome(fasta):
    with pytest.raises(UserError, match="has no contig 'mock1' of 36,000 bp"):
        next(pyfaidx_slices(bench_windows(MockGenome(60_000), 100), fasta))


def test_the_files_of_a_genome(genome_folder, fasta):
    assert [file.name for file in genome_files(genome_folder)] == ["bases.u8"]
    assert genome_files(fasta) == [fasta]

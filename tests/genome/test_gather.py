"""Every genome fills a batch with what it reads one stretch at a time."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.genome import gather as gather_module
from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.corpus_writer import build_corpus
from genomenet.genome.gather import copy_few, gather
from genomenet.genome.genome import Genome, open_genome
from genomenet.genome.importer import import_genome
from genomenet.genome.mock import MockGenome
from genomenet.genome.places import Places, copy_segments
from genomenet.genome.text import TextCorpus
from tests.genome.files import fasta_text, write

RANDOM = np.random.default_rng(3)
RECORDS = {
    name: "".join(RANDOM.choice(list("ACGTacgtNn"), size))
    for name, size in {"one": 5_003, "two": 1, "three": 777}.items()
}


@pytest.fixture(scope="module")
def genomes(tmp_path_factory) -> dict[str, Genome]:
    folder = tmp_path_factory.mktemp("kinds")
    fasta = write(folder / "a.fa", fasta_text(RECORDS))
    other = write(folder / "b.fa", fasta_text({"x": "ACGTTN" * 300}))
    write(folder / "a.bedGraph", "one\t10\t4000\t0.5\n")
    store = import_genome([fasta], folder / "store")
    build_corpus([fasta, other], folder / "corpus")
    return {
        "store": store,
        "indexed": open_genome(fasta),
        "mock": MockGenome(10_000),
        "text": TextCorpus(other),
        "scored": ScoredGenome(store, folder / "a.bedGraph"),
        "corpus": GenomeCorpus(folder / "corpus"),
    }


KINDS = ["store", "indexed", "mock", "text", "scored", "corpus"]


@st.composite
def segments(draw, genome: Genome, length_bp: int) -> list[tuple[int, int, int, int, int]]:
    """Rows of one to three segments, some full, with gaps before, between and behind."""
    found = []
    for row in range(draw(st.integers(0, 9))):
        column = 0
        for _ in range(draw(st.sampled_from([1, 1, 1, 3]))):
            contig = draw(st.integers(0, len(genome.contigs) - 1))
            most = min(length_bp - column, genome.contigs[contig].length_bp)
            bases = draw(st.one_of(st.just(most), st.integers(0, most)))
            start = draw(st.integers(0, genome.contigs[contig].length_bp - bases))
            found.append((row, column, contig, start, bases))
            column = min(length_bp, column + bases + draw(st.integers(0, 2)))
    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), length_bp=st.integers(1, 1_500))
def test_a_batch_is_what_is_read(genomes, kind, data, length_bp):
    genome = genomes[kind]
    wanted = data.draw(segments(genome, length_bp))
    columns = np.array(wanted, dtype=np.int64).reshape(-1, 5).T
    rows = int(columns[0].max()) + 1 if wanted else 0
    packed = np.full((rows, length_bp), 99, dtype=np.uint8)
    expected = packed.copy()
    for row, column, contig, start, bases in wanted:
        name = genome.contigs[contig].name
        codes = genome.read(name, start, start + bases)
        masked = genome.read_mask(name, start, start + bases)
        expected[row, column : column + bases] = codes + 8 * masked
    genome.read_into(Places(*columns), packed)
    assert np.array_equal(packed, expected)


@pytest.mark.parametrize(
    ("block", "long", "free"), [(64, 0, 99), (64, 64, 99), (64, 64, 8), (1 << 17, 1 << 14, 512)]
)
@pytest.mark.parametrize("length_bp", [1, 7, 8, 33, 64, 99, 100])
@pytest.mark.parametrize("copy", [gather, copy_few])
def test_every_base_to_begin_with_in_small_blocks(monkeypatch, copy, block, long, free, length_bp):
    monkeypatch.setattr(gather_module, "_BLOCK_BYTES", block)
    monkeypatch.setattr(gather_module, "_LONG_BYTES", long)
    monkeypatch.setattr(gather_module, "_FREE_ROWS", free)
    bases = RANDOM.integers(0, 256, 100, dtype=np.uint8)
    # From each base on, up to the very last.
    starts = np.arange(100 - length_bp + 1)
    places = Places.one_a_row(np.zeros_like(starts), starts, length_bp)
    found = np.empty((len(starts), length_bp), dtype=np.uint8)
    copy(bases, starts, places, found)
    for start in starts.tolist():
        assert np.array_equal(found[start], bases[start : start + length_bp])


def test_windows_too_long_for_a_block(tmp_path: Path):
    letters = "".join(RANDOM.choice(list("ACGTacgtNn"), 40_001))
    store = import_genome([write(tmp_path / "a.fa", fasta_text({"c": letters}))], tmp_path / "s")
    for length_bp in (16_384, 16_385, 40_001):
        starts = np.unique([0, 40_001 - length_bp, min(3, 40_001 - length_bp)])
        places = Places.one_a_row(np.zeros_like(starts), starts, length_bp)
        batches = []
        for read in (store.read_into, lambda *to: copy_segments(store, *to)):
            packed = np.empty((len(starts), length_bp), dtype=np.uint8)
            read(places, packed)
            batches.append(packed)
        assert np.array_equal(*batches)
        assert (batches[0] & 8).any()


@pytest.mark.parametrize(
    ("contig", "start", "bases"), [(0, -1, 5), (0, 5_000, 4), (2, 776, 2_000), (1, 1, 1)]
)
def test_segments_that_leave_their_contig(genomes, contig, start, bases):
    # Contigs lie end to end, so that the next one would be read without anybody noticing.
    places = Places.one_a_row(np.array([contig]), np.array([start]), bases)
    with pytest.raises(IndexError, match="leave contig"):
        genomes["store"].read_into(places, np.empty((1, bases), dtype=np.uint8))

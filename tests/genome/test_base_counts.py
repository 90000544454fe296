import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.base_counts import COUNTED_BP, BaseCounts, count_by_reading
from genomenet.genome.genome import Genome, open_genome
from genomenet.genome.mock import MockGenome
from genomenet.genome.text import TextCorpus
from tests.genome.files import fasta_text, write


def slow_counts(letters: str) -> BaseCounts:
    called = [letter for letter in letters if letter not in "nN"]
    return BaseCounts(len(letters), len(called), sum(letter.islower() for letter in called))


def random_letters(length_bp: int, seed: int) -> str:
    """Long stretches of each kind, so that whole blocks are all N, all masked, or neither."""
    random = np.random.default_rng(seed)
    letters = np.array(list("ACGT"))[random.integers(4, size=length_bp)]
    for kind in "nNacgtacgtn" if length_bp > COUNTED_BP else "n":
        start = int(random.integers(length_bp))
        letters[start : start + int(random.integers(2 * COUNTED_BP))] = kind
    return "".join(letters)


# The second contig begins within a block, and the third lies in one.
RECORDS = {
    "a": random_letters(3 * COUNTED_BP + 77, 0),
    "b": random_letters(9 * COUNTED_BP, 1),
    "c": random_letters(50, 2),
    "d": random_letters(2 * COUNTED_BP, 3),
}


@pytest.fixture
def store(make_store):
    return make_store(RECORDS)


def ranges() -> list[tuple[str, int, int]]:
    random = np.random.default_rng(0)
    found = [(name, 0, len(letters)) for name, letters in RECORDS.items()]
    found += [("a", 5, 5), ("b", 0, 0), ("b", 9 * COUNTED_BP, 9 * COUNTED_BP)]
    for name, letters in RECORDS.items():
        offset = sum(len(x) for x in list(RECORDS.values())[: list(RECORDS).index(name)])
        borders = [-offset % COUNTED_BP + i * COUNTED_BP + j for i in range(3) for j in (-1, 0, 1)]
        edges = [x for x in borders if 0 <= x <= len(letters)]
        edges += random.integers(0, len(letters) + 1, size=20).tolist()
        found += [(name, x, y) for x in edges for y in edges if x <= y]
    return found


def test_every_kind_of_range(store):
    for name, start, end in ranges():
        expected = slow_counts(RECORDS[name][start:end])
        assert store.count_bases(name, start, end) == expected
        assert count_by_reading(store, name, start, end) == expected


def test_at_most_two_blocks_are_read(store, monkeypatch):
    read: list[int] = []
    plain_read = type(store).read_packed

    def counted(self, contig, start, end):
        read.append(end - start)
        return plain_read(self, contig, start, end)

    monkeypatch.setattr(type(store), "read_packed", counted)
    for name, start, end in ranges():
        read.clear()
        store.count_bases(name, start, end)
        assert len(read) <= 2
        assert max(read, default=0) < 2 * COUNTED_BP


@pytest.mark.parametrize("kind", ["fasta", "mock"])
def test_other_genomes_count_the_same(tmp_path, make_store, kind):
    genome: Genome
    if kind == "mock":
        genome = MockGenome(30_000)
        whole = genome.read_mask("mock1", 0, 18_000)
        assert genome.count_bases("mock1", 0, 18_000).soft_masked_bp <= int(whole.sum())
    else:
        genome = open_genome(write(tmp_path / "x.fa", fasta_text(RECORDS)))
        assert genome.count_bases("b", 9, 9_999) == slow_counts(RECORDS["b"][9:9_999])
    name = genome.contigs[0].name
    assert genome.count_bases(name, 7, 5_007) == count_by_reading(genome, name, 7, 5_007)


def test_bytes_of_text_are_all_called(tmp_path):
    text = TextCorpus(write(tmp_path / "x.txt", "N n A a"))
    assert text.count_bases("x.txt", 1, 5) == BaseCounts(4, 4, 0)
    with pytest.raises(UserError, match="is not inside"):
        text.count_bases("x.txt", 1, 9)


def test_ranges_that_leave_the_contig(store):
    for start, end in [(0, 51), (-1, 5), (9, 8)]:
        with pytest.raises(UserError, match="is not inside contig 'c'"):
            store.count_bases("c", start, end)


def test_counts_add_up():
    assert BaseCounts(5, 4, 3) + BaseCounts(1, 1, 0) == BaseCounts(6, 5, 3)
    assert sum([BaseCounts(1, 1, 1)] * 3, BaseCounts(0, 0, 0)) == BaseCounts(3, 3, 3)

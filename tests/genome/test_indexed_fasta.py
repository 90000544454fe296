import multiprocessing
import os
import pickle

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import open_genome
from genomenet.genome.importer import import_genome
from genomenet.genome.indexed_fasta import IndexedFasta
from genomenet.genome.mock import MockGenome
from tests.genome.files import (
    fasta_text,
    write,
    write_bgzip,
    write_gzip,
    write_samtools_index,
    write_twobit,
)
from tests.genome.test_mock import text_of

# Longer than one bgzip block of 64 KB.
RECORDS = text_of(MockGenome(150_000)) | {"short": "uRacgt", "line": "A" * 60}


@pytest.fixture(params=["plain", "crlf", "bgzip"])
def source(request, tmp_path):
    if request.param == "bgzip":
        return write_bgzip(tmp_path / "x.fa.gz", fasta_text(RECORDS))
    end = "\r\n" if request.param == "crlf" else "\n"
    return write(tmp_path / "x.fa", fasta_text(RECORDS, end=end))


def test_reads_what_the_store_reads(source, tmp_path):
    fasta, store = open_genome(source), import_genome([source], tmp_path / "store")
    assert isinstance(fasta, IndexedFasta)
    assert fasta.contigs == store.contigs
    assert fasta.length_bp == store.length_bp
    assert fasta.n_runs == store.n_runs
    assert fasta.digest == store.digest
    random = np.random.default_rng(0)
    ranges = [(contig.name, 0, contig.length_bp) for contig in store.contigs]
    for _ in range(300):
        contig = store.contigs[random.integers(len(store.contigs))]
        start, end = np.sort(random.integers(0, contig.length_bp + 1, size=2)).tolist()
        ranges.append((contig.name, start, min(end, start + int(random.integers(300)))))
    ranges += [("mock1", 60 * i, 60 * j) for i in range(3) for j in range(i, 4)]
    for wanted in ranges:
        assert np.array_equal(fasta.read(*wanted), store.read(*wanted))
        assert np.array_equal(fasta.read_mask(*wanted), store.read_mask(*wanted))


# Blocks are full, 65,536 bytes: reads, and then a whole contig, begin with the second one.
@pytest.mark.parametrize("header", [">c\n", f">c {'x' * 65_532}\n"], ids=["read", "contig"])
def test_block_borders_of_bgzip(tmp_path, header):
    _, letters = fasta_text({"c": RECORDS["mock1"]}, width=61).split("\n", 1)
    source = write_bgzip(tmp_path / "x.fa.gz", header + letters)
    fasta, store = IndexedFasta(source), import_genome([source], tmp_path / "store")
    for start in (*range(90), *range(64_400, 64_560)):
        assert np.array_equal(
            fasta.read("c", start, start + 90), store.read("c", start, start + 90)
        )


def test_indexes_of_samtools(tmp_path):
    source = write_bgzip(tmp_path / "x.fa.gz", fasta_text(RECORDS))
    write_samtools_index(source, RECORDS)
    indexes = [tmp_path / "x.fa.gz.fai", tmp_path / "x.fa.gz.gzi"]
    before = [index.read_bytes() for index in indexes]
    assert len(before[1]) > 8 + 16
    fasta, store = open_genome(source), import_genome([source], tmp_path / "store")
    for contig in store.contigs:
        for start in range(0, contig.length_bp, 997):
            end = min(start + 1_000, contig.length_bp)
            wanted = (contig.name, start, end)
            assert np.array_equal(fasta.read(*wanted), store.read(*wanted))
    assert [index.read_bytes() for index in indexes] == before


def read_all(source):
    fasta = IndexedFasta(source)
    for contig in fasta.contigs:
        fasta.read(contig.name, 0, contig.length_bp)


def test_files_and_indexes_that_do_not_fit(tmp_path):
    source = write_bgzip(tmp_path / "x.fa.gz", fasta_text(RECORDS))
    whole = IndexedFasta(source)
    fai, gzi = tmp_path / "x.fa.gz.fai", tmp_path / "x.fa.gz.gzi"
    rows, blocks = fai.read_bytes(), gzi.read_bytes()
    damages = [
        (gzi, b""),
        (gzi, blocks[: len(blocks) // 2 + 3]),
        (gzi, blocks[:8] + bytes(len(blocks) - 8)),
        (fai, b""),
        (fai, rows[: len(rows) // 2]),
        (fai, rows.replace(b"mock1\t", b"mock1\t9")),
        (source, source.read_bytes()[:-20_000]),
    ]
    for path, damage in damages:
        content = path.read_bytes()
        write(path, damage)
        for index in (fai, gzi):
            os.utime(index)
        with pytest.raises(UserError, match=r"x\.fa\.gz and its index .* do not fit together"):
            read_all(source)
        write(path, content)
    for index in (fai, gzi):
        index.unlink()
    write(source, source.read_bytes()[:-20_000])
    with pytest.raises(UserError, match="breaks off"):
        IndexedFasta(source)
    assert whole.length_bp == sum(map(len, RECORDS.values()))


def _read(fasta):
    return os.getpid(), fasta.read("mock1", 50_000, 50_100).tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_process_has_its_own_handle(source, method):
    fasta = IndexedFasta(source)
    here = _read(fasta)
    with multiprocessing.get_context(method).Pool(1) as pool:
        there = pool.apply(_read, (fasta,))
    assert there[0] != here[0]
    assert there[1] == here[1] == _read(pickle.loads(pickle.dumps(fasta)))[1]


def _read_often(fasta, store, seed):
    random = np.random.default_rng(seed)
    for start in random.integers(80_000, size=1_000).tolist():
        codes = store.read("mock1", start, start + 50)
        assert np.array_equal(fasta.read("mock1", start, start + 50), codes)


def test_forked_processes_do_not_share_a_file_position(tmp_path):
    source = write(tmp_path / "x.fa", fasta_text(RECORDS))
    fasta, store = IndexedFasta(source), import_genome([source], tmp_path / "store")
    fasta.read("mock1", 0, 10)
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_read_often, args=(fasta, store, seed)) for seed in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]


def test_errors_of_reading(source):
    fasta = IndexedFasta(source)
    with pytest.raises(UserError, match="did you mean 'mock2'"):
        fasta.read("mok2", 0, 1)
    with pytest.raises(UserError, match="is not inside contig 'short'"):
        fasta.read("short", 0, 7)


def test_foreign_letters(tmp_path):
    fasta = IndexedFasta(write(tmp_path / "x.fa", ">a\nACGT\n>b\nAC\nEE\n"))
    assert fasta.read("a", 0, 4).tolist() == [0, 1, 2, 3]
    with pytest.raises(UserError, match=r"x\.fa: line 5: the letter 'E'.*protein"):
        fasta.read("b", 0, 4)
    with pytest.raises(UserError, match=r"x\.fa: line 5: the letter 'E'"):
        _ = fasta.n_runs


def test_a_changed_file_is_indexed_again(tmp_path):
    source = write(tmp_path / "x.fa", ">a\nACGT\n")
    assert IndexedFasta(source).length_bp == 4
    write(source, ">a\nACGTAC\n")
    later = source.stat().st_mtime + 10
    os.utime(source, (later, later))
    assert IndexedFasta(source).length_bp == 6


def test_files_that_cannot_be_indexed(tmp_path):
    text = fasta_text({"a": "ACGT" * 40})
    for path, said in [
        (write_gzip(tmp_path / "a.fa.gz", text), "import it .* or recompress it with bgzip"),
        (write_bgzip(tmp_path / "b.fa", text), "rename it to b.fa.gz"),
        (write(tmp_path / "c.fa", ">a\nACGT\nAC\nACGT\n"), "import it into a genome store"),
        (write(tmp_path / "d.fa", ">a\nAC\n>a\nAC\n"), "Duplicate"),
        (write(tmp_path / "e.fa", ""), "is empty"),
        (write(tmp_path / "f.fa", "ACGT\n"), "cannot be indexed"),
        (write_twobit(tmp_path / "h.2bit", {"a": "ACGT"}), "2bit file, which is not read in place"),
        (tmp_path / "g.fa", "does not exist"),
        (tmp_path, "is a folder"),
    ]:
        with pytest.raises(UserError, match=said):
            IndexedFasta(path)
    left = {p.name for p in tmp_path.iterdir() if p.suffix in (".fai", ".gzi")}
    assert left <= {"d.fa.fai"}


def test_an_index_that_cannot_be_written(tmp_path):
    source = write(tmp_path / "x.fa", ">a\nACGT\n")
    # A folder in its place stops even root.
    (tmp_path / "x.fa.fai").mkdir()
    os.utime(tmp_path / "x.fa.fai", (0, 0))
    with pytest.raises(UserError, match=r"cannot be written .* import the FASTA"):
        IndexedFasta(source)

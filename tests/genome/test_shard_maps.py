import resource
from pathlib import Path

import numpy as np
import pytest

from genomenet.genome import corpus_writer
from genomenet.genome.corpus_writer import build_corpus
from genomenet.genome.places import Places
from tests.genome.genomes import CODES, contig_lengths, made_up, write_genomes


def open_files(folder) -> int:
    with Path("/proc/self/maps").open() as maps:
        return sum(str(folder) in line and "/shards/" in line for line in maps)


def test_only_so_many_shards_are_open(tmp_path, monkeypatch):
    genomes = made_up(30)
    write_genomes(tmp_path / "fasta", genomes)
    monkeypatch.setattr(corpus_writer, "_MIN_SHARD_BP", 1)
    build_corpus([tmp_path / "fasta"], tmp_path / "c", 1)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (8, 8))
    corpus = build_corpus([tmp_path / "fasta"], tmp_path / "c", 1)
    assert len(list((corpus.path / "shards").iterdir())) > 3
    for contig in [corpus.contigs[i] for i in np.random.default_rng(0).permutation(60).tolist()]:
        member, _, name = contig.name.partition("/")
        codes = corpus.read(contig.name, 0, contig.length_bp)
        assert codes.tolist() == [CODES[x] for x in genomes[member][name]]
        del codes
        assert 0 < open_files(corpus.path) <= 4


@pytest.mark.parametrize("length_bp", [1, 8, 9, 10, 16, 17, 100])
def test_windows_as_long_as_their_shards(tmp_path, length_bp):
    """A window then needs bytes up to the very end of the file."""
    random = np.random.default_rng(length_bp)
    genomes = {
        f"g{i}": {"c": "".join(random.choice(list("ACGTacgtN"), length_bp + i % 2))}
        for i in range(4)
    }
    for name, contigs in genomes.items():
        write_genomes(tmp_path / name, {name: contigs})
        corpus = build_corpus([tmp_path / name], tmp_path / "c")
    packed = np.full((4, length_bp), 99, dtype=np.uint8)
    ends = contig_lengths(corpus) - length_bp
    corpus.read_into(Places.one_a_row(np.arange(4), ends, length_bp), packed)
    for i, contigs in enumerate(genomes.values()):
        letters = contigs["c"][i % 2 :]
        assert packed[i].tolist() == [CODES[x] + 8 * x.islower() for x in letters]


@pytest.mark.parametrize("limit", [3, resource.RLIM_INFINITY])
def test_any_limit_of_open_files_will_do(tmp_path, monkeypatch, limit):
    write_genomes(tmp_path / "fasta", made_up(1))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    corpus = build_corpus([tmp_path / "fasta"], tmp_path / "c")
    assert corpus.read("g0000/c0", 0, 3).size == 3

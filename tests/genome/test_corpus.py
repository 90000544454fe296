import multiprocessing
import pickle
import shutil

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.base_counts import count_by_reading
from genomenet.genome.contigs import Contig
from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.corpus_writer import build_corpus
from genomenet.genome.genome import open_genome
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.genome.places import Places, copy_segments
from genomenet.genome.text import TextCorpus
from tests.genome.genomes import CODES, contig_lengths, made_up, manifest, write_genomes


@pytest.fixture(scope="module")
def genomes():
    return made_up(40)


@pytest.fixture(scope="module")
def corpus(genomes, tmp_path_factory):
    """A corpus in several shards, its members of three species."""
    folder = tmp_path_factory.mktemp("corpus")
    write_genomes(folder / "fasta", genomes)
    files = sorted((folder / "fasta").iterdir())
    rows = [f"{file.name[:5]} fasta/{file.name} s{i % 3} {i % 3}" for i, file in enumerate(files)]
    for part in (rows[20:], rows[:10], rows[5:25]):
        build_corpus(
            [manifest(folder / "list.tsv", "name file species weight", *part)], folder / "c"
        )
    corpus = open_genome(folder / "c")
    assert isinstance(corpus, GenomeCorpus)
    return corpus


def test_contigs_are_called_by_member_and_in_order(corpus, genomes):
    names = [f"{m}/{c}" for m, contigs in sorted(genomes.items()) for c in contigs]
    lengths = [len(s) for _, contigs in sorted(genomes.items()) for s in contigs.values()]
    assert [contig.name for contig in corpus.contigs] == names
    assert [contig.length_bp for contig in corpus.contigs] == lengths
    assert [contig.offset for contig in corpus.contigs] == np.cumsum([0, *lengths[:-1]]).tolist()
    assert corpus.length_bp == sum(lengths)
    assert corpus.contigs[3] == list(corpus.contigs)[3]
    assert corpus.contigs[-2:] == tuple(corpus.contigs)[-2:]
    assert isinstance(corpus.contigs[0], Contig)
    with pytest.raises(IndexError):
        corpus.contigs[len(names)]


def test_members(corpus, genomes, tmp_path):
    assert [m.name for m in corpus.members] == sorted(genomes)
    for i, member in enumerate(corpus.members):
        contigs = corpus.contigs[member.first_contig : member.first_contig + member.contigs]
        assert [c.name for c in contigs] == [f"{member.name}/{c}" for c in genomes[member.name]]
        assert member.length_bp == sum(map(len, genomes[member.name].values()))
        assert (member.species, member.weight) == (f"s{i % 3}", i % 3)
    write_genomes(tmp_path, {"g0007": genomes["g0007"]})
    alone = import_genome(list(tmp_path.iterdir()), tmp_path / "store")
    assert corpus.members[7].digest == alone.digest


def test_any_range_reads_as_the_fasta_has_it(corpus, genomes):
    random = np.random.default_rng(1)
    for _ in range(500):
        contig = corpus.contigs[int(random.integers(len(corpus.contigs)))]
        start, end = sorted(random.integers(0, contig.length_bp + 1, 2).tolist())
        member, _, name = contig.name.partition("/")
        letters = genomes[member][name][start:end]
        assert corpus.read(contig.name, start, end).tolist() == [CODES[x] for x in letters]
        masked = [x.islower() for x in letters]
        assert corpus.read_mask(contig.name, start, end).tolist() == masked


@pytest.mark.parametrize("segments", [3, 400])
def test_batches_read_as_the_slow_way_does(corpus, segments):
    """Few segments of a shard are copied one by one, many at once."""
    random = np.random.default_rng(segments)
    contigs = random.integers(0, len(corpus.contigs), segments)
    lengths = np.minimum(random.choice([70, 90, 150], segments), contig_lengths(corpus)[contigs])
    starts = random.integers(0, contig_lengths(corpus)[contigs] - lengths + 1)
    columns = random.integers(0, 151 - lengths)
    places = Places(np.arange(segments), columns, contigs, starts, lengths)
    batches = []
    for read in (corpus.read_into, lambda *x: copy_segments(corpus, *x)):
        packed = np.full((segments, 150), 4, np.uint8)
        read(places, packed)
        batches.append(packed)
    np.testing.assert_array_equal(batches[0], batches[1])
    assert (batches[0] & 8).any()


def test_segments_stay_on_their_contigs(corpus):
    one = np.ones(1, dtype=np.int64)
    packed = np.zeros((1, 9_999_999), np.uint8)
    with pytest.raises(IndexError, match="leave contig 1"):
        corpus.read_into(
            Places(0 * one, 0 * one, one, one, contig_lengths(corpus)[1:2]),
            packed,
        )


def test_n_runs_and_counts(corpus, genomes):
    runs = {
        (f"{m}/{c}", 70 - len(s[:70]) + len(s[:70].rstrip("N")))
        for m, contigs in genomes.items()
        for c, s in contigs.items()
        if "N" * 64 in s
    }
    assert {(run.contig, run.start) for run in corpus.n_runs} == runs
    random = np.random.default_rng(2)
    for number in random.integers(0, len(corpus.contigs), 50).tolist():
        name, length_bp = corpus.contigs[number].name, corpus.contigs[number].length_bp
        start, end = sorted(random.integers(0, length_bp + 1, 2).tolist())
        for low, high in ((0, length_bp), (start, end)):
            assert corpus.count_bases(name, low, high) == count_by_reading(corpus, name, low, high)


def test_species(corpus):
    assert corpus.species == ("s0", "s1", "s2")
    assert corpus.species_weights == {"s0": 0, "s1": 1, "s2": 2}
    contigs = [corpus.contigs[i] for i in (0, 40, -1)]
    intervals = [Interval(contig.name, 0, 5) for contig in contigs]
    wanted = [int(contig.name[1:5]) % 3 for contig in contigs]
    assert corpus.groups(intervals).tolist() == wanted


def test_unknown_contigs_and_bad_ranges(corpus):
    for name, said in [
        ("g00007/c0", "has no contig 'g00007/c0'; did you mean 'g0007'"),
        ("g0007/C0", "did you mean 'c0'"),
        ("g0007", "give member and contig, as in 'g0000/c0'"),
        ("chr1", "its contigs are called as 'g0000/c0'"),
    ]:
        with pytest.raises(UserError, match=said):
            corpus.read(name, 0, 1)
    with pytest.raises(UserError, match="is not inside contig 'g0000/c0', which runs from 0 to"):
        corpus.read_mask("g0000/c0", 5, 4)


def _read(corpus):
    return corpus.read("g0039/c0", 0, 50).tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_the_same(corpus, method):
    here = _read(corpus)
    assert len(pickle.dumps(corpus)) < 500
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(_read, (corpus,)) == here


def test_a_corpus_of_genomes_is_no_text(corpus):
    with pytest.raises(UserError, match="is an imported genome, not text"):
        TextCorpus(corpus.path)


def test_damaged_folders(corpus, tmp_path):
    folder = tmp_path / "c"
    shutil.copytree(corpus.path, folder)
    data = pickle.dumps(open_genome(folder))

    table = (folder / "corpus.json").read_text()
    (folder / "corpus.json").write_text(table.replace(corpus.digest, "0" * 64))
    with pytest.raises(UserError, match="was changed while it was in use"):
        pickle.loads(data)
    (folder / "corpus.json").write_text(table.replace('"format_version": 2', '"format_version": 9'))
    with pytest.raises(UserError, match="format version 9, but this genomenet reads 2"):
        GenomeCorpus(folder)
    (folder / "corpus.json").write_text(table[:99])
    with pytest.raises(UserError, match="damaged"):
        GenomeCorpus(folder)
    (folder / "corpus.json").write_text(table)

    bases = folder / "shards" / "00001" / "bases.u8"
    bases.write_bytes(bases.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"bases\.u8 has .* promises"):
        GenomeCorpus(folder)
    shutil.rmtree(next(folder.glob("index-*")))
    with pytest.raises(UserError, match=r"index-.* is missing"):
        GenomeCorpus(folder)
    (folder / "corpus.json").unlink()
    with pytest.raises(UserError, match="whose build did not end; run the same"):
        open_genome(folder)
    with pytest.raises(UserError, match="is not a corpus"):
        GenomeCorpus(tmp_path)

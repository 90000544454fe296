import pytest

from genomenet.errors import UserError
from genomenet.genome.corpus_writer import build_corpus
from genomenet.genome.genome import whole_contigs
from genomenet.genome.mock import MockGenome
from genomenet.windows.member_splits import split_by_genome, split_by_species_fraction
from tests.genome.genomes import made_up, manifest, species_of, write_genomes


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Genomes g0000 to g0029, three of each of the species s0 to s9."""
    folder = tmp_path_factory.mktemp("splits")
    genomes = made_up(30)
    write_genomes(folder, genomes)
    files = sorted(folder.glob("g*"))
    rows = [f"{file.name[:5]} {file.name} s{i // 3}" for i, file in enumerate(files)]
    return build_corpus([manifest(folder / "list", "name file species", *rows)], folder / "c")


def members(intervals) -> set[str]:
    return {interval.contig[:5] for interval in intervals}


def named(*numbers) -> set[str]:
    return {f"g{number:04d}" for number in numbers}


def test_species_and_members_are_held_out_whole(corpus):
    splits = split_by_genome(corpus, valid=["s1", "g0029"], test=["s0"])
    assert members(splits.valid) == named(3, 4, 5, 29)
    assert members(splits.test) == named(0, 1, 2)
    assert members(splits.train) == named(*range(6, 29))
    parts = (*splits.train, *splits.valid, *splits.test)
    assert sorted(parts) == sorted(whole_contigs(corpus))


def test_training_genomes_may_be_named(corpus):
    splits = split_by_genome(corpus, train=["s5"], valid=["g0000"])
    assert (members(splits.train), members(splits.valid)) == (named(15, 16, 17), named(0))
    assert splits.test == ()


@pytest.mark.parametrize(
    ("train", "valid", "test", "said"),
    [
        ([], ["s1"], ["g0004"], "the genome 'g0004' is both in valid and in test"),
        (["s1"], ["s1"], [], "the genome 'g0003' is both in train and in valid"),
        ([], ["S1"], [], "has no species and no genome 'S1'; did you mean 's1'"),
    ],
)
def test_mistakes(corpus, train, valid, test, said):
    with pytest.raises(UserError, match=said):
        split_by_genome(corpus, train, valid, test)


def test_a_name_of_both_a_genome_and_a_species(tmp_path):
    write_genomes(tmp_path, made_up(2))
    first, second = sorted(tmp_path.glob("g*"))
    rows = ["name file species", f"a {first.name} b", f"b {second.name} c"]
    corpus = build_corpus([manifest(tmp_path / "list", *rows)], tmp_path / "c")
    with pytest.raises(UserError, match=r"'b' is a genome of .* and also a species"):
        split_by_genome(corpus, valid=["b"])


def test_a_genome_that_is_no_corpus():
    with pytest.raises(UserError, match="the data is a single genome"):
        split_by_genome(MockGenome(), valid=["mock1"])
    with pytest.raises(UserError, match="the data is a single genome"):
        split_by_species_fraction(MockGenome(), 0.1, 0.1, 0)


def test_fractions_keep_species_whole(corpus):
    splits = split_by_species_fraction(corpus, 0.2, 0.3, seed=1)
    species = [
        {species_of(corpus, interval.contig) for interval in intervals}
        for intervals in (splits.train, splits.valid, splits.test)
    ]
    assert sum(map(len, species)) == len(corpus.species) == len(set().union(*species))
    for intervals, share in ((splits.valid, 0.2), (splits.test, 0.3)):
        found = sum(interval.length_bp for interval in intervals) / corpus.length_bp
        assert found == pytest.approx(share, abs=0.1)
    assert splits == split_by_species_fraction(corpus, 0.2, 0.3, seed=1)
    assert splits != split_by_species_fraction(corpus, 0.2, 0.3, seed=2)


def test_fractions_that_cannot_be_had(corpus, tmp_path):
    for valid, test in ((-0.1, 0.1), (0.5, 0.5)):
        with pytest.raises(UserError, match="must leave something for training"):
            split_by_species_fraction(corpus, valid, test, 0)
    write_genomes(tmp_path / "two", made_up(2))
    small = build_corpus([tmp_path / "two"], tmp_path / "c")
    with pytest.raises(UserError, match="2 species, too few to hold some out whole"):
        split_by_species_fraction(small, 0.1, 0.1, 0)
    assert split_by_species_fraction(small, 0, 0.4, 0).valid == ()
    with pytest.raises(UserError, match=r"no species of .* is left for test \(1.0% of the bases\)"):
        split_by_species_fraction(small, 0, 0.01, 0)

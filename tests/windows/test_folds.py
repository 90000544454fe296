import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import whole_contigs
from genomenet.genome.intervals import merge, total_bp
from genomenet.genome.mock import MockGenome
from genomenet.windows.folds import deal_contigs, split_by_folds

CONTIGS = {
    "a": "ACGT" * 100,
    "b": "A" * 300 + "N" * 500,
    "c": "C" * 200,
    "d": "G" * 150,
    "e": "T" * 140,
    "f": "A" * 10,
}


def test_folds_have_about_equal_bases_without_n(make_store):
    dealt = deal_contigs(make_store(CONTIGS), 3)
    assert [[contig.contig for contig in fold] for fold in dealt] == [
        ["a"], ["b", "e"], ["c", "d", "f"],
    ]  # fmt: skip
    backwards = deal_contigs(make_store(dict(reversed(CONTIGS.items()))), 3)
    assert backwards == dealt


def test_every_base_is_tested_once_and_validated_once(make_store):
    genome = make_store(CONTIGS)
    tested, validated = [], []
    for fold in range(4):
        splits = split_by_folds(genome, 4, fold)
        parts = (splits.train, splits.valid, splits.test)
        assert merge(i for part in parts for i in part) == merge(whole_contigs(genome))
        assert sum(map(total_bp, parts)) == genome.length_bp
        tested.append(splits.test)
        validated.append(splits.valid)
    assert validated == tested[1:] + tested[:1]
    assert sum(map(total_bp, tested)) == genome.length_bp
    assert len(set(tested)) == 4


@pytest.mark.parametrize(
    ("folds", "fold", "said"),
    [
        (2, 0, "data.split.folds is 2; give 3 or more"),
        (3, 3, "data.split.fold is 3; give 0 to 2"),
        (3, -1, "data.split.fold is -1; give 0 to 2"),
        (4, 0, "the genome has only 3 contig.s. to deal"),
    ],
)
def test_errors(folds, fold, said):
    with pytest.raises(UserError, match=said):
        split_by_folds(MockGenome(10_000), folds, fold)

import numpy as np

from genomenet.genome.genome import whole_contigs
from genomenet.genome.intervals import Interval
from genomenet.genome.mock import MockGenome
from genomenet.windows.fractions import split_by_fraction
from genomenet.windows.leak import LeakReport, SplitBases, leak_report
from genomenet.windows.splits import Splits, merged_splits, split_by_chromosome

GENOME = MockGenome(100_000)
SPLITS = Splits(
    train=(Interval("mock1", 0, 40_000),),
    valid=(Interval("mock1", 39_900, 41_000), Interval("mock2", 0, 10)),
    test=(Interval("mock1", 5, 12), Interval("mock1", 20, 25), Interval("mock2", 4, 10)),
)


def test_bases_and_what_is_reached():
    report = leak_report(SPLITS, GENOME)
    valid, test = report.bases["valid"], report.bases["test"]
    assert (valid.reached_bp, test.reached_bp, report.leak_bp) == (100, 12, 112)
    assert (valid.reached_share, test.reached_share) == (100 / 1_110, 12 / 18)
    assert report.leak_share == 112 / 1_128
    assert report.shared_bp == 6
    for name in ("train", "valid", "test"):
        codes, masks = [], []
        for i in getattr(SPLITS, name):
            codes.append(GENOME.read(i.contig, i.start, i.end))
            masks.append(GENOME.read_mask(i.contig, i.start, i.end))
        called = np.concatenate(codes) < 4
        of = report.bases[name]
        assert of.total_bp == of.listed_bp == called.size
        assert of.called_bp == called.sum()
        assert of.soft_masked_bp == (called & np.concatenate(masks)).sum()


def test_lines():
    lines = leak_report(SPLITS, GENOME).lines()
    assert lines[0].split() == ["split", "bases", "without", "N", "soft-masked"]
    assert lines[1].split()[:2] == ["train", "40,000"]
    assert lines[4:] == [
        "held-out bases in reach of training windows: valid 100 (9.0%), test 12 (66.7%)",
        "bases both in valid and in test: 6",
    ]


def test_splits_of_one_genome_do_not_leak():
    for splits in (
        split_by_chromosome(GENOME, valid=["mock2"], test=["mock3"]),
        split_by_fraction(GENOME, 0.1, 0.1, 700, seed=3),
    ):
        report = leak_report(splits, GENOME)
        assert report.leak_bp == report.leak_share == 0
        assert len(report.lines()) == 5, "a remark on splits that need none"


def test_intervals_that_overlap_within_a_split():
    _, two, three = whole_contigs(GENOME)
    halves = [Interval("mock1", 0, 30_000), Interval("mock1", 15_000, 45_000)]
    report = leak_report(
        merged_splits([*(("train", half) for half in halves), ("valid", two), ("test", three)]),
        GENOME,
    )
    assert report.bases["train"].times_listed == 60 / 45
    assert report.bases["test"].times_listed == 1
    assert report.lines()[-1].endswith("so many times on average: train 1.33")


def test_windows_that_cross_borders():
    published = Splits(SPLITS.train, SPLITS.valid, SPLITS.test, published=SPLITS.train)
    said = str(leak_report(published, GENOME))
    assert "held-out scores are partly scores on training bases" in said
    published = Splits(
        SPLITS.train, SPLITS.test[:2], SPLITS.test[:1], SPLITS.train, {"train": 520_000}
    )
    said = str(leak_report(published, GENOME))
    assert "held-out scores are mostly scores on training bases" in said
    assert "shows each training base 13.00 times" in said


def test_an_empty_split():
    report = leak_report(split_by_chromosome(GENOME), GENOME)
    test = report.bases["test"]
    assert test.soft_masked_share == test.reached_share == test.times_listed == 0
    assert report.leak_share == 0


def test_bytes_have_neither_n_nor_a_mask():
    of = SplitBases(10, 10, 0, listed_bp=10, reached_bp=1)
    lines = LeakReport(dict.fromkeys(("train", "valid", "test"), of), unit="byte").lines()
    assert lines[0].split() == ["split", "bytes"]
    assert lines[1].split() == ["train", "10"]
    assert "held-out bytes in reach" in lines[4]

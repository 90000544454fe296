"""Rows that were seen in pre-training are found, by place or by bases, and no others."""

import dataclasses

import numpy as np

from genomenet.genome.alphabet import decode, reverse_complement
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.genome.store import GenomeStore
from genomenet.probes import overlap
from genomenet.probes.overlap import _words, find_overlaps
from genomenet.probes.task import Example, make_task

TRAINING = [Interval("chr1", 0, 4000), Interval("chr1", 6000, 9000)]


def genome_of(tmp_path):
    codes = np.random.default_rng(0).integers(0, 4, 10_000).astype(np.uint8)
    (tmp_path / "g.fa").write_text(f">chr1\n{decode(codes)}\n")
    import_genome([tmp_path / "g.fa"], tmp_path / "g")
    return GenomeStore(tmp_path / "g"), codes


def task_of(rows):
    examples = [
        Example(np.asarray(codes, np.uint8), "ab"[i % 2], ["train", "train", "test"][i % 3], place)
        for i, (codes, place) in enumerate(rows)
    ]
    return make_task("t", examples, "t.csv")


def test_planted_rows_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(overlap, "_BLOCK_BP", 100)  # so that rows straddle blocks
    genome, codes = genome_of(tmp_path)
    foreign = np.random.default_rng(1).integers(0, 4, 200)
    rows = [
        (codes[1000:1200], None),  # seen
        (reverse_complement(codes[6500:6700]), None),  # seen, other strand
        (codes[4500:4700], None),  # held out
        (foreign, None),  # of elsewhere
        (codes[3950:4050], None),  # half in the split: 19 of 69 words
        (codes[3900:4020], None),  # most in the split
        (codes[10:30], None),  # too short to tell
        (codes[3990:4100], Interval("1", 3990, 4100)),  # by place: ten bases are enough
        (codes[4500:4700], Interval("chr1", 4500, 4700)),  # by place: held out
        (codes[1000:1200], Interval("chr1", 4500, 4700)),  # another assembly: by bases
        (reverse_complement(codes[4500:4700]), Interval("chr1", 4500, 4700)),
        (foreign, Interval("chrX", 0, 200)),
    ]
    (found,) = find_overlaps([task_of(rows)], genome, TRAINING, ContigNames(genome.contigs))
    assert found.seen.tolist() == [
        True, True, False, False, False, True, False, True, False, True, False, False,
    ]  # fmt: skip
    assert (found.placed, found.short) == (3, 1)


def test_words_against_a_loop():
    codes = np.random.default_rng(2).integers(0, 4, 50).astype(np.uint8)
    codes[40] = 4
    expected = []
    for first in range(19):
        word = codes[first : first + 32]
        if (word < 4).all():
            values = [
                sum(int(base) << (2 * (31 - i)) for i, base in enumerate(strand))
                for strand in (word, reverse_complement(word))
            ]
            expected.append(min(values))
    assert _words(codes).tolist() == expected
    assert len(expected) == 9


def test_nothing_is_searched_when_all_places_are_known(tmp_path):
    genome, codes = genome_of(tmp_path)
    task = task_of([(codes[i : i + 50], Interval("chr1", i, i + 50)) for i in range(0, 300, 50)])
    searched = []
    find_overlaps([task], genome, TRAINING, ContigNames(genome.contigs), searched.append)
    assert searched == []
    bare = dataclasses.replace(task, places=(None,) * 6)
    find_overlaps([bare], genome, TRAINING, ContigNames(genome.contigs), searched.append)
    assert sum(searched) >= 7000

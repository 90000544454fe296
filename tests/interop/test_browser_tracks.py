"""Tracks for genome browsers: read back by pyBigWig and line by line, they are what was scored."""

import dataclasses
import math
import sys

import numpy as np
import pyBigWig
import pytest

from genomenet.errors import UserError
from genomenet.evaluation.held_out import HeldOut
from genomenet.evaluation.likelihood.record import held_out_likelihood
from genomenet.evaluation.window_tracks import window_tracks
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import open_genome
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.interop.browser_tracks import write_tracks
from genomenet.interop.track_files import equal_runs
from genomenet.training.config import RunConfig
from tests.evaluation.subjects import tiny_subject
from tests.models.arms import ARMS

PLACES = [Interval("two", 10, 100), Interval("one", 0, 150)]
WORDS = {
    "hnet two stages": ["chunk-starts", "chunk-starts"],
    "blt learned": ["patch-ends"],
    "k-mers": ["token-ends"],
    "transformer": [],
}


def subject_named(arm):
    subject = tiny_subject(arm, batch_size=3)
    return dataclasses.replace(subject, name="run", config=RunConfig(model=ARMS[arm]))


def held_out(genome, places=PLACES):
    names = ContigNames(genome.contigs, "", "")
    return HeldOut(genome, names, places, "some bases", 64, 0, None)


def bigwig_values(path, contig, start, end):
    with pyBigWig.open(str(path)) as handle:
        return np.array(handle.values(contig, start, end))


def bedgraph_values(path, contig, start, end):
    values = np.full(end - start, np.nan)
    last = ("", 0)
    for line in path.read_text().splitlines()[1:]:
        name, left, right, value = line.split("\t")
        assert (name, int(left)) >= last
        last = (name, int(right))
        if name == contig and start <= int(left) < end:
            values[int(left) - start : int(right) - start] = float(value)
    return values


@pytest.mark.parametrize("arm", WORDS)
def test_files_hold_what_was_scored(arm, genome_folder, tmp_path):
    genome = open_genome(genome_folder)
    subject, where = subject_named(arm), held_out(genome)
    names = write_tracks([subject], where, tmp_path / "out", ["bigwig", "bedgraph", "bed"])
    assert names == sorted(path.name for path in (tmp_path / "out").iterdir())
    rows = dict(line.split("\t") for line in (tmp_path / "out/chrom.sizes").read_text().split("\n")
                if line)  # fmt: skip
    assert rows == {contig.name: str(contig.length_bp) for contig in genome.contigs}
    costs = []
    for window in window_tracks(subject, where.tiles()):
        place = (window.place.contig, window.place.start, window.place.end)
        wanted = {"surprise": np.where(window.scored, window.nats / math.log(2), np.nan)}
        for stage, found in enumerate(window.boundaries):
            wanted[f"stage{stage}.probability"] = np.where(window.scored, found.probability, np.nan)
        for what, values in wanted.items():
            for ending, read in (("bw", bigwig_values), ("bedGraph", bedgraph_values)):
                found = read(tmp_path / "out" / f"run.{what}.{ending}", *place)
                np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-7)
        for stage, found in enumerate(window.boundaries):
            path = tmp_path / "out" / f"run.stage{stage}.{WORDS[arm][stage]}.bed"
            lines = [line.split("\t") for line in path.read_text().splitlines()[1:]]
            starts = [int(line[1]) for line in lines if line[0] == place[0]
                      and place[1] <= int(line[1]) < place[2]]  # fmt: skip
            assert starts == (np.flatnonzero(found.boundary & window.scored) + place[1]).tolist()
            assert all(int(line[2]) == int(line[1]) + 1 for line in lines)
            assert all(0 <= int(line[4]) <= 1000 for line in lines)
        costs.append(bigwig_values(tmp_path / "out" / "run.compute.bw", *place))
    whole = held_out_likelihood(subject, where.tiles(), "final")
    assert np.mean(np.concatenate(costs)) == pytest.approx(whole.flops_per_base, rel=1e-6)


def test_n_is_absent(tmp_path):
    (tmp_path / "n.fa").write_text(">a:1\n" + "ACGTTGCAAC" * 5 + "N" * 9 + "ACGT" * 12 + "\n")
    import_genome([tmp_path / "n.fa"], tmp_path / "n")
    genome = open_genome(tmp_path / "n")
    where = held_out(genome, [Interval("a:1", 0, 107)])
    write_tracks([subject_named("hnet mamba2")], where, tmp_path / "out")
    for what in ("surprise", "compute", "stage0.probability"):
        values = bigwig_values(tmp_path / "out" / f"run.{what}.bw", "a:1", 50, 60)
        assert np.isnan(values[:9]).all()
        assert np.isfinite(values[9])


def test_equal_values_are_merged():
    values = np.array([1, 1, 2, 2, 2, 3, 3], dtype=np.float32)
    present = np.array([1, 1, 1, 0, 1, 1, 1], dtype=bool)
    starts, ends, found = equal_runs(values, present)
    assert list(zip(starts, ends, found, strict=True)) == [
        (0, 2, 1), (2, 3, 2), (4, 5, 2), (5, 7, 3)
    ]  # fmt: skip


def test_without_pybigwig_bedgraph_still_works(genome_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyBigWig", None)
    where = held_out(open_genome(genome_folder))
    with pytest.raises(UserError, match=r"pip install \"genomenet\[tracks\]\""):
        write_tracks([subject_named("transformer")], where, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    write_tracks([subject_named("transformer")], where, tmp_path / "out", ["bedgraph"])
    text = (tmp_path / "out" / "run.surprise.bedGraph").read_text()
    assert text.startswith('track type=bedGraph name="run surprise"')
    with pytest.raises(UserError, match="not an empty folder"):
        write_tracks([subject_named("transformer")], where, tmp_path / "out", ["bedgraph"])

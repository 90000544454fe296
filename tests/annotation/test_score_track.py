import math
import multiprocessing
import pickle
import sys

import numpy as np
import pyBigWig
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.annotation.score_track import ScoreTrack
from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.errors import UserError
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.contigs import Contig
from genomenet.genome.intervals import Interval
from genomenet.genome.mock import MockGenome
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.training_windows import TrainingWindows
from tests.genome.files import write, write_gzip

CONTIGS = (Contig("a", 50, 0), Contig("b", 20, 50))
ROWS = [("a", 3, 7, 0.5), ("a", 7, 8, -2.0), ("a", 20, 50, 1.25), ("b", 0, 20, 4.0)]


def bedgraph(rows) -> str:
    return "".join(f"{contig}\t{start}\t{end}\t{value}\n" for contig, start, end, value in rows)


def write_bigwig(path, lengths, rows):
    with pyBigWig.open(str(path), "w") as handle:
        handle.addHeader(list(lengths.items()))
        for contig, start, end, value in rows:
            handle.addEntries([contig], [start], ends=[end], values=[value])
    return path


def by_hand(rows, contig, start, end):
    scores = np.full(end - start, np.nan, dtype=np.float32)
    for name, low, high, value in rows:
        for base in range(max(low, start), min(high, end)):
            if name == contig:
                scores[base - start] = value
    return scores


@pytest.fixture(params=["bedGraph", "bedGraph.gz", "bigWig"])
def track(request, tmp_path):
    path = tmp_path / f"scores.{request.param}"
    if request.param == "bigWig":
        write_bigwig(path, {"a": 50, "b": 20, "elsewhere": 9}, ROWS)
    else:
        text = "track type=bedGraph\n# mine\n" + bedgraph([*ROWS, ("elsewhere", 0, 9, 1.0)])
        (write_gzip if request.param.endswith("gz") else write)(path, text)
    return ScoreTrack(path, CONTIGS)


def test_every_range_base_by_base(track):
    for contig in CONTIGS:
        for start in range(contig.length_bp + 1):
            for end in range(start, contig.length_bp + 1):
                scores = track.read(contig.name, start, end)
                assert scores.dtype == np.float32
                expected = by_hand(ROWS, contig.name, start, end)
                assert np.array_equal(scores, expected, equal_nan=True), (contig, start, end)
    assert track.notes == ()
    with pytest.raises(UserError, match="a:40-51 is not inside contig 'a'"):
        track.read("a", 40, 51)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 6), st.floats(-9, 9, width=32))))
def test_any_ranges(tmp_path_factory, gaps):
    rows, position = [], 0
    for gap, length, value in gaps:
        rows.append(("a", position + gap, position + gap + length, value))
        position += gap + length
    path = tmp_path_factory.mktemp("track") / "x.bedGraph"
    write(path, bedgraph([*rows, ("b", 0, 1, 1.0)]))
    contigs = (Contig("a", position + 3, 0), Contig("b", 1, position + 3))
    track = ScoreTrack(path, contigs)
    for start in range(0, position + 3, 5):
        expected = by_hand(rows, "a", start, position + 3)
        assert np.array_equal(track.read("a", start, position + 3), expected, equal_nan=True)


def test_missing_contigs_are_noted_and_have_no_score(tmp_path):
    path = write(tmp_path / "x.bedGraph", bedgraph(ROWS[:3]))
    track = ScoreTrack(path, CONTIGS)
    (note,) = track.notes
    assert "lacks 1 of 2 contigs, 'b' the first" in note
    assert np.isnan(track.read("b", 0, 20)).all()


@pytest.mark.parametrize("kind", ["bedGraph", "bigWig"])
def test_contigs_may_be_called_otherwise(tmp_path, kind):
    contigs = (Contig("chr1", 50, 0), Contig("scaffold", 20, 50), Contig("chrM", 9, 70))
    rows = [("1", 3, 7, 0.5), ("S.1", 0, 20, 4.0), ("MT", 0, 5, 1.0), ("chrM", 1, 5, 2.0)]
    path = tmp_path / f"x.{kind}"
    if kind == "bigWig":
        write_bigwig(path, {"1": 50, "S.1": 20, "MT": 9, "chrM": 9}, rows)
    else:
        write(path, bedgraph(rows))
    assert "lacks 1 of 3 contigs, 'scaffold' the first" in ScoreTrack(path, contigs).notes[0]
    names = ContigNames(contigs, aliases=write(tmp_path / "names.txt", "scaffold\tS.1\n"))
    track = ScoreTrack(path, contigs, names)
    assert track.notes == ()
    for read in (track, pickle.loads(pickle.dumps(track))):
        assert np.array_equal(read.read("chr1", 0, 9), by_hand(rows, "1", 0, 9), True)
        assert np.array_equal(read.read("scaffold", 5, 9), by_hand(rows, "S.1", 5, 9), True)
        # The very name goes before one that may be it.
        assert np.array_equal(read.read("chrM", 0, 9), by_hand(rows, "chrM", 0, 9), True)


@pytest.mark.parametrize("kind", ["bedGraph", "bigWig"])
def test_a_track_of_another_genome(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    if kind == "bigWig":
        write_bigwig(path, {"chr1": 50}, [("chr1", 0, 9, 1.0)])
    else:
        write(path, bedgraph([("chr1", 0, 9, 1.0)]))
    with pytest.raises(UserError, match="no contig of the genome: its first is 'chr1'"):
        ScoreTrack(path, CONTIGS)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a\t8\t9\n", "four columns"),
        ("a\t8\t9\tx\n", "must be numbers, not '8', '9' and 'x'"),
        ("a\t8.5\t9\t1\n", "must be numbers"),
        ("a\t9\t9\t1\n", "9 to 9 is no range"),
        ("a\t8\t9\tnan\n", "the value is nan"),
        ("a\t2\t3\t1\n", "start 2 comes after start 3"),
        ("a\t6\t9\t1\n", "6-9 overlaps the row before, which ends at 7"),
        ("a\t3\t9\t1\n", "3-9 overlaps"),
        ("a\t48\t51\t1\n", "leaves contig 'a', which has 50 bases"),
        ("b\t0\t1\t1\na\t8\t9\t1\n", "contig 'a' appears again after 'b'"),
    ],
)
def test_bad_lines(tmp_path, line, said):
    path = write(tmp_path / "x.bedGraph", bedgraph(ROWS[:1]) + line)
    with pytest.raises(UserError) as caught:
        ScoreTrack(path, CONTIGS)
    assert str(caught.value).startswith(f"{path}: line {1 + line.count(chr(10))}: ")
    assert said in str(caught.value)


def test_bad_files(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="does not exist"):
        ScoreTrack(tmp_path / "none", CONTIGS)
    with pytest.raises(UserError, match="it is empty"):
        ScoreTrack(write(tmp_path / "x.bedGraph", ""), CONTIGS)
    whole = write_bigwig(tmp_path / "x.bw", {"a": 50}, ROWS[:3])
    with pytest.raises(UserError, match="damaged bigWig"):
        ScoreTrack(write(tmp_path / "cut.bw", whole.read_bytes()[:40]), CONTIGS)
    other = write_bigwig(tmp_path / "y.bw", {"a": 49}, [("a", 0, 9, 1.0)])
    with pytest.raises(UserError, match="49 bases in contig 'a', the genome 50"):
        ScoreTrack(other, CONTIGS)
    monkeypatch.setitem(sys.modules, "pyBigWig", None)
    with pytest.raises(UserError, match=r"genomenet\[tracks\]"):
        ScoreTrack(whole, CONTIGS)


def test_other_processes_open_the_file_themselves(track):
    expected = track.read("a", 0, 50)
    assert np.array_equal(pickle.loads(pickle.dumps(track)).read("a", 0, 50), expected, True)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        reads = pool.starmap(track.read, [("a", 0, 50)] * 20)
    assert all(np.array_equal(read, expected, equal_nan=True) for read in reads)


def test_the_fingerprint_follows_the_content(track, tmp_path):
    before = track.fingerprint
    same = write(tmp_path / "copy", track.path.read_bytes())
    assert ScoreTrack(same, CONTIGS).fingerprint == before
    with track.path.open("ab") as handle:
        handle.write(b"\n")
    assert track.fingerprint != before


def test_windows_carry_scores(tmp_path):
    genome = MockGenome(30_000, seed=1)
    rows = [("mock1", i, i + 3, i / 8) for i in range(0, 9_000, 4)]
    scored = ScoredGenome(genome, write(tmp_path / "x.bedGraph", bedgraph(rows)))
    assert scored.digest == genome.digest
    windows = TrainingWindows(scored, [Interval("mock1", 0, 9_000)], 50, seed=0, rc_aug=True)
    tiles = HeldOutTiles(scored, [Interval("mock1", 10, 175)], 50)
    for batch in (windows.batch(0, 6), tiles.batch(0, 4)):
        assert batch.scores is not None
        for row, start in enumerate(batch.starts.tolist()):
            end = start + int(batch.lengths[row])
            expected = np.full(50, math.nan, dtype=np.float32)
            expected[: end - start] = by_hand(rows, "mock1", start, end)
            assert np.array_equal(batch.scores[row], expected, equal_nan=True)
    bare = HeldOutTiles(genome, [Interval("mock1", 10, 175)], 50)
    assert bare.batch(0, 4).scores is None

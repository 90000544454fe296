"""Reading a region track, and weights of classes."""

import json
import pickle

import numpy as np
import pytest

from genomenet.annotation.region_writer import write_regions
from genomenet.annotation.regions import RegionTrack
from genomenet.errors import UserError
from tests.annotation.annotated import gtf_line, row
from tests.genome.files import write

LENGTH = 300


@pytest.fixture
def genome(make_store):
    return make_store({"c": "ACGTacgtAC" * 30, "d": "ACGTN" * 4})


@pytest.fixture
def track(genome, tmp_path):
    rows = [row("gene", 50, 150), row("CDS", 60, 90, frame=0), row("gene", 100, 120, "-", gene="h")]
    gtf = write(tmp_path / "g.gtf", "".join(map(gtf_line, rows)))
    return write_regions(genome, gtf, tmp_path / "r", upstream_bp=20, downstream_bp=0)


def test_a_byte_holds_all_three(track):
    stored = track.read_bytes("c", 0, LENGTH)
    assert stored.dtype == np.uint8
    classes, strands = track.read("c", 0, LENGTH), track.read_strand("c", 0, LENGTH)
    repeats = track.read_repeat("c", 0, LENGTH)
    assert repeats.dtype == np.bool_
    assert np.array_equal(stored, classes | strands << 5 | repeats.astype(np.uint8) << 7)
    assert track.classes[classes[60]] == "coding_1"
    assert track.classes[classes[35]] == "promoter"
    assert strands[[0, 60, 110, 130]].tolist() == [0, 1, 3, 2]  # 130: the other gene's promoter
    assert repeats[:10].tolist() == [False] * 4 + [True] * 4 + [False] * 2


def test_any_range_of_any_contig(track):
    whole = track.read("c", 0, LENGTH)
    assert np.array_equal(track.read("c", 55, 95), whole[55:95])
    assert track.read("d", 0, 20).tolist() == [0] * 20
    with pytest.raises(ValueError, match="read-only"):
        track.read_bytes("c", 0, 5)[0] = 1
    with pytest.raises(UserError, match="has no contig 'e'"):
        track.read("e", 0, 1)
    with pytest.raises(UserError, match="is not inside contig 'd'"):
        track.read("d", 0, 21)


def test_pickles_by_path(track):
    found = pickle.loads(pickle.dumps(track))
    assert np.array_equal(found.read("c", 0, LENGTH), track.read("c", 0, LENGTH))


def test_classes_weigh_1_unless_named(track):
    weights = {"coding_1": 4.0, "intergenic": 0.5, "intron": 0.0}
    wanted = [weights.get(name, 1.0) for name in track.classes]
    assert track.weights_of(weights).tolist() == wanted


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"coding1": 2}, r"has no class 'coding1'; did you mean 'coding_1'\?"),
        ({"xyzzy": 2}, r"has no class 'xyzzy'; its classes: intergenic, intron"),
        ({"intron": -1}, "the weight of class 'intron' is -1; give 0 or more"),
        ({"intron": float("nan")}, "is nan"),
    ],
)
def test_weights_that_do_not_work(track, weights, said):
    with pytest.raises(UserError, match=said):
        track.weights_of(weights)


def test_weights_of_nothing(track):
    with pytest.raises(UserError, match="all classes are 0"):
        track.weights_of(dict.fromkeys(track.classes, 0))


def test_a_track_of_another_genome(track, make_store):
    other = make_store({"c": "ACGTACGTAC" * 30, "d": "ACGTN" * 4})
    with pytest.raises(UserError, match="annotates another genome"):
        RegionTrack(track.path, other)


def test_folders_that_are_none(track, tmp_path):
    with pytest.raises(UserError, match=r"holds no annotation, there is no regions\.json"):
        RegionTrack(tmp_path / "nowhere")
    table = track.path / "regions.json"
    text = table.read_text()
    table.write_text(json.dumps({**json.loads(text), "format_version": 99}))
    with pytest.raises(UserError, match="has format version 99"):
        RegionTrack(track.path)
    table.write_text(text[:100])
    with pytest.raises(UserError, match="is damaged"):
        RegionTrack(track.path)
    table.write_text(text)
    (track.path / "regions.u8").write_bytes(b"x")
    with pytest.raises(UserError, match=r"has 1 bytes where its regions\.json promises 320"):
        RegionTrack(track.path)

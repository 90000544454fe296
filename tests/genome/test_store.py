import json
import multiprocessing
import pickle

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.contigs import Contig
from genomenet.genome.genome import open_genome
from genomenet.genome.store import GenomeStore

RECORDS = {"chr1": "ACGTacgtNN" * 11, "chr2": "ttGGa"}


@pytest.fixture
def store(make_store):
    return make_store(RECORDS)


def test_contigs_have_offsets(store):
    assert store.contigs == (Contig("chr1", 110, 0), Contig("chr2", 5, 110))
    assert store.length_bp == 115


def test_every_range(store):
    for name, letters in RECORDS.items():
        for start in range(0, len(letters) + 1, 3):
            for end in range(start, len(letters) + 1):
                wanted = letters[start:end]
                codes = ["ACGTN".index(x.upper()) for x in wanted]
                assert store.read(name, start, end).tolist() == codes
                assert store.read_mask(name, start, end).tolist() == [x.islower() for x in wanted]


def test_types(store):
    assert store.read("chr1", 0, 4).dtype == np.uint8
    assert store.read_mask("chr1", 0, 4).dtype == np.bool_
    with pytest.raises(ValueError, match="read-only"):
        store.read_packed("chr1", 0, 4)[0] = 1


def test_unknown_contig_and_bad_range(store):
    with pytest.raises(UserError, match="has no contig 'Chr1'; did you mean 'chr1'"):
        store.read("Chr1", 0, 1)
    for start, end in [(0, 6), (-1, 3), (4, 3)]:
        with pytest.raises(UserError, match="is not inside contig 'chr2', which runs from 0 to 5"):
            store.read_mask("chr2", start, end)


def test_pickles_as_a_path(store):
    store.read("chr1", 0, 9)
    data = pickle.dumps(store)
    assert len(data) < 500
    assert pickle.loads(data).read("chr1", 0, 9).tolist() == store.read("chr1", 0, 9).tolist()


def _read(store):
    return store.read("chr2", 0, 5).tolist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_the_same(store, method):
    here = _read(store)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(_read, (store,)) == here


def test_folders_that_are_no_store(store, tmp_path):
    with pytest.raises(UserError, match="not a genome store"):
        GenomeStore(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        GenomeStore(tmp_path / "nowhere")
    with pytest.raises(UserError, match="does not exist"):
        open_genome(tmp_path / "nowhere")
    assert open_genome(store.path).digest == store.digest


def test_other_format_version(store):
    path = store.path / "genome.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(UserError, match="format version 99, but this genomenet reads 3"):
        GenomeStore(store.path)
    path.write_text("{")
    with pytest.raises(UserError, match="damaged"):
        GenomeStore(store.path)


@pytest.mark.parametrize("name", ["bases.u8", "counts.u16"])
def test_wrong_size(store, name):
    path = store.path / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=f"{name} has .* promises"):
        GenomeStore(store.path)
    path.unlink()
    with pytest.raises(UserError, match=f"{name} has 0 bytes"):
        GenomeStore(store.path)

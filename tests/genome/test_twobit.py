import gzip
import hashlib
import sys

import numpy as np
import py2bit
import pytest

from genomenet.errors import UserError
from genomenet.genome import twobit
from genomenet.genome.importer import import_genome
from tests.genome.files import fasta_text, write, write_twobit

LETTERS = np.random.default_rng(0).choice(list("ACGTacgtN"), size=5_003)
RECORDS = {
    "chr1": "".join(LETTERS) + "n" * 70 + "N" * 70,
    "chrUn_é": "ACGTA",
    "masked": "acgtnNNN" * 40,
}


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("piece_bp", [1 << 20, 7])
def test_the_same_genome_as_from_fasta(tmp_path, monkeypatch, version, piece_bp):
    monkeypatch.setattr(twobit, "_PIECE_BP", piece_bp)
    # Told by its first bytes, not by its name.
    source = write_twobit(tmp_path / "x.fa", RECORDS, version=version)
    genome = import_genome([source], tmp_path / "store")
    fasta = write(tmp_path / "y.fa", fasta_text(RECORDS))
    assert genome.digest == import_genome([fasta], tmp_path / "other").digest
    assert genome.sources[0].sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert genome.sources[0].ambiguity_to_n == 0
    assert import_genome([source], tmp_path / "store").digest == genome.digest


def test_no_cut_is_taken_for_whole(tmp_path):
    whole = write_twobit(tmp_path / "whole.2bit", RECORDS).read_bytes()
    source = tmp_path / "x.2bit"
    for length in [*range(4, 90), *range(90, len(whole), 97), len(whole) - 1]:
        write(source, whole[:length])
        with pytest.raises(UserError, match=r"damaged 2bit file \((it|sequence)"):
            import_genome([source], tmp_path / "store")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole.2bit", "x.2bit"]


def test_damage(tmp_path):
    whole = write_twobit(tmp_path / "x.2bit", {"a": "ACGTNNNNAC", "b": "ACGT"}).read_bytes()
    record = 16 + 2 * 6
    for position, byte, said in [
        (4, 7, "its version is 7"),
        (8, 0, "it has no sequence"),
        (8, 9, "breaks off|has none|name of another"),
        (16, 0, "sequence 1 has none"),
        (23, ord("a"), "sequence 2 has the name of another"),
        (record, 5, "its N blocks of 'a' do not fit"),
        (record + 8, 200, "its N blocks of 'a' do not fit"),
        (record + 4, 255, "breaks off|do not fit"),
        (record + 3, 255, "breaks off"),
    ]:
        damaged = bytearray(whole)
        damaged[position] = byte
        write(tmp_path / "x.2bit", bytes(damaged))
        with pytest.raises(UserError, match=f"x.2bit is a damaged 2bit file .*({said})"):
            import_genome([tmp_path / "x.2bit"], tmp_path / "store")


def test_what_cannot_be_read(tmp_path, monkeypatch):
    def import_fails(path, said):
        with pytest.raises(UserError, match=said):
            import_genome([path], tmp_path / "store")
        assert not (tmp_path / "store").exists()

    source = write_twobit(tmp_path / "x.2bit", {"a": "ACGT", "b": ""})
    import_fails(source, r"x\.2bit: record 2: the contig 'b' has no bases")
    import_fails(write_twobit(tmp_path / "big.2bit", RECORDS, order=">"), "big-endian")
    packed = write(tmp_path / "x.2bit.gz", gzip.compress(source.read_bytes()))
    import_fails(packed, "compressed 2bit file; decompress it")
    whole = write_twobit(tmp_path / "y.2bit", RECORDS)

    def fails(*_):
        raise RuntimeError("no luck")

    monkeypatch.setattr(py2bit, "open", fails)
    import_fails(whole, r"damaged 2bit file \(no luck\)")
    monkeypatch.setitem(sys.modules, "py2bit", None)
    import_fails(whole, r"pip install \"genomenet\[twobit\]\"")

import gzip

import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.importer import import_genome
from tests.genome.files import write


def flat_file(kind: str) -> str:
    records = [
        SeqRecord(Seq(letters), id=name, name=name, annotations={"molecule_type": "DNA"})
        for name, letters in {"U1": "ACGTNACGTA" * 13, "U2": "TTRGG"}.items()
    ]
    return "".join(record.format(kind) for record in records)


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".gb", "genbank"), (".gbk", "genbank"), (".gbff", "genbank"), (".embl", "embl")],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_flat_files(tmp_path, suffix, kind, compressed):
    text = flat_file(kind).encode()
    path = tmp_path / f"x{suffix}{'.gz' if compressed else ''}"
    write(path, gzip.compress(text) if compressed else text)
    genome = import_genome([path], tmp_path / "store")
    assert [c.name.split(".")[0] for c in genome.contigs] == ["U1", "U2"]
    first, second = genome.contigs
    assert decode(genome.read(first.name, 0, 130)) == "ACGTNACGTA" * 13
    assert decode(genome.read(second.name, 0, 5)) == "TTNGG"
    assert genome.sources[0].ambiguity_to_n == 1


def test_fasta_under_a_genbank_name(tmp_path):
    path = write(tmp_path / "x.gb", ">x\nACGT\n")
    with pytest.raises(UserError, match="rename it if it is FASTA"):
        import_genome([path], tmp_path / "store")


def test_genbank_without_sequence(tmp_path):
    head = flat_file("genbank").split("ORIGIN")[0]
    path = write(tmp_path / "x.gb", head + "CONTIG      join(X1.1:1..130)\n//\n")
    with pytest.raises(UserError, match="record 1 lists no bases"):
        import_genome([path], tmp_path / "store")


def test_genbank_cut_short(tmp_path):
    text = flat_file("genbank")
    path = write(tmp_path / "x.gb", text[: text.index("ORIGIN") + 40])
    with pytest.raises(UserError, match="record 1 breaks off"):
        import_genome([path], tmp_path / "store")
    assert [p.name for p in tmp_path.iterdir()] == ["x.gb"]


def test_protein_genbank(tmp_path):
    record = SeqRecord(Seq("MEEPQ"), id="P1", name="P1", annotations={"molecule_type": "protein"})
    path = tmp_path / "p.gb"
    SeqIO.write([record], path, "genbank")
    with pytest.raises(UserError, match=r"record 1: the letter 'E' .* looks like protein"):
        import_genome([path], tmp_path / "store")

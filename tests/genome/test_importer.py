import gzip
import hashlib
import json
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.genome.store import GenomeStore
from tests.genome.files import DEMO_FASTA, fasta_text, write, write_bgzip, write_gzip

RECORDS = {"one": "ACGTacgtNNNN" * 30, "two": "ttttGGGG" * 17 + "a", "three": "C"}


def text_of(genome: GenomeStore, contig: str) -> str:
    length = next(c.length_bp for c in genome.contigs if c.name == contig)
    letters = decode(genome.read(contig, 0, length))
    masked = genome.read_mask(contig, 0, length)
    return "".join(x.lower() if m else x for x, m in zip(letters, masked, strict=True))


def refused(sources, out: Path) -> str:
    before = sorted(path.name for path in out.parent.iterdir())
    with pytest.raises(UserError) as caught:
        import_genome(sources, out)
    assert sorted(path.name for path in out.parent.iterdir()) == before, "something was left behind"
    return str(caught.value)


def test_letters_come_back(tmp_path):
    genome = import_genome([write(tmp_path / "x.fa", fasta_text(RECORDS))], tmp_path / "store")
    assert [c.name for c in genome.contigs] == list(RECORDS)
    assert {name: text_of(genome, name) for name in RECORDS} == RECORDS
    assert genome.length_bp == sum(map(len, RECORDS.values()))


@settings(max_examples=30)
@given(st.lists(st.text(alphabet="ACGTNacgtn", min_size=1, max_size=40), min_size=1, max_size=6))
def test_any_contigs_come_back(tmp_path_factory, contigs):
    folder = tmp_path_factory.mktemp("any")
    records = {f"c{i}": letters for i, letters in enumerate(contigs)}
    genome = import_genome([write(folder / "x.fa", fasta_text(records, width=7))], folder / "store")
    assert {name: text_of(genome, name) for name in records} == records


def test_same_content_same_digest(tmp_path):
    text = fasta_text(RECORDS)
    sources = [
        write(tmp_path / "plain.fa", text),
        write(tmp_path / "wide.fa", fasta_text(RECORDS, width=1000)),
        write(tmp_path / "narrow.fa", fasta_text(RECORDS, width=1)),
        write(tmp_path / "crlf.fa", fasta_text(RECORDS, end="\r\n")),
        write(tmp_path / "blank_lines.fa", "\n\n" + text.replace("\n", "\n\n")),
        write(tmp_path / "no_last_line_end.fa", text.rstrip("\n")),
        write_gzip(tmp_path / "gzip.fa", text),
        write_bgzip(tmp_path / "bgzip.fa.gz", text),
    ]
    halves = [
        write(tmp_path / "first.fa", fasta_text({"one": RECORDS["one"]})),
        write_gzip(tmp_path / "rest.fa.gz", fasta_text({k: RECORDS[k] for k in ("two", "three")})),
    ]
    stores = [import_genome([s], tmp_path / f"store_{s.name}") for s in sources]
    stores.append(import_genome(halves, tmp_path / "store_halves"))
    assert len({store.digest for store in stores}) == 1


@pytest.mark.parametrize(
    "changed",
    [
        RECORDS | {"three": "G"},
        RECORDS | {"three": "c"},
        {"uno": RECORDS["one"], "two": RECORDS["two"], "three": RECORDS["three"]},
        {"one": RECORDS["one"], "two": RECORDS["two"][:-1], "three": "a" + RECORDS["three"]},
    ],
    ids=["base", "mask", "name", "border"],
)
def test_other_content_other_digest(tmp_path, changed):
    first = import_genome([write(tmp_path / "a.fa", fasta_text(RECORDS))], tmp_path / "a")
    second = import_genome([write(tmp_path / "b.fa", fasta_text(changed))], tmp_path / "b")
    assert first.digest != second.digest


def test_soft_masked_twin_has_the_same_codes(tmp_path):
    upper = {name: letters.upper() for name, letters in RECORDS.items()}
    soft = import_genome([write(tmp_path / "soft.fa", fasta_text(RECORDS))], tmp_path / "soft")
    hard = import_genome([write(tmp_path / "hard.fa", fasta_text(upper))], tmp_path / "hard")
    for name, letters in RECORDS.items():
        codes = [genome.read(name, 0, len(letters)) for genome in (soft, hard)]
        assert np.array_equal(*codes)
    assert soft.read_mask("two", 0, 4).all()
    assert not hard.read_mask("two", 0, 4).any()


def test_replaced_letters_are_counted_and_noted(tmp_path):
    genome = import_genome([write(tmp_path / "rna.fa", ">r\nACGUuRYn\n")], tmp_path / "store")
    assert text_of(genome, "r") == "ACGTtNNn"
    (source,) = genome.sources
    assert (source.uracil_to_t, source.ambiguity_to_n) == (2, 2)
    assert genome.notes == ["rna.fa: 2 ambiguity codes became N", "rna.fa: 2 U became T"]


def test_n_runs(tmp_path):
    letters = "A" * 10 + "N" * 64 + "C" + "n" * 63 + "G" + "R" * 100
    records = {"a": "N" * 70, "b": letters, "c": "N" * 80 + "A"}
    genome = import_genome([write(tmp_path / "x.fa", fasta_text(records))], tmp_path / "store")
    assert genome.n_runs == (
        Interval("a", 0, 70),
        Interval("b", 10, 74),
        Interval("b", 139, 239),
        Interval("c", 0, 80),
    )


def test_sources_and_progress(tmp_path):
    source = write_gzip(tmp_path / "x.fa.gz", fasta_text(RECORDS))
    seen: list[int] = []
    genome = import_genome([source], tmp_path / "store", seen.append)
    assert sum(seen) == genome.length_bp
    (record,) = genome.sources
    assert record.file == "x.fa.gz"
    assert record.size_bytes == source.stat().st_size
    assert record.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    table = json.loads((genome.path / "genome.json").read_text())
    assert table["format_version"] == 3


def test_plain_fasta_is_known_by_its_content(tmp_path):
    plain = write(tmp_path / "x.fa", fasta_text(RECORDS))
    genome = import_genome([plain], tmp_path / "store")
    assert genome.sources[0].sha256 is None
    for again in [
        write(tmp_path / "wide.fa", fasta_text(RECORDS, width=1000)),
        write_gzip(tmp_path / "x.fa.gz", fasta_text(RECORDS)),
    ]:
        assert import_genome([again], tmp_path / "store").sources == genome.sources
    assert "other files (x.fa)" in refused(
        [write(tmp_path / "y.fa", fasta_text(RECORDS).replace("ACGT", "ACgT", 1))],
        tmp_path / "store",
    )


def test_same_sources_are_reused_and_others_refused(tmp_path):
    source = write(tmp_path / "x.fa", fasta_text(RECORDS))
    other = write(tmp_path / "y.fa", ">y\nACGT\n")
    out = tmp_path / "store"
    first = import_genome([source], out)
    stamp = (out / "bases.u8").stat().st_mtime_ns
    assert import_genome([source], out).digest == first.digest
    assert (out / "bases.u8").stat().st_mtime_ns == stamp
    message = refused([other], out)
    assert "other files (x.fa)" in message
    assert "choose another folder or delete it" in message
    write(tmp_path / "something", "else")
    assert "choose another folder" in refused([source], tmp_path / "something")


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "store").mkdir()
    source = write(tmp_path / "x.fa", ">x\nAC\n")
    assert import_genome([source], tmp_path / "store").length_bp == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("\nACGT\n>x\nACGT\n", "line 2: FASTA begins with a '>' header"),
        ("@r1\nACGT\n+\nIIII\n", "looks like FASTQ"),
        (">x\nACGT\n>\nACGT\n", "line 3: the header has no name"),
        (">x\nACGT\n> y\nACGT\n", "line 3: the header has no name"),
        (">x\nAC\n>y\nAC\n\n>x\nAC\n", "line 6: the contig 'x' was already read"),
        (">x\nAC\n>y\n\n>z\nAC\n", "line 3: the contig 'y' has no bases"),
        (">x\nAC\n>y", "line 3: the contig 'y' has no bases"),
        (">x\r\nACGT\r\nAC-GT\r\n", "line 3: the letter '-' is not a nucleotide"),
        (">x\nAC\n>y\nACGT\nACGT\nMEEPQ\n", "line 6: the letter 'E' is not a nucleotide"),
        (">x\nACGT>y\nAC\n", "line 2: the letter '>' is not"),
        (">x\nAC\0GT\n", "is not a text file"),
    ],
)
def test_what_is_wrong_and_where(tmp_path, text, said):
    source = write(tmp_path / "bad.fa", text)
    message = refused([source], tmp_path / "store")
    assert said in message
    assert str(source) in message


def test_protein_is_named(tmp_path):
    source = write(tmp_path / "p.fa", ">p\nMEEPQSDPSV\n")
    assert "looks like protein" in refused([source], tmp_path / "store")


def test_a_contig_in_two_files(tmp_path):
    first = write(tmp_path / "a.fa", ">x\nAC\n")
    second = write(tmp_path / "b.fa", ">y\nAC\n>x\nAC\n")
    message = refused([first, second], tmp_path / "store")
    assert re.search(r"b\.fa: line 3: the contig 'x' was already read from .*a\.fa", message)


def test_missing_folder_and_foreign_compression(tmp_path):
    assert "does not exist" in refused([tmp_path / "no.fa"], tmp_path / "store")
    (tmp_path / "folder").mkdir()
    assert "is a folder" in refused([tmp_path / "folder"], tmp_path / "store")
    source = write(tmp_path / "x.fa.bz2", b"BZh91AY")
    assert "bzip2" in refused([source], tmp_path / "store")
    assert "no file to import" in refused([], tmp_path / "store")


@pytest.mark.parametrize("kind", ["gzip", "bgzip"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_compression_leaves_nothing(tmp_path, kind, share):
    random = np.random.default_rng(0)
    text = ">x\n" + "".join(random.choice(list("ACGT"), 300_000)) + "\n"
    whole = (write_gzip if kind == "gzip" else write_bgzip)(tmp_path / "whole.fa.gz", text)
    data = whole.read_bytes()
    source = write(tmp_path / "cut.fa.gz", data[: int(len(data) * share)])
    assert "breaks off" in refused([source], tmp_path / "store")


def test_damaged_gzip(tmp_path):
    data = bytearray(gzip.compress(b">x\n" + b"ACGT" * 1000))
    data[-6] ^= 1
    source = write(tmp_path / "x.fa.gz", bytes(data))
    assert "damaged gzip data" in refused([source], tmp_path / "store")


def test_unwritable_place(tmp_path):
    source = write(tmp_path / "x.fa", ">x\nAC\n")
    with pytest.raises(UserError, match=r"the import into .* failed"):
        import_genome([source], source / "store")


def test_memory_is_flat(tmp_path):
    line = (b"ACGTacgtNN" * 6) + b"\n"
    source = tmp_path / "big.fa"
    with source.open("wb") as handle:
        for number in range(2):
            handle.write(b">c%d\n" % number)
            for _ in range(20):
                handle.write(line * 17_000)
    tracemalloc.start()
    genome = import_genome([source], tmp_path / "store")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert genome.length_bp == 40_800_000
    assert peak < 150e6


def test_the_demo_slice(tmp_path):
    genome = import_genome([DEMO_FASTA], tmp_path / "store")
    (contig,) = genome.contigs
    assert (contig.name, contig.length_bp) == ("chr20_42M_46M", 4_000_000)
    with gzip.open(DEMO_FASTA, "rt") as handle:
        letters = "".join(line.strip() for line in handle if not line.startswith(">"))
    assert text_of(genome, contig.name) == letters
    assert genome.n_runs == ()

import gzip
import pickle

import pytest

from genomenet.errors import UserError
from genomenet.genome.contig_names import ContigNames, KnownRows, placed_bed_lines
from genomenet.genome.contigs import Contig
from genomenet.genome.intervals import Interval
from genomenet.genome.refseq import BY_ACCESSION
from tests.genome.files import write

UCSC = {"chr1": 249_250_621, "chr20": 63_025_520, "chrX": 155_270_560, "chrM": 16_571}
REPORT = (
    "# Assembly name:  GRCh37\n"
    "# Sequence-Name\tSequence-Role\tAssigned-Molecule\tAssigned-Molecule-Location/Type\t"
    "GenBank-Accn\tRelationship\tRefSeq-Accn\tAssembly-Unit\tSequence-Length\tUCSC-style-name\r\n"
    "1\tassembled-molecule\t1\tChromosome\tCM000663.1\t=\tNC_000001.10\tP\t249250621\tchr1\r\n"
    "HSCHR1_RANDOM_CTG5\tunlocalized-scaffold\t1\tChromosome\tGL000191.1\t=\tNT_113878.1\tP\t9\tna\n"
    "MT\tassembled-molecule\tMT\tMitochondrion\tJ01415.2\t=\tNC_012920.1\tn\t16569\tna\n"
)


def names_of(lengths, **arguments):
    return ContigNames([Contig(name, bp, 0) for name, bp in lengths.items()], **arguments)


@pytest.mark.parametrize(
    ("genome", "theirs", "own"),
    [
        (UCSC, "chr20", "chr20"),
        (UCSC, "20", "chr20"),
        (UCSC, "Chr20", "chr20"),
        (UCSC, "NC_000020.10", "chr20"),
        (UCSC, "NC_000023.10", "chrX"),
        (UCSC, "MT", "chrM"),
        (UCSC, "chrMT", "chrM"),
        ({"20": 63_025_520, "MT": 16_569}, "chr20", "20"),
        ({"20": 63_025_520, "MT": 16_569}, "chrM", "MT"),
        ({"20": 63_025_520, "MT": 16_569}, "NC_012920.1", "MT"),
        ({"NC_000020.11": 64_444_167}, "chr20", "NC_000020.11"),
        ({"chr1": 195_154_279}, "NC_000067.7", "chr1"),
        ({"chr1": 248_387_328}, "NC_060925.1", "chr1"),
        ({"chrY": 91_455_967}, "NC_000087.8", "chrY"),
        ({"chr1_KI270706v1_random": 9, "chrUn_GL000219v1": 9}, "KI270706.1", None),
        ({"KI270706.1": 9}, "chr1_KI270706v1_random", "KI270706.1"),
        ({"chrM": 16_571, "chrMT": 16_569}, "chrMT", "chrMT"),
        ({"chr": 9}, "chr", "chr"),
    ],
)
def test_rules(genome, theirs, own):
    own = own or next(iter(genome))
    assert names_of(genome).resolve(theirs) == own
    assert names_of(genome).find(theirs) == own
    interval = Interval(theirs, 1, 5)
    assert names_of(genome).place(interval) == Interval(own, 1, 5)
    assert pickle.loads(pickle.dumps(names_of(genome))).resolve(theirs) == own


@pytest.mark.parametrize(
    ("genome", "theirs", "said"),
    [
        (
            UCSC,
            "chr21",
            r"no contig 'chr21'; did you mean 'chr1'\? \(tried with and without 'chr'",
        ),
        (UCSC, "gi|5", r"no contig 'gi\|5'; its first is 'chr1' "),
        (UCSC, "x", "no contig 'x'"),  # rules don't guess the case of a name
        # Another assembly's chromosome, and a mitochondrion of another length.
        (UCSC, "NC_000020.11", "20 of GRCh38 has 64,444,167 bases, and 'chr20' has 63,025,520"),
        (UCSC, "NC_012920.1", "has 16,569 bases, and 'chrM' has 16,571"),
        ({"chrM": 16_571, "chrMT": 16_569}, "M", "may be any of the genome's contigs chrM, chrMT"),
        ({"NC_000020.10": 5, "NC_000020.11": 6}, "20", "may be any of"),
    ],
)
def test_names_that_do_not_fit(genome, theirs, said):
    assert names_of(genome).find(theirs) is None
    with pytest.raises(UserError, match=said) as caught:
        names_of(genome).resolve(theirs)
    assert "give a table of names (data.aliases, --aliases), such as UCSC's" in str(caught.value)


def test_the_published_assemblies():
    totals = {}
    for chromosome in BY_ACCESSION.values():
        of_nucleus = chromosome.length_bp * (chromosome.name != "MT")
        totals[chromosome.assembly] = totals.get(chromosome.assembly, 0) + of_nucleus
    # As the assemblies' statistics have it.
    assert totals["GRCh37"] == 3_095_677_412
    assert totals["GRCh38"] == 3_088_269_832
    assert totals["T2T-CHM13v2.0"] == 3_117_275_501
    assert BY_ACCESSION["NC_000024.9"][:2] == ("GRCh37", "Y")
    assert BY_ACCESSION["NC_060948.1"][:2] == ("T2T-CHM13v2.0", "Y")
    assert BY_ACCESSION["NC_000086.8"] == ("GRCm39", "X", 169_476_592)
    assert len(BY_ACCESSION) == 3 * 24 + 21 + 2


@pytest.mark.parametrize("kind", ["hub", "database", "report", "tsv", "blanks"])
def test_alias_tables(tmp_path, kind):
    table = {
        "hub": "# ucsc\tassembly\tgenbank\tncbi\nchr1\t1\tCM000663.1\tone\nchrM\tMT\t\tmito\n",
        "database": "#alias\tchrom\tsource\n"
        "one\tchr1\tncbi,x\nCM000663.1\tchr1\tgb\nmito\tchrM\tgb\n",
        "report": REPORT,
        "tsv": "mito\tchrM\nCM000663.1\tchr1\tone\n",
        "blanks": "chr1 CM000663.1   one\n\nchrM mito\n",
    }[kind]
    path = write(tmp_path / "x.txt.gz", gzip.compress(table.encode()))
    names = names_of(UCSC, aliases=path)
    assert names.resolve("CM000663.1") == "chr1"
    if kind == "report":
        assert names.resolve("NC_000001.10") == "chr1"
        # chrM is not in the table, and that of the table is of another length.
        assert names.find("J01415.2") is None
        assert names.find("GL000191.1") is None  # of chromosome 1, but not it
    else:
        assert names.resolve("one") == "chr1"
        assert names.resolve("mito") == "chrM"
    if kind == "database":
        assert names.find("gb") is None  # the source of several, so the name of none
    assert names.resolve("20") == "chr20"  # not in the table
    with pytest.raises(UserError, match=r"tried .* accessions and .*x\.txt\.gz\)"):
        names.resolve("two")


def test_tables_that_say_nothing(tmp_path):
    with pytest.raises(UserError, match=r"x\.txt holds no names of contigs"):
        names_of(UCSC, aliases=write(tmp_path / "x.txt", "# a\tb\n"))
    path = write(tmp_path / "x.txt", "chrI\tI\n")
    with pytest.raises(UserError, match=r"names no contig of the genome: its first line .* 'chrI'"):
        names_of(UCSC, aliases=path)
    with pytest.raises(UserError, match="does not exist"):
        names_of(UCSC, aliases=tmp_path / "none")


def test_which_of_a_files_contigs_is_which():
    names = names_of(UCSC)
    assert names.match(["20", "chrMT", "chrM", "21"], "x.bw") == {"chr20": "20", "chrM": "chrM"}
    with pytest.raises(UserError, match=r"x\.bw: '20' and 'NC_000020.10' may both be .* 'chr20'"):
        names.match(["20", "NC_000020.10"], "x.bw")


def test_bed_lines(tmp_path):
    path = write(tmp_path / "x.bed", "20\t0\t5\tn\t0\t-\nchrX\t1\t2\n")
    names = names_of(UCSC, genome_name="my genome")
    assert list(placed_bed_lines(path, names)) == [
        (1, Interval("chr20", 0, 5), "n", "-"),
        (2, Interval("chrX", 1, 2), None, "."),
    ]
    for line, said in [
        ("chr7\t1\t2\n", "line 3: my genome has no contig 'chr7'"),
        ("MT\t1\t16572\n", "line 3: my genome: chrM:1-16,572 is not inside contig 'chrM'"),
    ]:
        write(path, "20\t0\t5\n\n" + line)
        with pytest.raises(UserError, match=f"x.bed: {said}"):
            list(placed_bed_lines(path, names))


def test_rows_of_other_contigs_are_counted():
    rows = KnownRows(names_of(UCSC), "x.gtf")
    assert [rows.find(*row) for row in [("20", 5), ("GL1", 5), ("GL2", 5), ("MT", 16_572)]] == [
        "chr20", None, None, None,
    ]  # fmt: skip
    assert rows.left_out == {"contigs the genome lacks": 2, "beyond the contig's end": 1}
    rows.check()
    rows = KnownRows(names_of(UCSC), "x.gtf")
    with pytest.raises(UserError, match=r"x\.gtf says nothing of the genome; give"):
        rows.check()
    rows.find("GL1", 5)
    with pytest.raises(UserError, match=r"says nothing of the genome: the genome has no .* 'GL1'"):
        rows.check()

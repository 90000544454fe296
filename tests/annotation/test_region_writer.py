"""Region tracks against sets of bases, and what may go wrong while one is made."""

import gzip
import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genomenet.annotation.region_classes import CLASSES, with_layers
from genomenet.annotation.region_features import KINDS
from genomenet.annotation.region_writer import write_regions
from genomenet.annotation.regions import RegionTrack
from genomenet.errors import UserError
from genomenet.genome.importer import import_genome
from tests.annotation.annotated import gtf_line, named, read_annotation, row
from tests.genome.files import DEMO_FASTA, DEMO_GTF, write
from tests.oracles.regions import both_strands, class_sets, classes_of, count

LENGTH = 240


@pytest.fixture
def genome(make_store):
    letters = "".join(np.random.default_rng(3).choice(list("ACGTacgt"), LENGTH))
    return make_store({"c": letters, "d": letters[:50]})


@pytest.fixture
def annotate(genome, tmp_path):
    """Write rows as GTF and make a track: `annotate(rows, layers=...)`."""

    def make(rows, **options):
        number = len(list(tmp_path.iterdir()))
        gtf = write(tmp_path / f"a{number}.gtf", "".join(map(gtf_line, rows)))
        return write_regions(genome, gtf, tmp_path / f"a{number}.regions", **options)

    return make


@st.composite
def genes(draw):
    """One to four genes that may overlap, of one to three transcripts with frames."""
    rows = []
    for gene in range(draw(st.integers(1, 4))):
        strand = draw(st.sampled_from("+-"))
        kind = draw(st.sampled_from(["protein_coding", "protein_coding", "pseudogene"]))
        about = {"gene": f"g{gene}", "type_": kind}
        own = []
        for transcript in range(draw(st.integers(1, 3))):
            cuts = draw(
                st.lists(st.integers(0, LENGTH), min_size=2, max_size=8, unique=True).map(sorted)
            )
            exons = list(zip(cuts[::2], cuts[1::2], strict=False))
            name = {**about, "transcript": f"t{gene}.{transcript}"}
            own += [row("exon", a, b, strand, **name) for a, b in exons]
            if draw(st.booleans()):
                left, right = sorted(draw(st.tuples(*[st.integers(0, LENGTH)] * 2)))
                coding = [(max(a, left), min(b, right)) for a, b in exons]
                own += [
                    row("CDS", a, b, strand, frame=draw(st.integers(0, 2)), **name)
                    for a, b in coding
                    if a < b
                ]
            own.append(row("transcript", cuts[0], exons[-1][1], strand, **name))
        places = [one.interval for one in own]
        extent = min(p.start for p in places), max(p.end for p in places)
        rows += [row("gene", *extent, strand, **about), *own]
    return rows


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(genes(), st.integers(0, 30), st.integers(0, 30))
def test_every_base_has_the_class_of_the_oracle(annotate, rows, upstream, downstream):
    track = annotate(rows, upstream_bp=upstream, downstream_bp=downstream)
    wanted = classes_of(class_sets(rows, LENGTH, upstream, downstream), LENGTH)
    found = named(track, "c", LENGTH)
    assert found == wanted
    assert named(track, "d", 50) == [("intergenic", set())] * 50
    for name in CLASSES:
        bases = sum(one == name for one, _ in wanted) + 50 * (name == "intergenic")
        assert track.table["counts"][name]["bases"] == bases
        both = sum(one == name and len(strands) == 2 for one, strands in wanted)
        assert track.table["counts"][name]["both"] == both


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    genome = import_genome([DEMO_FASTA], folder / "demo")
    return genome, write_regions(genome, DEMO_GTF, folder / "demo.regions")


def test_the_demo_counts_as_sets_do(demo):
    genome, track = demo
    contig = genome.contigs[0]
    sets = class_sets(read_annotation(DEMO_GTF, KINDS), contig.length_bp)
    counts = track.table["counts"]
    mask = genome.read_mask(contig.name, 0, contig.length_bp)
    repeats = int.from_bytes(mask.tobytes(), "little")
    done = 0
    for oracle, classes in (
        ("splice_donor", ["splice_donor"]),
        ("splice_acceptor", ["splice_acceptor"]),
        ("coding", ["coding", "coding_1", "coding_2", "coding_3"]),
        ("any_utr", ["utr", "utr_3", "utr_5"]),
        ("noncoding_exon", ["noncoding_exon"]),
        ("promoter", ["promoter"]),
        ("intron", ["intron"]),
    ):
        own = both_strands(sets, oracle) & ~done
        assert sum(counts[name]["bases"] for name in classes) == count(own), oracle
        assert sum(counts[name]["repeat"] for name in classes) == count(own & repeats), oracle
        both = sets[oracle, "+"] & sets[oracle, "-"] & ~done
        assert sum(counts[name]["both"] for name in classes) == count(both), oracle
        done |= own
    assert counts["intergenic"]["bases"] == contig.length_bp - count(done)
    assert sum(counts[name]["bases"] for name in CLASSES) == contig.length_bp
    assert sum(counts[name]["repeat"] for name in CLASSES) == mask.sum()


def test_codon_positions_of_the_demo(demo):
    genome, track = demo
    contig = genome.contigs[0].name
    places = ["coding_1", "coding_2", "coding_3"]
    told = alike = 0
    for kind, words in (("start_codon", {"ATG"}), ("stop_codon", {"TAA", "TAG", "TGA"})):
        codons = {one for one in read_annotation(DEMO_GTF, [kind]) if one.interval.length_bp == 3}
        for one in codons:
            start, end = one.interval.start, one.interval.end
            letters = ["ACGT"[code] for code in genome.read(contig, start, end)]
            names = [track.classes[code] for code in track.read(contig, start, end)]
            if one.strand == "-":
                letters = ["TGCA"["ACGT".index(letter)] for letter in reversed(letters)]
                names = names[::-1]
            if all(name in places for name in names):
                told += 1
                alike += names == places
                by_place = dict(zip(names, letters, strict=True))
                if names == places:
                    assert "".join(by_place[place] for place in places) in words
    assert told > 150
    assert alike > 0.98 * told
    # Nor is there a stop codon in frame: chance would give 3 of 64.
    codes = track.read(contig, 0, 4_000_000)
    plus = track.read_strand(contig, 0, 4_000_000) == 1
    first = track.classes.index("coding_1")
    whole = plus[:-2] & plus[2:]
    for i in range(3):
        whole &= codes[i : codes.size - 2 + i] == first + i
    bases = genome.read(contig, 0, 4_000_000)
    words = [bases[i : bases.size - 2 + i][whole].astype(int) for i in range(3)]
    stops = np.isin(16 * words[0] + 4 * words[1] + words[2], [48, 50, 56])  # TAA, TAG, TGA
    assert whole.sum() > 10_000
    assert stops.mean() < 0.01


def test_controls_of_the_demo(demo):
    _, track = demo
    sites, alike = track.table["controls"]["sites"], track.table["controls"]["alike"]
    assert alike["start_codons_ATG"] == sites["start_codons_ATG"] > 100
    assert alike["donors_GT"] > 0.97 * sites["donors_GT"] > 500
    assert alike["acceptors_AG"] > 0.99 * sites["acceptors_AG"] > 500
    assert "100.0% of 123 start codons read ATG" in track.table["notes"]


def test_annotation_of_another_assembly_is_refused(demo, tmp_path):
    genome, _ = demo
    with gzip.open(DEMO_GTF, "rt") as handle:
        rows = [line.split("\t") for line in handle]
    for columns in rows:
        columns[3:5] = [str(int(column) + 1_000) for column in columns[3:5]]
    gtf = write(tmp_path / "moved.gtf", "".join("\t".join(columns) for columns in rows))
    with pytest.raises(UserError, match=r"only \d+ of 123 start codons of .*another assembly"):
        write_regions(genome, gtf, tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


GENE = [row("gene", 50, 150), row("exon", 50, 150)]


def test_repeats_are_the_soft_mask_or_a_bed_file(annotate, genome, tmp_path):
    track = annotate(GENE)
    for contig, length in (("c", LENGTH), ("d", 50)):
        mask = genome.read_mask(contig, 0, length)
        assert track.read_repeat(contig, 0, length).tolist() == mask.tolist()
    bed = write(tmp_path / "r.bed", "c\t5\t9\nc\t7\t12\nc\t200\t240\nd\t0\t1\n")
    track = annotate(GENE, repeats=bed)
    assert np.flatnonzero(track.read_repeat("c", 0, LENGTH)).tolist() == [
        *range(5, 12),
        *range(200, 240),
    ]
    assert track.read_repeat("d", 0, 50).sum() == 1
    assert track.table["sources"]["repeats"]["file"] == "r.bed"
    assert named(track, "c", LENGTH) == named(annotate(GENE), "c", LENGTH)


def test_layers_lie_on_top_the_last_one_highest(annotate, tmp_path):
    one = write(tmp_path / "one.bed", "c\t40\t60\tx\t0\t-\nc\t10\t20\n")
    two = write(tmp_path / "two.bed", "c\t55\t70\tx\t0\t+\nc\t65\t80\tx\t0\t-\n")
    track = annotate(GENE, layers={"one": one, "two": two})
    assert track.classes == (*CLASSES, "one", "two")
    found = named(track, "c", LENGTH)
    assert found[15] == ("one", set())
    assert found[40:55] == [("one", {"-"})] * 15
    assert found[55:65] == [("two", {"+"})] * 10
    assert found[65:70] == [("two", {"+", "-"})] * 5
    assert found[70:80] == [("two", {"-"})] * 10
    assert found[80] == ("noncoding_exon", {"+"})
    turned = named(annotate(GENE, layers={"two": two, "one": one}), "c", LENGTH)
    assert turned[55:60] == [("one", {"-"})] * 5


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["2x"], "a layer can't be called '2x'"),
        (["a b"], "a layer can't be called 'a b'"),
        (["intron"], "there is a class 'intron' already"),
        ([f"l{i}" for i in range(20)], "20 layers are too many: a byte has room for 19"),
    ],
)
def test_layers_that_do_not_work(names, said):
    with pytest.raises(UserError, match=said):
        with_layers(names)
    assert len(with_layers([f"l{i}" for i in range(19)])) == 32


def test_contigs_by_other_names_and_rows_that_fit_nowhere(annotate, tmp_path):
    rows = [
        *(one._replace(interval=one.interval.__class__("other", 50, 150)) for one in GENE),
        row("gene", 0, LENGTH + 1, gene="too long"),
        row("gene", 0, 5, contig="nowhere"),
        row("gene", 0, 5, contig="nowhere"),
    ]
    with pytest.raises(UserError, match="says nothing of the genome"):
        annotate(rows)
    aliases = write(tmp_path / "aliases.tsv", "c\tother\n")
    track = annotate(rows, aliases=aliases)
    assert named(track, "c", LENGTH)[50:150] == [("noncoding_exon", {"+"})] * 100
    (file,) = track.table["left_out"].values()
    assert file == {"contigs the genome lacks": 2, "beyond the contig's end": 1}
    assert [note.split(": ")[-1] for note in track.table["notes"]] == list(file)


def test_a_folder_is_used_again_only_for_the_same(annotate, genome, tmp_path):
    gtf = write(tmp_path / "g.gtf", "".join(map(gtf_line, GENE)))
    bed = write(tmp_path / "l.bed", "c\t1\t2\n")
    out, options = tmp_path / "out", {"layers": {"a": bed, "b": bed}}
    first = write_regions(genome, gtf, out, **options)
    before = (out / "regions.u8").stat().st_mtime_ns
    again = write_regions(genome, gtf, out, **options)
    assert again.digest == first.digest
    assert (out / "regions.u8").stat().st_mtime_ns == before
    for other in ({}, {"layers": {"b": bed, "a": bed}}, {**options, "upstream_bp": 7}):
        with pytest.raises(UserError, match="already holds regions made otherwise"):
            write_regions(genome, gtf, out, **other)
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "x").write_text("x")
    with pytest.raises(UserError, match="already exists and can't be used"):
        write_regions(genome, gtf, tmp_path / "busy")


def test_an_interrupted_track_leaves_nothing(genome, tmp_path):
    gtf = write(tmp_path / "g.gtf", "".join(map(gtf_line, GENE)))

    def stop(bases):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_regions(genome, gtf, tmp_path / "out", progress=stop)
    assert not list(tmp_path.glob("*out*"))


def test_what_the_table_records(annotate, genome):
    track = annotate(GENE, command="genomenet annotate x")
    table = json.loads((track.path / "regions.json").read_text())
    assert table["genome_digest"] == genome.digest
    assert table["contigs"] == [asdict(contig) for contig in genome.contigs]
    assert table["command"] == "genomenet annotate x"
    assert table["sources"]["promoter_upstream_bp"] == 1000
    assert len(table["sources"]["annotation"]["sha256"]) == 64
    assert table["counts"]["noncoding_exon"]["+"] == 100
    assert RegionTrack(track.path, genome).digest == table["digest"]


def test_negative_promoters(annotate):
    with pytest.raises(UserError, match="give 0 or more"):
        annotate(GENE, upstream_bp=-1)

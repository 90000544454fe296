"""Variants: what files give, exact signs, nothing upstream, and oracles by looping."""

import gzip
from collections import Counter
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch

from genomenet.cli.main import main
from genomenet.errors import UserError
from genomenet.evaluation.edits.edit import Edit, allele_edit, check_sentences, score_edits
from genomenet.evaluation.edits.variants import BATCH, Scorer, score_variants
from genomenet.evaluation.edits.variants_file import Variant, VariantColumns, read_variants
from genomenet.evaluation.sequences import score_sequences
from genomenet.genome.alphabet import decode, encode, reverse_complement
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import open_genome
from genomenet.models.nats import Scores
from tests.evaluation.subjects import tiny_subject

RNG = np.random.default_rng(2)
LETTERS = "".join("ACGT"[i] for i in np.random.default_rng(7).integers(4, size=600))
KINDS = (
    "transformer", "windowed transformer", "mamba2", "hnet transformer", "hnet two stages",
    "fixed grid", "spacebyte", "blt fixed", "blt learned", "markov", "soft mask, n",
)  # fmt: skip


def genome_of(folder, letters: str, name: str = "g.fa"):
    path = folder / name
    path.write_text(f">chr1\n{letters}\n")
    assert main(["import", str(path), "--out", str(folder / name[:-3])]) == 0
    return open_genome(folder / name[:-3])


@pytest.fixture
def genome(tmp_path):
    return genome_of(tmp_path, LETTERS)


def read(path, genome, skipped=None, columns=None, skip=False):
    names = ContigNames(genome.contigs)
    found = Counter() if skipped is None else skipped
    return list(read_variants(path, genome, names, columns or VariantColumns(), found, skip))


def other(base: str) -> str:
    return "ACGT"["ACGT".index(base) - 1]


def snvs(places) -> list[Variant]:
    return [Variant("chr1", i, LETTERS[i], other(LETTERS[i])) for i in places]


@pytest.mark.parametrize("packed", [False, True])
def test_vcf(tmp_path, genome, packed):
    a, b = LETTERS[9], LETTERS[19]
    rows = [
        ("1", 10, "rs1", a, f"{other(a)},{a}T"), ("chr1", 20, ".", b, "<DEL>"),
        ("1", 20, ".", b, "*"), ("1", 20, ".", b, f"{b}[chr1:5["), ("1", 20, ".", b, "N"),
    ]  # fmt: skip
    text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    for row in rows:
        text += "\t".join(map(str, row)) + "\t.\t.\tSIG=Pathogenic;X\n"
    path = tmp_path / ("v.vcf.gz" if packed else "v.vcf")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    skipped = Counter()
    found = read(path, genome, skipped, VariantColumns(label="SIG"))
    assert [(one.start, one.alt, one.label, one.line) for one in found] == [
        (9, other(a), 1, 3), (9, f"{a}T", 1, 3),
    ]  # fmt: skip
    for reason in ("symbolic allele", "breakend", "letters other than A, C, G, T"):
        assert skipped[reason] == 1
    assert skipped["allele deleted by another variant"] == 1


def test_tables_and_errors(tmp_path, genome):
    a = LETTERS[9]
    path = tmp_path / "v.csv"
    for heading, place in (("pos1", 10), ("start", 9)):
        path.write_text(f"chrom,{heading},ref,alt,label\n1,{place},{a},{other(a)},benign\n")
        assert read(path, genome) == [Variant("chr1", 9, a, other(a), label=0, line=2)]
    path.write_text(f"chrom,pos,ref,alt\n1,10,{other(a)},{a}\n")
    with pytest.raises(UserError, match=r"v\.csv: line 2: the reference allele is"):
        read(path, genome)
    skipped = Counter()
    assert read(path, genome, skipped, skip=True) == []
    assert skipped["reference allele differs from the genome"] == 1
    for row, says in (("2,10,A,C", "no contig"), ("1,x,A,C", "no position"), ("1,601,A,C", "ends")):
        path.write_text(f"chrom,pos,ref,alt\n{row}\n")
        with pytest.raises(UserError, match=f"line 2.*{says}"):
            read(path, genome)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_upstream_signs_flip_and_an_oracle(tmp_path, genome, kind):
    subject = tiny_subject(kind)
    alleles = [(300, 1, "G"), (301, 1, "T"), (200, 4, "A"), (3, 1, "GATTACA"), (598, 2, "C")]
    edits, swapped = [], []
    for start, width, alt in alleles:
        ref = LETTERS[start : start + width]
        alt = other(ref) if alt == ref else alt
        edit = allele_edit(genome, "chr1", 600, start, ref, alt, 64)
        edits += [edit, allele_edit(genome, "chr1", 600, start, ref, alt, 64, reverse=True)]
        turned = genome_of(
            tmp_path, LETTERS[:start] + alt + LETTERS[start + width :], f"s{start}.fa"
        )
        for reverse in (False, True):
            swapped.append(
                allele_edit(turned, "chr1", turned.length_bp, start, alt, ref, 64, reverse=reverse)
            )
    found, flipped = score_edits(subject, edits), score_edits(subject, swapped)
    assert np.array_equal(found.delta, -flipped.delta)
    assert np.all(found.delta != 0)
    for edit, delta in zip(edits, found.delta, strict=True):
        totals = [
            score_sequences(subject, [codes], [mask])[0].nats.sum()
            for codes, mask in ((edit.before, edit.before_mask), (edit.after, edit.after_mask))
        ]
        assert delta == pytest.approx(totals[0] - totals[1], abs=1e-9)
    assert found.check < 1e-9


def test_streams_and_writes_as_it_goes(genome, tmp_path):
    drawn, seen = count(), []

    def stream():
        for one in snvs(range(100, 100 + 3 * BATCH)):
            next(drawn)
            yield one

    subject = tiny_subject("transformer")
    scorer = Scorer(genome, (subject,))
    with (tmp_path / "o.tsv").open("w") as out:
        scores = score_variants(
            stream(), scorer, out, lambda n: seen.append(int(repr(drawn)[6:-1]))
        )
    assert seen == [BATCH, 2 * BATCH, 3 * BATCH]
    rows = [line.split("\t") for line in (tmp_path / "o.tsv").read_text().splitlines()]
    assert [float(row[8]) for row in rows[1:]] == scores.both(subject.name).tolist()
    assert len({len(row) for row in rows}) == 1


def test_upstream_of_an_edit_is_the_shared_beginning():
    mask = np.zeros(4, dtype=bool)
    assert Edit(encode("ACGT"), encode("ACTT"), mask, mask).upstream == 2
    assert Edit(encode("ACGT"), encode("ACG"), mask, mask[:3]).upstream == 3


class Seer(torch.nn.Module):
    """Says of every base how many of its window are A, those to come included."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def score(self, tokens_BL, targets_BL, valid_BL, *, masked_BL=None, scores_BL=None):
        count_B1 = (targets_BL == 0).sum(1, keepdim=True).double()
        return Scores((targets_BL >= 0) * count_B1, [])


def test_what_lies_in_front_of_an_edit_counts_for_models_that_read_ahead_only():
    mask = np.zeros(8, dtype=bool)
    edit = Edit(encode("ACGTAAAA"), encode("ACGTCAAA"), mask, mask)
    subject = replace(tiny_subject("mamba2"), model=Seer())
    found = score_edits(subject, [edit])
    assert found.delta.tolist() == [4 * (5 - 4)]  # the base itself and the three behind it
    assert found.check == 1
    assert "where sums don't reach" in check_sentences("it", {"mamba2": 1.0}, [subject])[0]
    reads_ahead = replace(subject, causal=False)
    assert score_edits(reads_ahead, [edit]).delta.tolist() == [8 * (5 - 4)]
    assert "which counts" in check_sentences("it", {"mamba2": 1.0}, [reads_ahead])[0]
    assert "no likelihood" in check_sentences("it", {"mamba2": 0.0}, [subject])[0]


class Whole:
    """A model that nobody knows to be able to go on from a state."""

    def __init__(self, model):
        self.score, self.parameters = model.score, model.parameters


@pytest.mark.parametrize("kind", [*KINDS, "entropy", "blt n-grams"])
def test_shared_prefixes_change_no_score(genome, monkeypatch, kind):
    """SNVs with three alleles, insertions and deletions, on both strands."""
    masked = RNG.random(600) < 0.3
    monkeypatch.setattr(type(genome), "read_mask", lambda self, _, first, last: masked[first:last])
    alleles = [(300, LETTERS[300], alt) for alt in set("ACGT") - {LETTERS[300]}]
    alleles += [(300, LETTERS[300], LETTERS[300] + "GAT"), (300, LETTERS[300], "TTTTC")]
    alleles += [(2, LETTERS[2], other(LETTERS[2])), (200, LETTERS[200:207], LETTERS[200])]
    alleles += [(590, LETTERS[590:], LETTERS[590])]
    edits = [
        allele_edit(genome, "chr1", 600, *one, length, reverse=reverse)
        for one in alleles
        for length, reverse in ((64, False), (80, True))
    ]
    subject = tiny_subject(kind, batch_size=2, length_bp=100)
    assert subject.resumes
    told, whole = [], replace(subject, model=Whole(subject.model))
    assert not whole.resumes
    found, expected = score_edits(subject, edits, told.append), score_edits(whole, edits)
    assert np.allclose(found.delta, expected.delta, rtol=0, atol=1e-9)
    assert np.abs(found.delta).min() > 1e-6
    assert found.check < 1e-9
    sequences = [(e.before, e.before_mask) for e in edits] + [
        (e.after, e.after_mask) for e in edits
    ]
    assert sum(told) == len({(codes.tobytes(), mask.tobytes()) for codes, mask in sequences})


def test_what_alleles_share_is_read_once(monkeypatch):
    subject = tiny_subject("hnet transformer", batch_size=8)
    read, positions = type(subject.model).read, []

    def spy(self, tokens_BL, state, valid_BL, **sides):
        positions.append(int(valid_BL.sum()))
        return read(self, tokens_BL, state, valid_BL, **sides)

    monkeypatch.setattr(type(subject.model), "read", spy)
    codes = encode(LETTERS[:64])
    mask = np.zeros(64, dtype=bool)
    edits = []
    for base in {0, 1, 2, 3} - {int(codes[40])}:
        after = codes.copy()
        after[40] = base
        edits.append(Edit(codes, after, mask, mask))
    score_edits(subject, edits)
    # The start and 40 bases; then for four alleles 23 bases, for the last one is not read.
    assert positions == [41, 4 * 23]


def test_a_mask_that_differs_in_front_of_an_edit_is_not_shared():
    codes, other = encode("ACGTACGT"), encode("ACGTACTT")
    mask, begins = np.zeros(8, dtype=bool), np.arange(8) > 2
    edit = Edit(codes, other, mask, begins)
    assert (edit.upstream, edit.shared) == (6, 3)
    subject = tiny_subject("soft mask, n")
    whole = replace(subject, model=Whole(subject.model))
    assert score_edits(subject, [edit]).delta == pytest.approx(score_edits(whole, [edit]).delta)


def test_a_model_that_goes_on_wrongly_is_found(monkeypatch):
    subject = tiny_subject("mamba2")
    read = type(subject.model).read

    def forgetful(self, tokens_BL, state, valid_BL, **sides):
        return read(self, tokens_BL, self.new_state(len(tokens_BL), "cpu"), valid_BL, **sides)

    monkeypatch.setattr(type(subject.model), "read", forgetful)
    mask = np.zeros(64, dtype=bool)
    codes = encode(LETTERS[:64])
    after = codes.copy()
    after[20] = 3 - after[20]
    found = score_edits(subject, [Edit(codes, after, mask, mask)])
    assert found.check > 1e-3
    said = check_sentences("a variant", {"mamba2": found.check}, [subject])[0]
    assert "once for all alleles" in said


@pytest.mark.parametrize("kind", ["mamba2", "hnet two stages", "soft mask, n"])
def test_both_strands_are_those_of_the_reverse_complemented_genome(tmp_path, kind):
    letters = LETTERS[:250] + LETTERS[250:420].lower() + LETTERS[420:]
    turned = letters[::-1].translate(str.maketrans("ACGTacgt", "TGCAtgca"))
    genome, mirror = genome_of(tmp_path, letters), genome_of(tmp_path, turned, "m.fa")
    here = [*snvs([3, 300, 590]), Variant("chr1", 249, LETTERS[249:251], "T")]
    here.append(Variant("chr1", 400, LETTERS[400], LETTERS[400] + "GG"))

    def flipped(bases: str) -> str:
        return decode(reverse_complement(encode(bases)))

    there = [Variant("chr1", 600 - v.end, flipped(v.ref), flipped(v.alt)) for v in here]
    subject = tiny_subject(kind)
    for placement in (0.5, 0.8):
        one = score_variants(here, Scorer(genome, (subject,), placement=placement))
        two = score_variants(there, Scorer(mirror, (subject,), placement=placement))
        name = subject.name
        assert np.allclose(one.forward[name], two.reverse[name], rtol=0, atol=1e-12)
        assert np.allclose(one.reverse[name], two.forward[name], rtol=0, atol=1e-12)
        assert not np.allclose(one.forward[name], one.reverse[name])


def test_batches_and_neighbours_change_nothing(genome):
    variants = [*snvs(range(50, 60)), Variant("chr1", 70, LETTERS[70:75], "A")]
    scores = [
        score_variants(variants, Scorer(genome, (tiny_subject("hnet transformer", batch_size=n),)))
        for n in (1, 7)
    ]
    assert np.allclose(*(one.both("hnet transformer") for one in scores), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("likely benign", 0), ("Pathogenic/Likely_pathogenic", 1), ("benign;likely benign", 0),
        ("Pathogenic|risk_factor", 1), ("pathogenic;uncertain significance", None),
        ("Conflicting_classifications_of_pathogenicity", None), ("1", 1), ("", None),
    ],
)  # fmt: skip
def test_labels(tmp_path, genome, text, label):
    path, skipped = tmp_path / "v.tsv", Counter()
    path.write_text(
        f"chrom\tpos\tref\talt\tsig\n1\t10\t{LETTERS[9]}\t{other(LETTERS[9])}\t{text}\n"
    )
    found = read(path, genome, skipped, VariantColumns(label="sig"))
    assert [one.label for one in found] == [label]
    assert skipped.total() == (label is None)


def test_unknown_contigs_can_be_left_out(tmp_path, genome):
    path, skipped = tmp_path / "v.csv", Counter()
    path.write_text(f"chrom,pos,ref,alt\n22,5,A,C\n1,10,{LETTERS[9]},{other(LETTERS[9])}\n")
    assert len(read(path, genome, skipped, skip=True)) == 1
    assert skipped["contig that the genome doesn't have"] == 1

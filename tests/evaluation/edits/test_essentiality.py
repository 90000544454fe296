"""Essentiality: the cassette in its place, genes by name, controls for length, numbers by hand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genomenet.errors import UserError
from genomenet.evaluation.edits.edit import score_edits
from genomenet.evaluation.edits.essentiality import (
    CASSETTE,
    EssentialityScores,
    knock_out,
    score_genes,
)
from genomenet.evaluation.edits.essentiality_findings import essentiality_findings
from genomenet.evaluation.edits.genes_file import Gene, read_genes
from genomenet.genome.alphabet import decode, encode, reverse_complement
from genomenet.genome.contig_names import ContigNames
from tests.evaluation.subjects import tiny_subject

LETTERS = "".join("ACGT"[i] for i in np.random.default_rng(7).integers(4, size=600))


@pytest.mark.parametrize("strand", ["+", "-"])
def test_the_cassette_stands_behind_the_start_codon(make_store, strand):
    genome = make_store({"chr1": LETTERS})
    gene = Gene("chr1", 240, 370, strand, 1, "o")
    made = knock_out(genome, gene, 600, 200, np.random.default_rng(0), Counter())
    read = encode(LETTERS) if strand == "+" else reverse_complement(encode(LETTERS))
    start = 240 if strand == "+" else 600 - 370
    after = read.copy()
    after[start + 15 : start + 30] = encode(CASSETTE)
    # The window is 205..405 on the forward strand.
    window = slice(205, 405) if strand == "+" else slice(195, 395)
    assert made.cassette.before.tolist() == read[window].tolist()
    assert made.cassette.after.tolist() == after[window].tolist()
    assert decode(made.control.after)[:50] == decode(made.control.before)[:50]
    assert made.gc == pytest.approx(np.isin(read[window], (1, 2)).mean())
    assert score_edits(tiny_subject("hnet transformer"), [made.cassette]).check < 1e-9


def test_genes_that_have_no_knock_out_are_counted(make_store):
    genome = make_store({"chr1": LETTERS})
    skipped: Counter[str] = Counter()
    genes = [Gene("chr1", 100, 120, "+", 1, "o"), Gene("chr1", 50, 550, "+", 0, "o")]
    genes.append(Gene("chr1", 200, 290, "-", 0, "o"))
    models = [tiny_subject("mamba2")]
    scores = score_genes(genome, genes, models, 128, skipped)
    assert scores.genes == genes[2:]
    assert skipped == {
        "genes too short for the cassette": 1,
        "genes whose start lies outside of the window": 1,
    }
    assert scores.cassette["mamba2"].shape == scores.control["mamba2"].shape == (1,)
    assert 0 <= scores.check["mamba2"] < 1e-9


def test_genes_by_place_and_by_name(tmp_path, make_store):
    genome = make_store({"chr1": LETTERS})
    names, skipped = ContigNames(genome.contigs), Counter()
    table = tmp_path / "g.tsv"
    table.write_text("contig\tstart\tend\tstrand\tlabel\n1\t9\t99\t-\t1\n")
    gene = Gene("chr1", 9, 99, "-", 1, "chr1")
    assert read_genes(table, names, "", skipped) == [gene]
    gff = tmp_path / "a.gff3"
    gff.write_text(
        "##gff-version 3\n"
        "1\tx\tCDS\t10\t99\t.\t-\t0\tID=a;gene=abcD\n"
        "1\tx\tCDS\t110\t150\t.\t+\t0\tID=b;gene=twoA\n"
        "1\tx\tCDS\t160\t190\t.\t+\t0\tID=c;gene=twoA\n"
    )
    table.write_text("gene,label,organism\nabcD,1,o\ntwoA,0,o\nnone,0,o\n")
    assert read_genes(table, names, str(gff), skipped) == [replace(gene, organism="o")]
    assert skipped == {
        "genes in more than one piece or place": 1, "genes not in the annotation": 1,
    }  # fmt: skip
    for text, says in (
        ("contig,start,end,strand,label\n1,99,9,+,1\n", "line 2 is no gene"),
        ("contig,start,end,strand,label\n1,9,99,+,2\n", "line 2: the label is '2'"),
        ("contig,start,end,strand,label\n1,9,99,+\n", "line 2: 4 columns"),
        ("contig,start,end,strand,label\n7,9,99,+,1\n", "line 2: .*no contig"),
        ("gene,label\nabcD,1\n", "no column contig.*--annotation"),
    ):
        table.write_text(text)
        with pytest.raises(UserError, match=says):
            read_genes(table, names, "", Counter())


def made_up(organisms: int, per: int, seed: int = 0):
    """Essential genes are long; a model knows length, and another one the labels."""
    generator = np.random.default_rng(seed)
    genes, length = [], generator.integers(100, 3000, size=organisms * per)
    label = (generator.random(length.size) < length / 4000).astype(int)
    for i in range(length.size):
        start = 10_000 * (i % per)
        genes.append(Gene("c", start, start + int(length[i]), "+", int(label[i]), f"o{i // per}"))
    noise = generator.random(length.size)
    told = {"length": length + noise, "knows": label + noise * 2}
    models = [(replace(tiny_subject("mamba2"), name=name), "model") for name in told]
    scores = EssentialityScores(
        genes, told, dict.fromkeys(told, noise), noise, dict.fromkeys(told, 0.0)
    )
    return scores, models, length, label


@pytest.mark.parametrize("organisms", [1, 6])
def test_gene_length_is_controlled_for(organisms):
    scores, models, length, label = made_up(organisms, 400)
    found = essentiality_findings(scores, models, {}, (), "", "", "")
    rows = {row[0]: row for row in found.table("essentiality").rows}
    organism = np.array([gene.organism for gene in scores.genes])
    for name, values in (("knows", scores.cassette["knows"]), ("gene length", length)):
        each = [
            roc_auc_score(label[organism == one], values[organism == one])
            for one in np.unique(organism)
        ]
        assert rows[name][2] == pytest.approx(np.mean(each))
        assert rows[name][-1] == pytest.approx(roc_auc_score(label, values))
    assert rows["gene length"][4] == 0.0
    assert rows["gene length"][5] == (0.0, 0.0)
    # A model that knows length alone is worth no more than length, and little at like length.
    assert abs(rows["length"][4]) < 0.01
    assert rows["length"][2] > 0.65
    assert rows["length"][6] < rows["length"][2] - 0.1
    assert rows["knows"][7][0] > 0.6
    assert rows["knows"][4] == pytest.approx(rows["knows"][2] - rows["gene length"][2])
    said = " ".join(found.sentences)
    assert "knows: macro AUROC" in said
    assert "above chance among genes of like length" in said


def test_one_label_alone_is_a_mistake():
    scores, models, *_ = made_up(1, 20)
    same = [replace(gene, label=1) for gene in scores.genes]
    with pytest.raises(UserError, match="no organism has essential and other genes"):
        essentiality_findings(replace(scores, genes=same), models, {}, (), "", "", "")

"""`genomenet essentiality`: score genes by a stop cassette, beside gene length and controls."""

from collections.abc import Sequence

from genomenet.cli.findings import add_output_options, tell_findings
from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import add_subject_options, open_subjects
from genomenet.errors import UserError


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "essentiality",
        "RUN... | STUDY --genes TABLE [--annotation FILE] [--genome FILE] [--json FILE]",
        "Score genes by how much less likely a stop cassette makes what follows it.",
    )
    add_subject_options(parser)
    parser.add_argument(
        "--genes",
        type=str,
        default="",
        help="CSV or TSV: contig, start (from 0), end, strand, label (1 essential), and organism "
        "if there are several; with --annotation, gene and label are enough.",
    )
    parser.add_argument(
        "--annotation",
        type=str,
        default="",
        help="GTF, GFF3, GenBank or EMBL: where the genes of these names are coded.",
    )
    parser.add_argument(
        "--genome", type=str, default="", help="Genome of the genes; the runs' if left out."
    )
    parser.add_argument(
        "--max_length",
        type=int,
        default=0,
        help="Window length in bases, 8192 in the literature; what models are trained on if 0.",
    )
    add_output_options(parser)
    parsed = parser.read(words)
    if not parsed.genes:
        raise UserError("--genes is missing; see --help")
    if parsed.max_length < 0:
        raise UserError(f"--max_length is {parsed.max_length}; give a number of bases")

    import shlex
    from collections import Counter
    from pathlib import Path

    from tqdm import tqdm

    from genomenet import __version__
    from genomenet.evaluation.edits.essentiality import CASSETTE, score_genes
    from genomenet.evaluation.edits.essentiality_findings import essentiality_findings
    from genomenet.evaluation.edits.genes_file import read_genes
    from genomenet.evaluation.held_out import open_held_out
    from genomenet.evaluation.subject import arm_twins
    from genomenet.training.record import now

    evaluated = open_subjects(parsed)
    place = open_held_out(
        evaluated.runs, evaluated.subjects, "test", parsed.genome, length_bp=parsed.max_length
    )
    if not place.genome.alphabet.complementable:
        raise UserError("these models read text, which has no genes; give models of DNA")
    skipped: Counter[str] = Counter()
    genes = read_genes(Path(parsed.genes), place.names, parsed.annotation, skipped)
    models = [(one, "model") for one in evaluated.subjects]
    models += [(one, "untrained") for one in arm_twins(evaluated.subjects)]
    with tqdm(total=len(genes), unit="gene", disable=parsed.quiet or None, leave=False) as bar:
        scores = score_genes(
            place.genome, genes, [one for one, _ in models], place.length_bp, skipped, bar.update
        )
    if not scores.genes:
        raise UserError(f"{parsed.genes} holds no gene that can be scored")
    notes = (
        f"Windows of {place.length_bp:,} bases are centred on the gene and read on its strand. "
        f"{len(CASSETTE)} bases, 12 behind the start codon, become {CASSETTE}; the score is the "
        "log-likelihood of the window without minus with it.",
        "Random bases: the same with as many random bases instead of stop codons.",
        *(f"left out, {reason}: {count:,}" for reason, count in sorted(skipped.items())),
        *(f"{one.name}: {one.note}" for one in evaluated.subjects if one.note),
    )
    inputs = {
        "genes": parsed.genes,
        "genome": place.genome.digest,
        "checkpoint": parsed.checkpoint,
        "window": f"{place.length_bp} bases",
    }
    inputs |= {"annotation": parsed.annotation} if parsed.annotation else {}
    findings = essentiality_findings(
        scores, models, inputs, notes, now(), shlex.join(["genomenet", "essentiality", *words]),
        __version__,
    )  # fmt: skip
    tell_findings(findings, parsed, evaluated.study)
    return 0

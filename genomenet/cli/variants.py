"""`genomenet variants`: zero-shot scores of variants, beside trivial ones."""

from collections.abc import Sequence

from genomenet.cli.findings import add_output_options, tell_findings
from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import add_subject_options, named_runs, open_subjects
from genomenet.errors import UserError


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "variants",
        "RUN...|STUDY --variants FILE [--genome FILE] [--annotation FILE] [--out FILE]",
        "Score variants by how much less likely they make the sequence, on both strands.",
    )
    add_subject_options(parser)
    parser.add_argument(
        "--variants", type=str, default="", help="VCF, or CSV or TSV with a header; may be gzip."
    )
    parser.add_argument(
        "--genome", type=str, default="", help="Genome of the variants; the runs' if left out."
    )
    parser.add_argument(
        "--aliases", type=str, default="", help="Table of other names of that genome's contigs."
    )
    parser.add_argument(
        "--label", type=str, default="", help="Column or INFO key: pathogenic (1) or benign (0)."
    )
    parser.add_argument(
        "--score", type=str, default="", help="Column or INFO key with a measured number."
    )
    parser.add_argument(
        "--group", type=str, default="", help="Column or INFO key with the consequence class."
    )
    parser.add_argument(
        "--annotation",
        type=str,
        default="",
        help="GTF, GFF3, GenBank or EMBL: classes, and the distance to exon ends.",
    )
    parser.add_argument(
        "--placement",
        type=float,
        default=0.5,
        help="Share of a window's flanks that lies to the left of the variant.",
    )
    parser.add_argument(
        "--max_length", type=int, default=0, help="Window length; what models are trained on if 0."
    )
    parser.add_argument(
        "--mismatches",
        choices=("error", "skip"),
        default="error",
        help="What to do with a reference allele that the genome doesn't have.",
    )
    parser.add_argument("--out", type=str, default="", help="TSV of all scores.")
    add_output_options(parser)
    parsed = parser.read(words)
    if not parsed.variants:
        raise UserError("--variants is missing; see --help")
    if not 0 <= parsed.placement <= 1:
        raise UserError(f"--placement is {parsed.placement}; give a share between 0 and 1")
    if parsed.aliases and not parsed.genome:
        raise UserError("--aliases is for another genome; name that one with --genome")
    named_runs(parsed)

    import shlex
    from collections import Counter
    from contextlib import nullcontext

    from tqdm import tqdm

    from genomenet import __version__
    from genomenet.evaluation.run import held_out_intervals
    from genomenet.evaluation.subject import untrained_twin
    from genomenet.evaluation.variant_controls import ExonEnds, context_model
    from genomenet.evaluation.variant_findings import variant_findings
    from genomenet.evaluation.variants import BLOCK_BP, Scorer, score_variants
    from genomenet.evaluation.variants_file import VariantColumns, read_variants
    from genomenet.files import whole_file
    from genomenet.genome.contig_names import ContigNames
    from genomenet.training.inputs import contig_names
    from genomenet.training.record import now, read_record

    evaluated = open_subjects(parsed)
    run = evaluated.runs[0]
    genome, _ = held_out_intervals(run, "test", parsed.genome, "", "", parsed.aliases)
    if not genome.alphabet.complementable:
        raise UserError(f"{run} was trained on text, which has no variants; give runs on DNA")
    if parsed.genome:
        names = ContigNames(genome.contigs, parsed.genome, parsed.aliases)
    else:
        names = contig_names(genome, read_record(run)[0].data)
    ends = ExonEnds(parsed.annotation, names) if parsed.annotation else None
    twins = [untrained_twin(one) for one in evaluated.runs]
    scorer = Scorer(
        genome, evaluated.subjects, twins, context_model(genome), ends,
        parsed.max_length, parsed.placement,
    )  # fmt: skip
    skipped: Counter[str] = Counter()
    stream = read_variants(
        parsed.variants,
        genome,
        names,
        VariantColumns(parsed.label, parsed.score, parsed.group),
        skipped,
        parsed.mismatches == "skip",
    )
    with (
        whole_file(parsed.out) if parsed.out else nullcontext() as out,
        tqdm(unit="variant", disable=parsed.quiet or None, leave=False) as bar,
    ):
        scores = score_variants(stream, scorer, out, bar.update)
        if not scores.label:
            raise UserError(f"{parsed.variants} holds no variant that can be scored")
    notes = (
        "Log-likelihood of the alternative minus the reference, summed from the first base that "
        "differs to the window's end, as the mean of both strands. Windows have "
        f"{parsed.max_length or 'the training length in'} bases and stop at contig ends; "
        f"{parsed.placement:.0%} of the flanks lie to the left.",
        f"Intervals resample stretches of {BLOCK_BP:,} bp, since neighbours share their context. "
        "The k-mer score counts words of both strands of the genome's first 10 Mb, the "
        "variants' own places among them.",
        "Variants in the training split were seen with their reference allele.",
        *(f"{reason}: {count:,}" for reason, count in sorted(skipped.items())),
    )
    findings = variant_findings(
        scores,
        [one.name for one in evaluated.subjects],
        [one.name for one in twins],
        {"variants": parsed.variants, "genome": genome.digest, "checkpoint": parsed.checkpoint},
        notes,
        now(),
        shlex.join(["genomenet", "variants", *words]),
        __version__,
    )
    tell_findings(findings, parsed, evaluated.study)
    return 0

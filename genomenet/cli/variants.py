"""`genomenet variants`: zero-shot scores of variants, beside trivial ones."""

from collections.abc import Sequence

from genomenet.cli.findings import add_output_options, tell_findings
from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import add_subject_options, open_subjects
from genomenet.errors import UserError


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "variants",
        "RUN... | STUDY --variants FILE [--genome FILE] [--regions FOLDER] [--out FILE]",
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
        help="GTF, GFF3, GenBank or EMBL: for the distance to splice sites.",
    )
    parser.add_argument(
        "--regions",
        "--tracks",
        type=str,
        default="",
        help="Folder made by `genomenet annotate`: the classes of bases, where --group names no "
        "other; the first run's own data.regions if left out.",
    )
    parser.add_argument(
        "--placement",
        type=float,
        default=0.5,
        help="Share of a window's flanks that is read before the variant, on either strand.",
    )
    parser.add_argument(
        "--max_length", type=int, default=0, help="Window length; what models are trained on if 0."
    )
    parser.add_argument(
        "--mismatches",
        choices=("error", "skip"),
        default="error",
        help="What to do with a contig or a reference allele that the genome doesn't have.",
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
    if parsed.max_length < 0:
        raise UserError(f"--max_length is {parsed.max_length}; give a number of bases")

    import shlex
    from collections import Counter
    from contextlib import nullcontext
    from functools import partial

    from tqdm import tqdm

    from genomenet import __version__
    from genomenet.evaluation.edits.variant_controls import (
        SpliceSites,
        context_control,
        training_control,
    )
    from genomenet.evaluation.edits.variant_findings import variant_findings
    from genomenet.evaluation.edits.variants import BLOCK_BP, Scorer, score_variants
    from genomenet.evaluation.edits.variants_file import VariantColumns, read_variants
    from genomenet.evaluation.held_out import open_held_out
    from genomenet.evaluation.subject import arm_twins
    from genomenet.files import whole_file
    from genomenet.training.record import now

    evaluated = open_subjects(parsed)
    place = open_held_out(
        evaluated.runs, evaluated.subjects, "test", parsed.genome, aliases=parsed.aliases,
        regions_path=parsed.regions, length_bp=parsed.max_length,
    )  # fmt: skip
    genome = place.genome
    if not genome.alphabet.complementable:
        raise UserError("these models read text, which has no variants; give models of DNA")
    sites = SpliceSites(parsed.annotation, place.names) if parsed.annotation else None
    columns = VariantColumns(parsed.label, parsed.score, parsed.group)
    read = partial(
        read_variants, parsed.variants, genome, place.names, columns,
        skip_misfits=parsed.mismatches == "skip",
    )  # fmt: skip
    own = training_control(evaluated.runs[0], genome) if evaluated.runs else None
    if own is not None:
        training, markov = own
        counted = "the first run's training split"
    else:
        training = ()
        markov, counted = context_control(genome, read(skipped=Counter()), place.length_bp)
    models = [(one, "model") for one in evaluated.subjects]
    models += [(one, "untrained") for one in arm_twins(evaluated.subjects)]
    models.append((markov, "Markov"))
    scorer = Scorer(
        genome, tuple(one for one, _ in models), sites, place.regions, training,
        place.length_bp, parsed.placement,
    )  # fmt: skip
    skipped: Counter[str] = Counter()
    with (
        whole_file(parsed.out) if parsed.out else nullcontext() as out,
        tqdm(unit="variant", disable=parsed.quiet or None, leave=False) as bar,
    ):
        scores = score_variants(read(skipped=skipped), scorer, out, bar.update)
        if not scores.label:
            raise UserError(f"{parsed.variants} holds no variant that can be scored")
    inside = int(sum(scores.trained))
    notes = (
        "Log-likelihood of the window with the alternative minus with the reference, as the mean "
        f"of both strands. Windows of {place.length_bp:,} bases hold the longer allele and stop at "
        f"contig ends; {parsed.placement:.0%} of the flanks are read before the variant, on either "
        "strand.",
        f"Intervals resample stretches of {BLOCK_BP:,} bp, since neighbours share their context.",
        f"{markov.name} counts words of both strands of {counted}.",
        f"{inside:,} of {len(scores.label):,} variants lie in the first run's training split, "
        "where its model saw the reference allele."
        if own
        else "The genome is not the one that the first run was trained on; whether models saw "
        "these places is not known.",
        *(f"{reason}: {count:,}" for reason, count in sorted(skipped.items())),
        *(f"{one.name}: {one.note}" for one in evaluated.subjects if one.note),
    )
    inputs = {
        "variants": parsed.variants,
        "genome": genome.digest,
        "checkpoint": parsed.checkpoint,
        "window": f"{place.length_bp} bases",
        "placement": f"{parsed.placement:g}",
    }
    inputs |= {"regions": place.regions.digest} if place.regions else {}
    inputs |= {"annotation": parsed.annotation} if parsed.annotation else {}
    findings = variant_findings(
        scores, models, inputs, notes, now(), shlex.join(["genomenet", "variants", *words]),
        __version__,
    )  # fmt: skip
    tell_findings(findings, parsed, evaluated.study)
    return 0

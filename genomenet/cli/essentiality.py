"""`genomenet essentiality`: score genes by a stop cassette, beside gene length and controls."""

from collections.abc import Sequence

from genomenet.cli.findings import add_output_options, tell_findings
from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import add_subject_options, named_runs, open_subjects
from genomenet.errors import UserError

BATCH = 32


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "essentiality",
        "RUN...|STUDY --genes TABLE [--genome FILE] [--json FILE]",
        "Score genes by how much less likely a stop cassette makes what follows it.",
    )
    add_subject_options(parser)
    parser.add_argument(
        "--genes",
        type=str,
        default="",
        help="CSV or TSV: contig, start (from 0), end, strand, label (1 essential), organism.",
    )
    parser.add_argument(
        "--genome", type=str, default="", help="Genome of the genes; the runs' if left out."
    )
    parser.add_argument(
        "--max_length", type=int, default=0, help="Window length; what models are trained on if 0."
    )
    add_output_options(parser)
    parsed = parser.read(words)
    if not parsed.genes:
        raise UserError("--genes is missing; see --help")
    named_runs(parsed)

    import shlex
    from collections import Counter
    from pathlib import Path

    import numpy as np
    from tqdm import tqdm

    from genomenet import __version__
    from genomenet.evaluation.edits import score_edits
    from genomenet.evaluation.essentiality import (
        cassette_edits,
        essentiality_findings,
        read_genes,
    )
    from genomenet.evaluation.run import held_out_intervals
    from genomenet.evaluation.subject import untrained_twin
    from genomenet.genome.contig_names import ContigNames
    from genomenet.training.record import now

    evaluated = open_subjects(parsed)
    genome, _ = held_out_intervals(evaluated.runs[0], "test", parsed.genome, "", "", "")
    if not genome.alphabet.complementable:
        raise UserError(f"{evaluated.runs[0]} was trained on text, which has no genes")
    names = ContigNames(genome.contigs, parsed.genome or "the genome")
    genes = list(read_genes(Path(parsed.genes), names))
    twins = [untrained_twin(run) for run in evaluated.runs]
    models = [*evaluated.subjects, *twins]
    lengths = {parsed.max_length or model.length_bp for model in models}
    if len(lengths) > 1:
        raise UserError("the models have windows of different lengths; name one with --max_length")
    length_bp = lengths.pop()
    skipped: Counter[str] = Counter()
    generator = np.random.default_rng(0)
    kept, gc = [], []
    knocked: dict[str, list[float]] = {model.name: [] for model in models}
    random: dict[str, list[float]] = {model.name: [] for model in models}
    upstream = 0.0
    with tqdm(total=len(genes), unit="gene", disable=parsed.quiet or None, leave=False) as bar:
        for first in range(0, len(genes), BATCH):
            edits = []
            for gene in genes[first : first + BATCH]:
                bar.update(1)
                made = cassette_edits(
                    genome, gene, names.lengths_bp[gene.contig], length_bp, generator, skipped
                )
                if made is not None:
                    kept.append(gene)
                    gc.append(made[2])
                    edits += made[:2]
            for model in models:
                scores = score_edits(model, edits)
                knocked[model.name] += (-scores.delta[0::2]).tolist()
                random[model.name] += (-scores.delta[1::2]).tolist()
                upstream = max(upstream, float(scores.upstream.max(initial=0.0)))
    if not kept:
        raise UserError(f"{parsed.genes} holds no gene that can be scored")
    predictors = {one.name: ("model", np.array(knocked[one.name])) for one in evaluated.subjects}
    for one in evaluated.subjects:
        predictors[f"{one.name}, random bases"] = ("control", np.array(random[one.name]))
    predictors |= {one.name: ("untrained", np.array(knocked[one.name])) for one in twins}
    predictors["gene length"] = ("trivial", np.array([float(g.end - g.start) for g in kept]))
    predictors["GC of the window"] = ("trivial", np.array(gc))
    predictors["random"] = ("trivial", generator.random(len(kept)))
    notes = (
        f"Windows of {length_bp:,} bases are centred on the gene and read on its strand. Fifteen "
        "bases, 12 behind the start codon, become TAATAATAATAGTGA; the score is the log-likelihood "
        "without minus with it, summed from the first base that differs.",
        *(f"{reason}: {count:,}" for reason, count in sorted(skipped.items())),
    )
    findings = essentiality_findings(
        kept, predictors, upstream,
        {"genes": parsed.genes, "genome": genome.digest, "checkpoint": parsed.checkpoint},
        notes, now(), shlex.join(["genomenet", "essentiality", *words]), __version__,
    )  # fmt: skip
    tell_findings(findings, parsed, evaluated.study)
    return 0

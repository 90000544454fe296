"""Compare alleles of variants that share what stands in front of them with reading each whole."""

import argparse
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from unittest import mock

import torch
from _record import conditions, report
from _tables import rows_of
from _timing import Case, interleaved, use_threads

from genomenet.evaluation.edits.edit import Edit, allele_edit, score_edits
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import DNA, N_CODE, decode
from genomenet.genome.mock import MockGenome
from genomenet.models.language_model import LanguageModel
from genomenet.models.presets import find_model
from genomenet.probes import embeddings
from genomenet.probes.embeddings import Features, embed
from genomenet.probes.task import Codes

PRESETS = [
    "laptop-transformer",
    "laptop-mamba2",
    "laptop-hnet-transformer",
    "laptop-hnet-mamba2",
    "laptop-blt-fixed",
]

EMBEDDED = 8
"""Of so many sites the alleles of one are embedded, which takes longer than scoring them."""


class Whole:
    """A model of which only `score` is known, so that every sequence is read whole."""

    def __init__(self, model: LanguageModel):
        self.score, self.parameters = model.score, model.parameters


def make_edits(sites: int, length: int) -> list[Edit]:
    """All three other bases at evenly spread places of a made-up genome."""
    genome = MockGenome(1_000_000, seed=0)
    contig = genome.contigs[0]
    edits: list[Edit] = []
    for site in range(sites):
        at = length + site * (contig.length_bp - 2 * length) // sites
        while genome.read(contig.name, at, at + 1)[0] == N_CODE:
            at += 1
        ref = decode(genome.read(contig.name, at, at + 1))
        for alt in sorted({*"ACGT"} - {ref}):
            edits.append(allele_edit(genome, contig.name, contig.length_bp, at, ref, alt, length))
    return edits


def allele_windows(sites: int, length: int) -> list[Codes]:
    """Windows with each of the four bases in their middle."""
    genome = MockGenome(1_000_000, seed=0)
    contig = genome.contigs[0]
    windows = []
    for site in range(sites):
        first = site * (contig.length_bp - length) // sites
        for code in range(4):
            codes = genome.read(contig.name, first, first + length).copy()
            codes[length // 2] = code
            windows.append(codes)
    return windows


def make_subject(preset: str, length: int, batch_size: int) -> Subject:
    """A preset with random weights."""
    torch.manual_seed(0)
    model = LanguageModel(find_model(preset)).eval()
    return Subject(
        name=preset,
        arm=preset,
        seed=0,
        model=model,
        alphabet=DNA,
        length_bp=length,
        batch_size=batch_size,
        parameters=sum(p.numel() for p in model.parameters()),
        precision=nullcontext,
        flops=None,
        stages=model.config.compressions,
    )


def row(preset: str, whole: Case, shared: Case, apart: float, repeats: int) -> str:
    """A row in Markdown: both ways in turns, and the largest difference between their results."""
    seconds = interleaved({"whole": whole, "shared": shared}, repeats)
    ratio, low, high = seconds["whole"].ratio_to(seconds["shared"])
    return (
        f"| {preset} | {seconds['whole'].median:.2f} | {seconds['shared'].median:.2f} "
        f"| x{ratio:.2f} ({low:.2f} to {high:.2f}) | {apart:.1e} |"
    )


def table(presets: list[str], sites: int, length: int, batch_size: int, repeats: int) -> str:
    """Markdown, a row a preset."""
    edits = make_edits(sites, length)
    rows = [
        "| model | each whole, s | shared prefixes, s | faster | largest difference, nats |",
        "|---|---:|---:|---:|---:|",
    ]
    for preset in presets:
        shared = make_subject(preset, length, batch_size)
        whole = replace(shared, model=Whole(shared.model))
        delta = score_edits(whole, edits).delta
        apart = abs(score_edits(shared, edits).delta - delta).max()
        cases = partial(score_edits, whole, edits), partial(score_edits, shared, edits)
        rows.append(row(preset, *cases, apart, repeats))
    return "\n".join(rows)


def embedding_table(
    presets: list[str], sites: int, length: int, batch_size: int, repeats: int
) -> str:
    """Markdown, a row a preset."""
    windows = allele_windows(sites // EMBEDDED, length)
    rows = [
        "| model | each whole, s | shared prefixes, s | faster | largest difference |",
        "|---|---:|---:|---:|---:|",
    ]

    def whole(subject: Subject) -> Features:
        with mock.patch.object(embeddings, "find_alike", return_value=[]):
            return embed(subject, windows)

    for preset in presets:
        subject = make_subject(preset, length, batch_size)
        found, others = embed(subject, windows), whole(subject)
        apart = max(abs(found[name] - others[name]).max() for name in found)
        cases = partial(whole, subject), partial(embed, subject, windows)
        rows.append(row(preset, *cases, apart, repeats))
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--sites", type=int, default=64, help="sites, three alleles each")
    parser.add_argument("--length", type=int, default=1024, help="bases of a window")
    parser.add_argument("--batch-size", type=int, default=8, help="windows in a pass")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="keep it in benchmarks/results/")
    arguments = parser.parse_args()
    use_threads(1)
    length, sites = arguments.length, arguments.sites
    sizes = arguments.presets, sites, length, arguments.batch_size, arguments.repeats
    ahead = length // 2
    computed = 4 * length / (ahead + 1 + 4 * (length - ahead - 2))
    text = (
        f"# Variants: shared prefixes beside whole sequences\n\n{conditions(__file__)} {sites} "
        f"SNVs of three alleles in the middle of windows of {length:,} bases of a made-up genome, "
        f"{arguments.batch_size} windows a pass, random weights, float32, one strand. Both ways "
        "read the reference of a site once; the time of the self-check, two whole sequences, is "
        f"in. By positions alone, computed, sharing is x{computed:.2f}. Process CPU time, median "
        f"of {arguments.repeats} interleaved repeats.\n\n"
        f"{table(*sizes)}\n\n"
        f"## Embeddings of alleles\n\nWindows with each of the four bases in the middle, "
        f"{sites // EMBEDDED} times, on both strands; vectors of six layers.\n\n"
        f"{embedding_table(*sizes)}\n"
    )
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()

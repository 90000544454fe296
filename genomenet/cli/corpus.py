"""`genomenet corpus`: put many genomes into one store, and show what is in it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import text_table
from genomenet.errors import UserError, nearest

if TYPE_CHECKING:
    from genomenet.genome.corpus import GenomeCorpus

_SHOWN_SPECIES = 30
_USAGE = """usage: genomenet corpus build SOURCE... --out CORPUS [--workers N]
       genomenet corpus show CORPUS [--all]

Put many genomes into one store: from a manifest, a folder or sequence files.

  build   make a corpus, add genomes to it, or go on with a build that was stopped
  show    list the species of a corpus with genomes, contigs, bases and weights

`genomenet corpus build --help` tells more."""


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    if not words or words[0] in {"-h", "--help"}:
        print(_USAGE)
        return 0
    verbs = {"build": _build, "show": _show}
    if words[0] not in verbs:
        raise UserError(
            f"`genomenet corpus` can't '{words[0]}'"
            + (nearest(words[0], verbs) or "; it can build and show")
        )
    return verbs[words[0]](words[1:])


def _build(words: Sequence[str]) -> int:
    parser = VerbParser(
        "corpus build",
        "SOURCE... --out CORPUS [--workers N]",
        "Put many genomes into one memory-mapped store. What is in it already stays; a build that "
        "was stopped goes on where it was.",
    )
    parser.add_argument(
        "sources",
        type=str,
        nargs="+",
        help="Manifests (tab-separated, with the columns name, file and, if wanted, species and "
        "weight), folders of FASTA, GenBank or EMBL files, patterns such as 'genomes/*.fna.gz', "
        "or such files.",
    )
    parser.add_argument("-o", "--out", type=str, required=True, help="Folder of the corpus.")
    parser.add_argument(
        "--workers", type=int, default=0, help="Processes to read with; 0: as many as CPUs."
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)

    from tqdm import tqdm

    from genomenet.genome.corpus_writer import build_corpus

    with tqdm(
        unit="b", unit_scale=True, desc="corpus", disable=parsed.quiet or None, leave=False
    ) as bar:

        def progress(expected_bp: int, newly_bp: int) -> None:
            bar.total = max(expected_bp, bar.n + newly_bp)  # the one is a guess
            bar.update(newly_bp)

        corpus = build_corpus(parsed.sources, Path(parsed.out), parsed.workers or _cpus(), progress)
    print(
        f"{parsed.out}: {len(corpus.members):,} genome(s) of {len(corpus.species):,} species, "
        f"{len(corpus.contigs):,} contig(s), {corpus.length_bp:,} bases, "
        f"digest {corpus.digest[:12]}"
    )
    return 0


def _show(words: Sequence[str]) -> int:
    parser = VerbParser("corpus show", "CORPUS [--all]", "List the species of a corpus.")
    parser.add_argument("corpus", type=str, help="Folder made by `genomenet corpus build`.")
    parser.add_argument(
        "--all",
        action="store_true",
        help=f"All species, and not the {_SHOWN_SPECIES} with most bases.",
    )
    parsed = parser.read(words)

    from genomenet.genome.corpus import GenomeCorpus

    corpus = GenomeCorpus(Path(parsed.corpus))
    rows = _species_rows(corpus)
    shown = rows if parsed.all else rows[:_SHOWN_SPECIES]
    total = (
        "all",
        f"{len(corpus.members):,}",
        f"{len(corpus.contigs):,}",
        f"{corpus.length_bp:,}",
        "",
    )
    header = ("species", "genomes", "contigs", "bases", "weight")
    print(text_table(header, [*shown, total], "<>>>>"))
    if len(shown) < len(rows):
        print(f"and {len(rows) - len(shown):,} more species; --all shows them")
    print(f"digest {corpus.digest}")
    return 0


def _species_rows(corpus: "GenomeCorpus") -> list[tuple[str, ...]]:
    """A row for each species, those with most bases first."""
    sums = {name: [0, 0, 0] for name in corpus.species}
    for member in corpus.members:
        of_species = sums[member.species]
        for i, value in enumerate((1, member.contigs, member.length_bp)):
            of_species[i] += value
    return [
        (name, *(f"{value:,}" for value in sums[name]), f"{corpus.species_weights[name]:g}")
        for name in sorted(sums, key=lambda name: (-sums[name][2], name))
    ]


def _cpus() -> int:
    """CPUs that this process may use, which on clusters are fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""`genomenet annotate`: write the class of every base beside a genome."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError

if TYPE_CHECKING:
    from genomenet.annotation.regions import RegionTrack


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "annotate",
        "GENOME --annotation FILE [--repeats BED] [--layer NAME=BED]... [--out FOLDER]",
        "Write the class of every base beside a genome: coding by codon position, UTR, intron...",
    )
    parser.add_argument("genome", type=str, help="Imported genome, or a FASTA file.")
    parser.add_argument(
        "-a", "--annotation", type=str, required=True, help="Genes as GTF, GFF3 or GenBank."
    )
    parser.add_argument(
        "--repeats", type=str, default="", help="BED of repeats, instead of the soft mask."
    )
    parser.add_argument(
        "--layer",
        type=str,
        action="append",
        default=[],
        help="A class of your own, NAME=BED, over all others; give several, the last on top.",
    )
    parser.add_argument(
        "--aliases", type=str, default="", help="Table of other names of the contigs."
    )
    parser.add_argument(
        "--upstream", type=int, default=1000, help="Bases of a promoter before a transcript."
    )
    parser.add_argument(
        "--downstream", type=int, default=100, help="Bases of a promoter within a transcript."
    )
    parser.add_argument(
        "-o", "--out", type=str, default="", help="Folder to make; GENOME.regions if left out."
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)
    layers = _layers(parsed.layer or [])

    from tqdm import tqdm

    from genomenet.annotation.region_writer import write_regions
    from genomenet.genome.genome import open_genome

    path = Path(parsed.genome)
    genome = open_genome(path)
    out = Path(parsed.out) if parsed.out else path.absolute().with_name(f"{path.name}.regions")
    with tqdm(
        total=genome.length_bp,
        unit="b",
        unit_scale=True,
        desc="annotate",
        disable=parsed.quiet or None,
        leave=False,
    ) as bar:
        track = write_regions(
            genome,
            parsed.annotation,
            out,
            genome_name=str(path),
            repeats=parsed.repeats,
            layers=layers,
            aliases=parsed.aliases,
            upstream_bp=parsed.upstream,
            downstream_bp=parsed.downstream,
            command=shlex.join(["genomenet", "annotate", *words]),
            progress=bar.update,
        )
    _tell(track, parsed.out or str(path.with_name(f"{path.name}.regions")))
    return 0


def _layers(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise UserError(f"--layer is '{word}'; it should be NAME=BED, as in enhancer=my.bed")
        if name in found:
            raise UserError(f"--layer names '{name}' twice; give each layer a name of its own")
        found[name] = path
    return found


def _tell(track: "RegionTrack", out: str) -> None:
    from genomenet.cli.terminal import text_table

    length_bp = track.table["length_bp"]
    rows = []
    for name in reversed(track.classes):
        counts = track.table["counts"][name]
        repeats = f"{counts['repeat'] / counts['bases']:.1%}" if counts["bases"] else "-"
        strands = [f"{counts[strand]:,}" for strand in ("+", "-", "both", "none")]
        rows.append(
            (name, f"{counts['bases']:,}", f"{counts['bases'] / length_bp:.3%}", *strands, repeats)
        )
    print(f"{out}: {length_bp:,} bases, digest {track.digest[:12]}; the highest precedence first")
    header = ("class", "bases", "share", "+", "-", "both", "neither", "repeats")
    print(text_table(header, rows, "<>>>>>>>"))
    for note in track.table["notes"]:
        print(f"note: {note}")

"""`genomenet import`: turn sequence files into a memory-mapped genome."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "import",
        "FILE... --out FOLDER",
        "Import FASTA (plain, gzip, bgzip), 2bit, GenBank or EMBL files into one memory-mapped "
        "genome.",
    )
    parser.add_argument("files", type=str, nargs="+", help="Sequence files, in order.")
    parser.add_argument("-o", "--out", type=str, required=True, help="Genome folder to make.")
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)

    from tqdm import tqdm

    from genomenet.genome.importer import import_genome

    with tqdm(
        unit="b", unit_scale=True, desc="import", disable=parsed.quiet or None, leave=False
    ) as bar:
        genome = import_genome(
            [Path(name) for name in parsed.files],
            Path(parsed.out),
            progress=bar.update,
        )
    print(
        f"{parsed.out}: {len(genome.contigs)} contig(s), {genome.length_bp:,} bases, "
        f"digest {genome.digest[:12]}"
    )
    for note in genome.notes:
        print(f"note: {note}")
    return 0

"""Steps that make a genome: import sequence files, check the published intervals."""

from pathlib import Path

from genomenet.genome.importer import import_genome
from genomenet.recipes.kitchen import Kitchen
from genomenet.windows.published import check_human_sequences


def import_files(kitchen: Kitchen, files: list[str], into: str = "genome") -> list[Path]:
    """Import sequence files into a memory-mapped genome.

    Parameters
    ----------
    kitchen : Kitchen
        Where to work.
    files : list of str
        Fetched FASTA files, in order.
    into : str
        The genome's folder.
    """
    folder = kitchen.folder / into
    genome = import_genome([kitchen.file(name) for name in files], folder, kitchen.progress)
    kitchen.tell(
        f"{folder}: {len(genome.contigs):,} contigs, {genome.length_bp:,} bases, "
        f"digest {genome.digest[:12]}"
    )
    for note in genome.notes:
        kitchen.tell(f"note: {note}")
    return [folder]


def check_intervals(kitchen: Kitchen, bed: str) -> list[Path]:
    """Make sure that the published human intervals are what was published; makes nothing.

    Raises
    ------
    UserError
        Naming each figure that differs.
    """
    path = kitchen.file(bed)
    check_human_sequences(path)
    kitchen.tell(f"{path}: 34,021 train, 2,213 valid and 1,937 test intervals, as published")
    return []

"""The step that lists fetched assemblies as `genomenet corpus` reads them."""

from pathlib import Path, PurePosixPath

from genomenet.files import whole_file
from genomenet.recipes.kitchen import Kitchen


def list_genomes(kitchen: Kitchen, files: str, into: str = "genomes.tsv") -> list[Path]:
    """Write a table of assemblies: name, file, and species where the user named any.

    Parameters
    ----------
    kitchen : Kitchen
        Where to work.
    files : str
        Pattern of the fetched assemblies; their names begin with the accession.
    into : str
        Name of the table; its files are relative to it.
    """
    target = kitchen.folder / into
    names = kitchen.matching(files)
    columns = ["name", "file", "species"] if kitchen.species else ["name", "file"]
    with whole_file(target) as handle:
        print(*columns, sep="\t", file=handle)
        for name in names:
            accession = "_".join(PurePosixPath(name).name.split("_")[:2])
            row = [accession, name, kitchen.species.get(accession, "")]
            print(*row[: len(columns)], sep="\t", file=handle)
    kitchen.tell(f"{target}: {len(names):,} genomes")
    return [target]

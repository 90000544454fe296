"""The step that turns published variant sets into tables, their reference bases checked."""

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.store import GenomeStore
from genomenet.recipes.kitchen import Kitchen
from genomenet.recipes.parquet import parquet_rows
from genomenet.recipes.whole_gzip import whole_gzip

_FIELDS = ("chrom", "pos", "ref", "alt", "label")
_TOLERATED = 0.01
"""Share of reference bases that may differ: patches of an assembly, not another assembly."""


def collect_variants(
    kitchen: Kitchen, files: str, genome: str, into: str = "variants"
) -> list[Path]:
    """Turn parquet files SET/SPLIT.parquet of variants into SET.csv.gz.

    Parameters
    ----------
    kitchen : Kitchen
        Where to work.
    files : str
        Pattern of the fetched files, with columns chrom, pos (from 1), ref, alt and label.
    genome : str
        Name of the recipe whose genome they are on.
    into : str
        Folder of the tables: columns split, label (0 or 1), contig, start (from 0), ref and alt.

    Raises
    ------
    UserError
        With file and row: an unknown contig, a place outside it. Also when more than one in a
        hundred reference bases are not those of the genome.
    """
    store = GenomeStore(kitchen.genome_folder(genome))
    names = ContigNames(store.contigs, str(store.path), None)
    sets: dict[str, list[str]] = {}
    for name in kitchen.matching(files):
        sets.setdefault(PurePosixPath(name).parts[-2], []).append(name)
    made = []
    for set_name, members in sets.items():
        target = kitchen.folder / into / f"{set_name}.csv.gz"
        rows = wrong = 0
        with whole_gzip(target) as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(("split", "label", "contig", "start", "ref", "alt"))
            for name in members:
                for fits, *row in _variants(kitchen.folder / name, store, names):
                    writer.writerow((PurePosixPath(name).stem, *row))
                    rows, wrong = rows + 1, wrong + (not fits)
            if wrong > _TOLERATED * rows:
                raise UserError(
                    f"{kitchen.folder / members[0]}: {wrong:,} of {rows:,} reference bases are not "
                    f"those of {store.path}; give the genome of the same assembly"
                )
        kitchen.tell(
            f"{target}: {rows:,} variants, {rows - wrong:,} reference bases as in {store.path}"
        )
        made.append(target)
    return made


def _variants(
    path: Path, store: GenomeStore, names: ContigNames
) -> Iterator[tuple[bool, int, str, int, str, str]]:
    """Whether the reference fits; label, contig, start, ref and alt of each row."""
    for number, row in enumerate(parquet_rows(path, _FIELDS), start=1):
        start, ref = int(row["pos"]) - 1, row["ref"].upper()
        try:
            contig = names.resolve(str(row["chrom"]))
            found = decode(store.read(contig, start, start + len(ref)))
        except UserError as error:
            raise UserError(f"{path}: row {number}: {error}") from None
        yield found == ref, int(row["label"]), contig, start, ref, row["alt"].upper()

"""The step that cuts the sequences of a task suite, published as intervals, from a genome."""

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode, reverse_complement
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.store import GenomeStore
from genomenet.recipes.csv_tables import csv_rows
from genomenet.recipes.kitchen import Kitchen
from genomenet.recipes.steps_tables import COLUMNS, SPLITS
from genomenet.recipes.whole_gzip import whole_gzip

_FIELDS = ("id", "region", "start", "end", "strand")


def cut_intervals(kitchen: Kitchen, files: str, genome: str, into: str = "tasks") -> list[Path]:
    """Cut intervals TASK/SPLIT/LABEL.csv.gz from the genome of another recipe.

    Parameters
    ----------
    kitchen : Kitchen
        Where to work.
    files : str
        Pattern of the fetched tables: columns id, region, start, end, strand; 0-based, half-open,
        on the forward strand, to be read as its reverse complement where the strand is minus.
    genome : str
        Name of the recipe whose genome they are on.
    into : str
        Folder of the tables, TASK.csv.gz with columns split, label, sequence (upper case),
        contig, start, end, strand and id.

    Raises
    ------
    UserError
        With file and row: an unknown contig or strand, an interval that leaves its contig.
    """
    store = GenomeStore(kitchen.genome_folder(genome))
    tasks: dict[str, list[tuple[str, str, Path]]] = {}
    for name in kitchen.matching(files):
        parts = PurePosixPath(name).parts
        task, split, label = *parts[-3:-1], parts[-1].removesuffix(".csv.gz")
        if split not in SPLITS:
            raise UserError(
                f"{kitchen.folder / name}: a table of intervals is called TASK/SPLIT/LABEL.csv.gz, "
                f"with a split of {', '.join(SPLITS)}"
            )
        tasks.setdefault(task, []).append((SPLITS[split], label, kitchen.folder / name))
    names = ContigNames(store.contigs, str(store.path), None)
    made = []
    for task, tables in tasks.items():
        target = kitchen.folder / into / f"{task}.csv.gz"
        counts: dict[str, int] = {}
        with whole_gzip(target) as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow((*COLUMNS, "contig", "start", "end", "strand", "id"))
            for split, label, path in tables:
                for sequence, *place in _cut(path, store, names):
                    writer.writerow((split, label, sequence, *place))
                    counts[split] = counts.get(split, 0) + 1
        made.append(target)
        kitchen.tell(f"{target}: " + ", ".join(f"{n:,} {split}" for split, n in counts.items()))
    return made


def _cut(
    path: Path, store: GenomeStore, names: ContigNames
) -> Iterator[tuple[str, str, int, int, str, str]]:
    """Sequence, contig, start, end, strand and id of each row."""
    for number, row in enumerate(csv_rows(path, _FIELDS), start=1):
        try:
            contig = names.resolve(row["region"])
            start, end, strand = int(row["start"]), int(row["end"]), row["strand"]
            if strand not in {"+", "-"}:
                raise UserError(f"the strand is '{strand}', which is neither + nor -")
            codes = store.read(contig, start, end)
        except (UserError, ValueError) as error:
            raise UserError(f"{path}: row {number}: {error}") from None
        letters = decode(reverse_complement(codes) if strand == "-" else codes)
        yield letters, contig, start, end, strand, row["id"]

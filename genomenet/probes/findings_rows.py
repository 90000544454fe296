"""Tables of the rows that probes were given: how many, and which were seen in pre-training."""

from collections.abc import Sequence

from genomenet.evaluation.findings import Cell, Column, Table
from genomenet.probes.suite import REFERENCE_ROWS, TaskResults


def overlap_table(results: Sequence[TaskResults], models: Sequence[str]) -> Table:
    """How many rows each model has seen in pre-training, and its scores without them."""
    rows: list[tuple[Cell, ...]] = []
    for one in results:
        task = one.task
        for name in models:
            known = one.overlaps.get(name)
            if known is None:
                rows.append((task.name, name, *[None] * 8))
                continue
            seen, unseen = one.seen.get(name, (None, None))
            rows.append(
                (
                    task.name,
                    name,
                    int(known.seen[task.train].sum()),
                    int(known.seen[task.test].sum()),
                    len(task.test),
                    known.placed,
                    known.short,
                    seen.sure.centre if seen else None,
                    unseen.sure.centre if unseen else None,
                    unseen.sure.over_rows if unseen else None,
                )
            )
    return Table(
        "overlap",
        "Rows that lie in the pre-training split",
        "Seen: the place lies in the split, or half of the 32-mers do, of either strand. Nothing "
        "stands where the training data of a model are not known, and where a part has a single "
        "class.",
        (
            Column("task"),
            Column("model"),
            Column("train rows seen", "count"),
            Column("test rows seen", "count"),
            Column("test rows", "count"),
            Column("told by place", "count"),
            Column("too short to tell", "count"),
            Column("score, seen", "number"),
            Column("score, unseen", "number"),
            Column("over unseen rows", "number"),
        ),
        tuple(rows),
    )


def task_table(results: Sequence[TaskResults]) -> Table:
    """How many rows there are, and how many of them were used."""
    rows = [
        (
            one.task.name,
            len(one.task.classes) or None,
            len(one.task.train),
            one.rows[0],
            len(one.task.test),
            one.rows[1],
            sum(len(codes) for codes in one.task.sequences) / len(one.task.sequences),
            one.reference,
            one.task.digest[:12],
        )
        for one in results
    ]
    return Table(
        "tasks",
        "Tasks",
        f"The last score is the plain 4-mer floor with up to {REFERENCE_ROWS:,} train rows and "
        "all test rows, whatever the probes were given.",
        (
            Column("task"),
            Column("classes", "count"),
            Column("train rows used", "count"),
            Column("there are", "count"),
            Column("test rows used", "count"),
            Column("there are ", "count"),
            Column("mean bases", "count"),
            Column("4-mers, many rows", "number"),
            Column("digest"),
        ),
        tuple(rows),
    )

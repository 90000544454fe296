"""Metrics of a run as two CSV tables: train.csv by optimiser step and valid.csv by validation."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from genomenet.files import whole_file

TRAIN_TABLE, VALID_TABLE = "train.csv", "valid.csv"


class TableLogger(Logger):
    """Keep one row a step and rewrite the table whole, so that a reader never sees half a row.

    Parameters
    ----------
    folder : Path
        The run directory.
    bases_per_step : int
        Written as the column `bases`.
    resumed_step : int
        Rows of later steps are dropped: they are about to be made again.
    """

    def __init__(self, folder: Path, bases_per_step: int, resumed_step: int = 0):
        super().__init__()
        self.folder = folder
        self.bases_per_step = bases_per_step
        self._rows: dict[str, dict[int, dict[str, Any]]] = {
            table: {
                int(row["step"]): row
                for row in read_table(folder / table)
                if int(row["step"]) <= resumed_step
            }
            for table in (TRAIN_TABLE, VALID_TABLE)
        }
        self._forget_later_rows()

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.folder.name

    @property
    def version(self) -> str:
        """Runs have no versions: a folder holds one."""
        return ""

    def log_hyperparams(self, *args, **kwargs) -> None:
        """Nothing to do: run.json holds the config."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add metrics to a row: training steps are numbered from 0, validations say their own."""
        table, done = place_of(metrics, step)
        row = self._rows[table].setdefault(
            done, {"step": done, "bases": done * self.bases_per_step}
        )
        row.update({name: value for name, value in metrics.items() if name != "epoch"})
        write_table(self.folder / table, list(self._rows[table].values()))

    @rank_zero_only
    def _forget_later_rows(self) -> None:
        """Write tables anew that hold more rows than are kept; one that lost all of them goes."""
        for table, rows in self._rows.items():
            path = self.folder / table
            if not rows:
                path.unlink(missing_ok=True)
            elif len(rows) < len(read_table(path)):
                write_table(path, list(rows.values()))


def place_of(metrics: Mapping[str, float], step: int | None) -> tuple[str, int]:
    """The table that metrics belong to, and the optimiser steps done when they were taken.

    Parameters
    ----------
    metrics : mapping of str to float
        What Lightning logs.
    step : int, optional
        What it calls the step: the number of a training step, from 0, or for a validation the
        steps done.
    """
    table = VALID_TABLE if any(name.startswith("val/") for name in metrics) else TRAIN_TABLE
    return table, int(step or 0) + (table == TRAIN_TABLE)


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows of a CSV table; the columns are those of all rows, in order of appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with whole_file(path) as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV table; none when it doesn't exist yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))

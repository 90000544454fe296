"""Rows of published CSV files, plain or gzip, with the columns that are needed."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from genomenet.errors import UserError
from genomenet.genome.opening import open_bytes


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Stream the rows of a CSV file with a header.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Columns that must be there; a row that ends early has them empty.

    Raises
    ------
    UserError
        When the file is damaged or lacks a column.
    """
    with open_bytes(path) as stream:
        # TextIOWrapper takes any buffered byte stream; the type of GzipFile does not say so.
        text = io.TextIOWrapper(cast("Any", stream), encoding="utf-8", newline="")
        try:
            reader = csv.DictReader(text, restval="")
            names = reader.fieldnames or ()
            if missing := [name for name in columns if name not in names]:
                raise UserError(
                    f"{path} has no column '{missing[0]}', only {', '.join(names)}; "
                    "fetch it again, or mend the recipe"
                )
            yield from reader
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(f"{path} is no CSV file ({error}); fetch it again") from None
        finally:
            text.detach()

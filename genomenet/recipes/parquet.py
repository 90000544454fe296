"""Rows of parquet files, for recipes whose tables are published so."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from genomenet.errors import UserError


def require_parquet(who: str) -> None:
    """Make sure that parquet can be read, before anything is fetched for it.

    Raises
    ------
    UserError
        When pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise UserError(
            f'{who} is published as parquet; `pip install "genomenet[tasks]"` reads it'
        ) from None


def parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Stream the rows of a parquet file.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Columns to read.

    Raises
    ------
    UserError
        When pyarrow is missing, the file is not parquet, or it lacks a column.
    """
    require_parquet(str(path))
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if missing := [name for name in columns if name not in names]:
                raise UserError(
                    f"{path} has no column '{missing[0]}', only {', '.join(names)}; fetch it "
                    "again, or mend the recipe"
                )
            for batch in file.iter_batches(columns=list(columns)):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{path} is no readable parquet file ({error}); fetch it again") from None

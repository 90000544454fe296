"""Gzip text files that appear whole or not at all, and are the same bytes each time."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from genomenet.files import whole_file


@contextmanager
def whole_gzip(path: Path) -> Iterator[TextIO]:
    """Write UTF-8 text to a gzip file that appears when the block ends well.

    Neither the time nor the name goes into it, so the same text gives the same checksum.
    """
    with (
        whole_file(path, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        yield text

"""Read annotated features from GTF, GFF3, GenBank or EMBL, under common names of their kinds."""

import re
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

from genomenet.annotation.feature import Feature
from genomenet.annotation.flat_file_features import flat_file_features
from genomenet.annotation.gff3 import gff3_features
from genomenet.annotation.gtf import gtf_features
from genomenet.errors import UserError
from genomenet.genome.opening import text_lines
from genomenet.genome.sources import flat_file_format

_GFF3_ATTRIBUTE = re.compile(r'[^\s="]+=')
_FLAT_FILE_STARTS = {"LOCUS ": "genbank", "ID   ": "embl"}


def annotation_features(path: str | Path, kinds: Collection[str]) -> Iterator[Feature]:
    """Stream the features of an annotation file, plain or gzip.

    Parameters
    ----------
    path : str or Path
        GTF, GFF3, GenBank or EMBL, told by its content, then by its suffix.
    kinds : collection of str
        Which kinds to keep, under their common names; see `Feature`.

    Yields
    ------
    Feature
        In file order, but for GFF3 rows that come before their parents.

    Raises
    ------
    UserError
        A file that can't be read or holds no annotation; with file and line (in GenBank and EMBL
        the record), a row that is none.
    """
    path, kept = Path(path), frozenset(kinds)
    flat_file = flat_file_format(path)
    if flat_file is not None:
        yield from flat_file_features(path, flat_file, kept)
        return
    lines, head = text_lines(path), []
    for number, line in lines:
        head.append((number, line))
        if line.strip() and not line.startswith("#"):
            break
    else:
        raise UserError(f"{path} holds no annotation; give GTF, GFF3, GenBank or EMBL")
    for start, kind in _FLAT_FILE_STARTS.items():
        if line.startswith(start):
            yield from flat_file_features(path, kind, kept)
            return
    parse = gff3_features if _is_gff3([text for _, text in head], path) else gtf_features
    yield from parse(chain(head, lines), path, kept)


def _is_gff3(head: list[str], path: Path) -> bool:
    if any(re.match(r"##gff-version\s+3", line) for line in head):
        return True
    attributes = head[-1].rpartition("\t")[2].strip()
    if attributes in {"", "."}:
        return ".gff3" in path.suffixes
    return _GFF3_ATTRIBUTE.match(attributes) is not None

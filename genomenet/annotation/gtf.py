"""Features of a GTF file."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from genomenet.annotation.feature import Feature, nine_columns, normal_kind, place

# A key, and how its value begins when rows are written as usual.
_GENE_NAME = "gene_name", ' gene_name "'
_GENE = "gene", ' gene "'
_GENE_ID = "gene_id", ' gene_id "'
_GENE_TYPE = "gene_type", ' gene_type "'
_GENE_BIOTYPE = "gene_biotype", ' gene_biotype "'
_TRANSCRIPT_ID = "transcript_id", ' transcript_id "'
_ATTRIBUTE = re.compile(r'([^\s;"]+) +(?:"([^"]*)"|([^\s;"]+))')


def gtf_features(
    lines: Iterable[tuple[int, str]], path: str | Path, kinds: frozenset[str]
) -> Iterator[Feature]:
    """Stream the features of a GTF file (Ensembl, GENCODE, NCBI, StringTie).

    Parameters
    ----------
    lines : iterable of (int, str)
        Line numbers and lines.
    path : str or Path
        For error messages.
    kinds : frozenset of str
        Which kinds to keep, under their common names.

    Yields
    ------
    Feature
        In file order.

    Raises
    ------
    UserError
        With file and line: not nine columns; for kinds that are kept, what
        `genomenet.annotation.feature.place` finds.
    """
    # NCBI tells the type on the rows of genes only.
    type_of_gene: dict[str, str] = {}
    for number, line in lines:
        if line.startswith("#") or not line.strip():
            continue
        columns = nine_columns(line, path, number)
        kind = normal_kind(columns[2])
        if kind not in kinds and kind != "gene":
            continue
        attributes = f" {columns[8]}"
        name = _value(attributes, *_GENE_NAME) or _value(attributes, *_GENE)
        gene_type = _value(attributes, *_GENE_TYPE) or _value(attributes, *_GENE_BIOTYPE)
        if not name or not gene_type or kind == "gene":
            gene_id = _value(attributes, *_GENE_ID)
            name = name or gene_id
            if kind == "gene":
                type_of_gene[gene_id] = gene_type
            gene_type = gene_type or type_of_gene.get(gene_id, "")
        if kind in kinds:
            interval, strand, frame = place(columns, path, number)
            transcript = "" if kind == "gene" else _value(attributes, *_TRANSCRIPT_ID)
            yield Feature(interval, kind, strand, frame, name, gene_type, transcript)


def _value(attributes: str, key: str, opening: str) -> str:
    """The value of `key` in ``key "value"; key value;``, empty when absent.

    Finding the few keys that are needed takes a third of the time of splitting all of them.
    """
    at = attributes.find(opening)
    if at >= 0:
        begin = at + len(opening)
        return attributes[begin : attributes.find('"', begin)]
    return _all_values(attributes).get(key, "") if key in attributes else ""


def _all_values(attributes: str) -> dict[str, str]:
    """Slower, for values without quotes and for blanks where none belong."""
    return {key: quoted or bare for key, quoted, bare in _ATTRIBUTE.findall(attributes)}

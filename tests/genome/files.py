"""Small files for the tests of this folder."""

import gzip
from pathlib import Path

from Bio import bgzf

DEMO = Path(__file__).parents[2] / "data_prep" / "demo"
DEMO_FASTA = DEMO / "human_chr20_42M_46M.fa.gz"
DEMO_GTF = DEMO / "human_chr20_42M_46M.gtf.gz"


def fasta_text(records: dict[str, str], width: int = 60, end: str = "\n") -> str:
    lines = []
    for name, letters in records.items():
        lines.append(f">{name} some description")
        lines += [letters[i : i + width] for i in range(0, len(letters), width)]
    return "".join(line + end for line in lines)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def write_gzip(path: Path, text: str) -> Path:
    return write(path, gzip.compress(text.encode()))


def write_bgzip(path: Path, text: str) -> Path:
    with bgzf.BgzfWriter(str(path), "wb") as handle:
        handle.write(text.encode())
    return path

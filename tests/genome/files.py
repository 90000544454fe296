"""Small files for the tests of this folder."""

import gzip
import re
import struct
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


def write_samtools_index(path: Path, records: dict[str, str], width: int = 60) -> None:
    """Index bgzip FASTA of `fasta_text` as samtools does, whose .gzi leaves the ends out."""
    rows, offset = [], 0
    for name, letters in records.items():
        offset += len(f">{name} some description\n")
        rows.append(f"{name}\t{len(letters)}\t{offset}\t{width}\t{width + 1}\n")
        offset += len(letters) + -(-len(letters) // width)
    write(Path(f"{path}.fai"), "".join(rows))
    with path.open("rb") as handle:
        blocks = [(start, at) for start, _, at, _ in bgzf.BgzfBlocks(handle)][1:-1]
    pairs = [number for block in blocks for number in block]
    write(Path(f"{path}.gzi"), struct.pack(f"<{1 + len(pairs)}Q", len(blocks), *pairs))


def write_twobit(path: Path, records: dict[str, str], order: str = "<", version: int = 0) -> Path:
    """UCSC's 2bit: T, C, A, G as 0 to 3, the first base highest; N and lower case as blocks."""
    bodies = []
    for letters in records.values():
        body = [struct.pack(f"{order}I", len(letters))]
        for pattern in ("[Nn]+", "[a-z]+"):
            spans = [match.span() for match in re.finditer(pattern, letters)]
            numbers = [start for start, _ in spans] + [end - start for start, end in spans]
            body.append(struct.pack(f"{order}I{len(numbers)}I", len(spans), *numbers))
        codes = ["TCAG".find(letter) % 4 for letter in letters.upper().replace("N", "T")]
        codes += [0] * (-len(codes) % 4)
        quads = zip(*(codes[i::4] for i in range(4)), strict=True)
        packed = bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in quads)
        bodies.append(b"".join(body) + struct.pack(f"{order}I", 0) + packed)
    words = "Q" if version else "I"
    offset = 16 + sum(1 + len(name.encode()) + (8 if version else 4) for name in records)
    head = [struct.pack(f"{order}4I", 0x1A412743, version, len(records), 0)]
    for name, body in zip(records, bodies, strict=True):
        title = name.encode()
        head.append(bytes([len(title)]) + title + struct.pack(f"{order}{words}", offset))
        offset += len(body)
    return write(path, b"".join(head + bodies))

"""Compare importing a chromosome with other readers and a bare translation: a process each."""

import argparse
import gzip
import hashlib
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from Bio import bgzf

DEMO = Path(__file__).parents[1] / "data_prep" / "demo" / "human_chr20_42M_46M.fa.gz"
DEMO_MB = 4
LINE_BP = 60
FETCH_BP = 1 << 20
BARE_BYTES = 16 << 20
SMALL_BYTES = 1 << 20
SMALL_BP = 1_000
LINE_ENDS = b"\n\r"

Case = Callable[[Path, Path], None]
CODES = bytes(b"ACGTN".find(bytes([byte]).upper()) % 256 for byte in range(256))


def translate_in_blocks(fasta: Path, size_bytes: int) -> None:
    """Read and translate so many bytes at a time."""
    with fasta.open("rb", buffering=0) as handle:
        while block := handle.read(size_bytes):
            block.translate(CODES, LINE_ENDS)


def bare_translate(fasta: Path, folder: Path) -> None:
    """One pass in blocks of 16 MB: letters become codes, line ends go; nothing is kept."""
    translate_in_blocks(fasta, BARE_BYTES)


def bare_translate_1_mb(fasta: Path, folder: Path) -> None:
    """The same in blocks of 1 MB, whose memory the system has to give only once."""
    translate_in_blocks(fasta, SMALL_BYTES)


def bare_translate_whole(fasta: Path, folder: Path) -> None:
    """The same in one call, as it is commonly written."""
    fasta.read_bytes().translate(CODES, LINE_ENDS)


def bare_write(fasta: Path, folder: Path) -> None:
    """Nothing but writing a byte for each byte of the file."""
    block = bytes(SMALL_BYTES)
    with (folder / "written").open("wb", buffering=0) as handle:
        for _ in range(fasta.stat().st_size // SMALL_BYTES):
            handle.write(block)


def bare_digest(fasta: Path, folder: Path) -> None:
    """Nothing but SHA-256 over half a byte for each byte of the file."""
    hasher, block = hashlib.sha256(), bytes(SMALL_BYTES // 2)
    for _ in range(fasta.stat().st_size // SMALL_BYTES):
        hasher.update(block)


def bare_gunzip(fasta: Path, folder: Path) -> None:
    """Nothing but decompression, in blocks of 1 MB."""
    with gzip.open(fasta, "rb") as handle:
        while handle.read(SMALL_BYTES):
            pass


def genomenet(fasta: Path, folder: Path) -> None:
    """Import: codes, soft mask, counts, N runs and digest, all written."""
    from genomenet.genome.importer import import_genome

    import_genome([fasta], folder / "store")


def pyfaidx(fasta: Path, folder: Path) -> None:
    """Index, then fetch everything."""
    from pyfaidx import Faidx

    with Faidx(fasta, indexname=folder / "fai", as_raw=True) as faidx:
        for name, record in faidx.index.items():
            for start in range(0, record.rlen, FETCH_BP):
                faidx.fetch(name, start + 1, min(start + FETCH_BP, record.rlen))


def pysam(fasta: Path, folder: Path) -> None:
    """Index, then fetch everything."""
    from pysam import FastaFile, faidx

    index = folder / "fai"
    faidx(str(fasta), "--fai-idx", str(index))
    with FastaFile(str(fasta), filepath_index=str(index)) as handle:
        for name, length_bp in zip(handle.references, handle.lengths, strict=True):
            for start in range(0, length_bp, FETCH_BP):
                handle.fetch(name, start, min(start + FETCH_BP, length_bp))


def biopython(fasta: Path, folder: Path) -> None:
    """Parse; every record is whole in memory."""
    from Bio import SeqIO

    for record in SeqIO.parse(fasta, "fasta"):
        bytes(record.seq)


CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        bare_translate,
        bare_translate_1_mb,
        bare_translate_whole,
        bare_write,
        bare_digest,
        bare_gunzip,
        genomenet,
        pyfaidx,
        pysam,
        biopython,
    )
}


def run_case(name: str, fasta: Path) -> None:
    """Run one case in this process, and print its CPU seconds and its peak of memory."""
    with tempfile.TemporaryDirectory(dir=fasta.parent) as folder:
        try:
            __import__({"biopython": "Bio.SeqIO"}.get(name, "genomenet.genome.importer"))
            if name in ("pysam", "pyfaidx"):
                __import__(name)
        except ModuleNotFoundError as error:
            print(json.dumps({"missing": error.name}))
            return
        before = resource.getrusage(resource.RUSAGE_SELF)
        CASES[name](fasta, Path(folder))
        after = resource.getrusage(resource.RUSAGE_SELF)
    system = after.ru_stime - before.ru_stime
    seconds = after.ru_utime - before.ru_utime + system
    print(json.dumps({"seconds": seconds, "system": system, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Most memory that this process held; `ru_maxrss` remembers the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) * 1024 / 1e6


def measure(fasta: Path, names: list[str], repeats: int) -> list[str]:
    """Rows of the table: medians over processes that take turns."""
    found: dict[str, list[dict]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            command = [sys.executable, __file__, "--case", name, str(fasta)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[name].append(json.loads(done.stdout))
    rows = []
    base = None
    for name, results in found.items():
        if "missing" in results[0]:
            rows.append(f"| {fasta.name} | {name} | not installed: see the extra `bench` | | | |")
            continue
        seconds, system, peak_mb = (
            statistics.median(result[key] for result in results)
            for key in ("seconds", "system", "peak_mb")
        )
        base = base or seconds
        rows.append(
            f"| {fasta.name} | {name} | {seconds:.2f} | {system:.2f} | x{seconds / base:.2f} "
            f"| {peak_mb:.0f} |"
        )
    return rows


def write_inputs(folder: Path, megabases: int) -> dict[str, Path]:
    """Write one chromosome tiled from the demo, plain and compressed, and many small contigs."""
    with gzip.open(DEMO, "rt", encoding="ascii") as handle:
        letters = "".join(line.strip() for line in handle if not line.startswith(">"))
    # A multiple of the line's length, so that tiles follow each other in whole lines.
    tile = letters[: len(letters) // LINE_BP * LINE_BP]
    lines = wrapped(tile)
    inputs = {
        "plain": folder / "plain.fa",
        "gzip": folder / "gzip.fa.gz",
        "bgzip": folder / "bgzip.fa.gz",
        "small": folder / "small_contigs.fa",
    }
    with (
        inputs["plain"].open("wb") as plain,
        gzip.open(inputs["gzip"], "wb", compresslevel=6) as zipped,
        bgzf.BgzfWriter(str(inputs["bgzip"]), "wb", compresslevel=6) as blocks,
    ):
        for handle in (plain, zipped, blocks):
            handle.write(b">chromosome\n")
        for tiles in range(-(-megabases // DEMO_MB)):
            plain.write(lines)
            if tiles <= megabases // DEMO_MB // 10:
                zipped.write(lines)
                blocks.write(lines)
    with inputs["small"].open("wb") as small:
        for number in range(megabases * 1_000_000 // SMALL_BP * 2 // 5):
            start = number * SMALL_BP % (len(tile) - SMALL_BP)
            name = f">contig_{number} length={SMALL_BP} {'of a long description ' * 8}\n"
            small.write(name.encode() + wrapped(tile[start : start + SMALL_BP]))
    return inputs


def wrapped(letters: str) -> bytes:
    """Letters in lines."""
    starts = range(0, len(letters), LINE_BP)
    return "".join(f"{letters[start : start + LINE_BP]}\n" for start in starts).encode()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabases", type=int, default=250, help="length of the chromosome")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write results/importing.md")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        run_case(arguments.case[0], Path(arguments.case[1]))
        return
    # After the other processes: torch is not theirs to load.
    from _record import conditions, report
    from _tables import rows_of

    everyone = [
        "bare_translate",
        "bare_translate_1_mb",
        "bare_translate_whole",
        "bare_write",
        "bare_digest",
        "genomenet",
        "pyfaidx",
        "pysam",
        "biopython",
    ]
    with tempfile.TemporaryDirectory() as folder:
        inputs = write_inputs(Path(folder), arguments.megabases)
        rows = measure(inputs["plain"], everyone, arguments.repeats)
        rows += measure(inputs["small"], everyone, arguments.repeats)
        for name in ("gzip", "bgzip"):
            rows += measure(inputs[name], ["bare_gunzip", "genomenet"], arguments.repeats)
    table = "\n".join(
        [
            "| file | reader | CPU s | of them system | times | peak MB |",
            "|---|---|---:|---:|---:|---:|",
            *rows,
        ]
    )
    text = (
        f"# Importing\n\n{conditions(__file__)} plain.fa: one contig of {arguments.megabases} Mb, "
        f"the demo again and again, in lines of {LINE_BP}; small_contigs.fa: "
        f"{arguments.megabases * 2 // 5} Mb in contigs of {SMALL_BP:,} bp; gzip and bgzip: a tenth "
        "of plain.fa. User and system seconds of a process for each, after its imports, median of "
        f"{arguments.repeats} turns; memory with everything imported. genomenet writes codes, "
        "soft mask, counts, N runs and digest; pyfaidx and pysam index the file and fetch all of "
        "it; Biopython parses it; the bare forms do one thing only: translate in blocks of 16 MB "
        "(what the others are compared with), of 1 MB, or in one call, and keep nothing; write a "
        "byte for each byte; SHA-256 over half as many; decompress."
        f"\n\n{table}\n"
    )
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()

"""How long until help answers and until training has taken its first step, and what takes it."""

import argparse
import gzip
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

DEMO = Path(__file__).parents[1] / "data_prep" / "demo" / "human_chr20_42M_46M.fa.gz"
GENOMENET = [sys.executable, "-m", "genomenet"]
HELP, START, IMPORTS, HOST = "Help", "First step", "Imports", "Host work"
KERNELS, MEMORY = "Compiled kernels", "Freed memory"
FIND_KERNELS = """
import time
from genomenet.ops.native import library
start = time.perf_counter()
found, problem = library.find_library()
print(time.perf_counter() - start if found else problem)
"""
TIME_STEPS = """
import sys
sys.path.insert(0, {benchmarks!r})
from genomenet.host_memory import keep_freed_memory
if {kept}:
    keep_freed_memory()
import statistics, time, torch
from _arms import arms, make, training_step
torch.set_num_threads(1)
step = training_step(make(arms(4e6)["Mamba-2"]), torch.randint(0, 4, (4, 1025)))
seconds = []
for _ in range(8):
    start = time.process_time()
    step()
    seconds.append(time.process_time() - start)
print(statistics.median(seconds[2:]))
"""
POLL_S = 0.005
COPIES = 60
"""How many times larger the larger genome is."""
LARGEST = 8
"""Packages that the table of imports shows by name."""


def seconds_of(words: list[str]) -> float:
    """Wall seconds of a process."""
    start = time.perf_counter()
    subprocess.run([*GENOMENET, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def help_rows(repeats: int) -> Iterator[dict]:
    """`--help` of the command and of every verb."""
    from genomenet.cli.main import VERBS

    for words in ([], *([verb] for verb in VERBS)):
        command = [*words, "--help"]
        found = [seconds_of(command) for _ in range(repeats)]
        yield {
            "table": HELP,
            "command": " ".join(["genomenet", *command]),
            "seconds": statistics.median(found),
            "slowest": max(found),
        }


def training_words(genome: Path, arm: str, out: Path) -> list[str]:
    """`genomenet train` of one arm of the demo."""
    import yaml

    from genomenet.models.presets import find_config

    study = yaml.safe_load(find_config("demo").read_text(encoding="utf-8"))
    config = {
        "model": study["arms"][arm],
        "data": {**study["data"], "genome": str(genome)},
        "train": {**study["train"], "max_steps": 100},
    }
    path = out.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return ["train", "--config", str(path), "--out", str(out), "--quiet", "true"]


def first_step(words: list[str], out: Path) -> tuple[float, float]:
    """Wall and CPU seconds from launch until the first step's row stands in the run's table."""
    from genomenet.training.tables import TRAIN_TABLE

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with subprocess.Popen(
        [*GENOMENET, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        while not (out / TRAIN_TABLE).exists():
            if process.poll() is not None:
                assert process.stderr is not None
                sys.exit(process.stderr.read().decode())
            time.sleep(POLL_S)
        seconds = time.perf_counter() - start
        process.kill()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_rows(genome: Path, folder: Path, repeats: int) -> Iterator[dict]:
    """Time to the first step for an isotropic and a hierarchical arm of the demo."""
    for arm in ("mamba2", "hnet-mamba2"):
        found = []
        for number in range(repeats):
            out = folder / f"{arm}-{number}"
            found.append(first_step(training_words(genome, arm, out), out))
        yield {
            "table": START,
            "arm": arm,
            "seconds": statistics.median(wall for wall, _ in found),
            "slowest": max(wall for wall, _ in found),
            "cpu_s": statistics.median(cpu for _, cpu in found),
        }


def import_rows(genome: Path, folder: Path) -> Iterator[dict]:
    """Seconds of imports of a training run by top-level package, each without what it imports."""
    out = folder / "imports"
    words = training_words(genome, "hnet-mamba2", out)
    config = out.with_suffix(".yaml")
    config.write_text(
        config.read_text(encoding="utf-8").replace("max_steps: 100", "max_steps: 1"),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *GENOMENET[1:], *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    total: Counter[str] = Counter()
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr):
        total[name.split(".")[0]] += int(own)
    shown = total.most_common(LARGEST)
    for name, microseconds in shown:
        yield {"table": IMPORTS, "package": name, "seconds": microseconds / 1e6}
    rest = total.total() - sum(microseconds for _, microseconds in shown)
    yield {"table": IMPORTS, "package": "all others", "seconds": rest / 1e6}
    yield {"table": IMPORTS, "package": "all together", "seconds": total.total() / 1e6}


def kernel_rows(folder: Path) -> Iterator[dict]:
    """Seconds until the kernels are there: compiled at the first use, found at the next one."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    for use in ("first use on a machine", "every later one"):
        done = subprocess.run(
            [sys.executable, "-c", FIND_KERNELS],
            check=True, capture_output=True, text=True, env=environment,
        )  # fmt: skip
        try:
            yield {"table": KERNELS, "use": use, "seconds": float(done.stdout)}
        except ValueError:
            yield {"table": KERNELS, "use": f"{use}: {done.stdout.strip()}", "seconds": None}


def memory_rows(repeats: int) -> Iterator[dict]:
    """CPU seconds of a training step when freed memory is kept, and when it is given back."""
    found: dict[str, list[float]] = {"given back": [], "kept": []}
    for _ in range(repeats):
        for name, seconds in found.items():
            code = TIME_STEPS.format(benchmarks=str(Path(__file__).parent), kept=name == "kept")
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            seconds.append(float(done.stdout))
    for name, seconds in found.items():
        yield {"table": MEMORY, "memory": name, "seconds": statistics.median(seconds)}


def host_rows(small: Path, large: Path, rounds: int) -> Iterator[dict]:
    """CPU seconds that reading a training step takes, for both genomes in turns."""
    from contextlib import ExitStack, closing

    from genomenet.genome.genome import open_genome
    from genomenet.training.loader_speed import bench_windows, genome_files, training_batches
    from genomenet.training.page_cache import bring_in

    steps = 4_096  # many: windows are read ahead in larger pieces
    with ExitStack() as stack:
        running, found = {}, {}
        for path in (small, large):
            genome = open_genome(path)
            bring_in(genome_files(path))
            windows = bench_windows(genome, 1_024)
            running[genome.length_bp] = stack.enter_context(
                closing(training_batches(windows, 16, accelerator="cpu"))
            )
            found[genome.length_bp] = []
        for turn in range(rounds + 1):
            for length_bp, batches in running.items():
                start = time.process_time()
                for _ in range(steps):
                    next(batches)
                if turn:
                    found[length_bp].append((time.process_time() - start) / steps)
        for length_bp, seconds in found.items():
            yield {
                "table": HOST,
                "genome_bp": length_bp,
                "microseconds_per_step": statistics.median(seconds) * 1e6,
            }


def genomes(folder: Path) -> tuple[Path, Path]:
    """The demo's genome, and one of so many copies of it."""
    from genomenet.genome.importer import import_genome

    text = gzip.decompress(DEMO.read_bytes())
    tiled = folder / "tiled.fa"
    with tiled.open("wb") as target:
        for number in range(COPIES):
            target.write(text.replace(b">", b">copy%d_" % number, 1))
    small = import_genome([DEMO], folder / "small").path
    large = import_genome([tiled], folder / "large").path
    tiled.unlink()
    return Path(small), Path(large)


def text_of(rows: list[dict], repeats: int) -> str:
    """Markdown of all tables."""
    from _record import conditions
    from _tables import draw

    def of(table: str, columns: dict[str, tuple[str, str]]) -> str:
        return f"## {table}\n\n{draw((row for row in rows if row['table'] == table), columns)}"

    seconds = {"seconds": ("seconds", ".2f"), "slowest": ("slowest", ".2f")}
    return "\n\n".join(
        [
            f"# Start-up\n\n{conditions(__file__)} Wall seconds of processes, median of {repeats}, "
            "with files in the page cache. First step: from launch of `genomenet train` on the "
            "demo until the step's row is written. Imports: `-X importtime` of such a run; "
            "imports of a package by another count for the one imported. Freed memory: a training "
            "step of Mamba-2 with 4 million parameters on one thread. Host work: CPU time in "
            f"which a step of 16 windows of 1,024 bp is read, for the demo and {COPIES} copies.",
            of(HELP, {"command": ("command", ""), **seconds}),
            of(START, {"arm": ("arm", ""), **seconds, "cpu_s": ("CPU seconds", ".2f")}),
            of(IMPORTS, {"package": ("package", ""), "seconds": ("seconds", ".2f")}),
            of(KERNELS, {"use": ("use", ""), "seconds": ("seconds", ".2f")}),
            of(MEMORY, {"memory": ("freed memory is", ""), "seconds": ("CPU seconds", ".3f")}),
            of(
                HOST,
                {
                    "genome_bp": ("genome, bp", ",d"),
                    "microseconds_per_step": ("microseconds a step", ",.0f"),
                },
            ),
        ]
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/startup.*")
    arguments = parser.parse_args()
    rows = list(help_rows(arguments.repeats))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        small, large = genomes(folder)
        rows += start_rows(small, folder, arguments.repeats)
        rows += import_rows(small, folder)
        rows += kernel_rows(folder)
        rows += memory_rows(arguments.repeats)
        rows += host_rows(small, large, arguments.repeats)
    from _record import report

    report(__file__, text_of(rows, arguments.repeats) + "\n", arguments.save, rows)


if __name__ == "__main__":
    main()

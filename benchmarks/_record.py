"""What every benchmark writes: the conditions it ran under, and its table kept in results/."""

import datetime
import sys
from pathlib import Path

import torch


def conditions(script: str) -> str:
    """Command, date, processor, threads and torch, as one line."""
    command = " ".join(["python", f"benchmarks/{Path(script).name}", *sys.argv[1:]])
    today = datetime.date.today().isoformat()
    return (
        f"`{command}`, {today}. {processor()}, {torch.get_num_threads()} thread(s), "
        f"torch {torch.__version__}."
    )


def processor() -> str:
    """Name of the processor, as Linux tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "unknown")


def report(script: str, text: str, save: bool) -> None:
    """Print a table, and keep it under results/ by script and date."""
    print(text)
    if save:
        today = datetime.date.today().isoformat()
        target = Path(__file__).parent / "results" / f"{Path(script).stem}-{today}.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")

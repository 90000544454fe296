"""`genomenet plan`: memory, micro-batch and speed on a GPU, computed from configs alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import text_table
from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.models.devices import DEVICES, REACHED, USABLE_MEMORY, Device
from genomenet.models.memory import Memory, Step, largest_batch, training_memory
from genomenet.models.parameters import count_parameters
from genomenet.models.presets import find_model
from genomenet.models.saved_bytes import Kernels
from genomenet.models.speed import training_speed

SECONDS_PER_DAY = 86_400
NOTE = "Computed, not measured"


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "plan",
        "PRESET_OR_CONFIG... [--device H100] [--max_length BASES] [--micro_batch WINDOWS] ...",
        "Compute memory by part, the largest micro-batch that fits, and bases per second on a GPU, "
        "from the config alone. Nothing is measured and no GPU is needed; docs/gpu.md has the "
        "assumptions.",
    )
    parser.add_argument("names", type=str, nargs="+", help="Presets or config files of models.")
    parser.add_argument("--device", choices=tuple(DEVICES), default="H100", help="The GPU.")
    parser.add_argument("--max_length", type=int, default=8192, help="Window length in bases.")
    parser.add_argument(
        "--micro_batch",
        type=int,
        default=0,
        help="Windows of a forward pass on one device; 0 is as many as fit.",
    )
    parser.add_argument(
        "--precision", choices=("bfloat16", "float32"), default="bfloat16", help="As in training."
    )
    parser.add_argument(
        "--matmul_precision",
        choices=("highest", "high", "medium"),
        default="highest",
        help="As in training: below highest, products of float32 matrices run in TF32.",
    )
    parser.add_argument(
        "--activation_checkpointing",
        action="store_true",
        help="Work activations out anew in the backward pass.",
    )
    parser.add_argument("--devices", type=int, default=1, help="GPUs that train together.")
    parser.add_argument(
        "--strategy", choices=("ddp", "fsdp"), default="ddp", help="How they share the model."
    )
    parser.add_argument(
        "--positions_per_chunk",
        type=float,
        nargs="+",
        default=[],
        help="Mean positions per chunk, one a chunking stage; the targets if left out.",
    )
    parser.add_argument(
        "--padding",
        type=float,
        default=1.0,
        help="Positions that rows of chunks have room for over their chunks: 1 where they are "
        "packed, which takes the CUDA packages; about 1.1 to 1.25 otherwise.",
    )
    parser.add_argument("--bases", type=float, default=1e11, help="Bases to train on, for days.")
    parser.add_argument("--json", action="store_true", help="Print a JSON list of objects.")
    parsed = parser.read(words)
    _check(parsed)
    device = DEVICES[parsed.device]
    rows = [_row(name, find_model(name).check(), parsed, device) for name in parsed.names]
    if parsed.json:
        print(json.dumps(rows, indent=2))
    else:
        _tell(rows, parsed, device)
    return 0


def _check(parsed: Any) -> None:
    for name, least in (("max_length", 2), ("micro_batch", 0), ("devices", 1)):
        if getattr(parsed, name) < least:
            raise UserError(f"--{name} is {getattr(parsed, name)}; give {least} or more")
    if parsed.padding < 1:
        raise UserError(f"--padding is {parsed.padding:g}; rows can't hold less than their chunks")
    if any(rate < 1 for rate in parsed.positions_per_chunk):
        raise UserError("--positions_per_chunk must be 1 or more: a chunk has a position")
    if not parsed.bases > 0:
        raise UserError(f"--bases is {parsed.bases:g}; give a number above 0")


def _row(name: str, config: ModelConfig, parsed: Any, device: Device) -> dict[str, Any]:
    step = _step(name, config, parsed)
    rows = parsed.micro_batch or largest_batch(config, step, USABLE_MEMORY * device.memory_bytes)
    step = replace(step, rows=max(1, rows))
    memory = training_memory(config, step)
    speed = training_speed(config, step, device)
    bound = training_speed(config, step, device, dict.fromkeys(REACHED, 1.0))
    expected = speed.bases_per_second * parsed.devices
    return {
        "name": name,
        "computed": NOTE,
        "device": device.name,
        "devices": parsed.devices,
        "parameters": count_parameters(config),
        "max_length": parsed.max_length,
        "micro_batch": step.rows,
        "fits": rows > 0 and memory.total <= USABLE_MEMORY * device.memory_bytes,
        "memory_bytes": {part: round(size) for part, size in _parts(memory).items()},
        "bases_per_second": expected,
        "bases_per_second_bound": bound.bases_per_second * parsed.devices,
        "seconds_per_base_by_part": speed.by_part,
        "seconds_per_base_by_limit": speed.by_limit,
        "days": parsed.bases / expected / SECONDS_PER_DAY,
    }


def _step(name: str, config: ModelConfig, parsed: Any) -> Step:
    rates = [config.target(stage) for stage in range(config.compressions)]
    if parsed.positions_per_chunk:
        if len(parsed.positions_per_chunk) != len(rates):
            raise UserError(
                f"--positions_per_chunk has {len(parsed.positions_per_chunk)} value(s), but {name} "
                f"has {len(rates)} chunking stage(s)"
            )
        rates = parsed.positions_per_chunk
    if config.tokeniser != "kmer" and rates:
        # Stages within are shares of the padded rows, so that they are padded as much.
        rates = [rates[0] / parsed.padding, *rates[1:]]
    half, exact = parsed.precision == "bfloat16", parsed.matmul_precision == "highest"
    return Step(
        rows=1,
        length_bp=parsed.max_length,
        positions_per_chunk=[max(1.0, rate) for rate in rates],
        kernels=Kernels(half, packaged=True, tensor_float=not exact),
        activation_checkpointing=parsed.activation_checkpointing,
        devices=parsed.devices if parsed.strategy == "fsdp" else 1,
    )


def _parts(memory: Memory) -> dict[str, float]:
    """All parts, what is kept for the backward pass part by part."""
    parts = {**asdict(memory), "total": memory.total}
    kept = parts.pop("saved")
    return {**{f"kept for backward: {part}": size for part, size in kept.items()}, **parts}


def _tell(rows: list[dict[str, Any]], parsed: Any, device: Device) -> None:
    header = (
        "model", "parameters", "micro-batch", "GB", "GB kept", "bases/s", "at most",
        f"days for {parsed.bases:.3g}",
    )  # fmt: skip
    lines = [
        (
            row["name"],
            f"{row['parameters']:,}",
            f"{row['micro_batch']:,}" + ("" if row["fits"] else " (too large)"),
            f"{row['memory_bytes']['total'] / 1e9:.1f}",
            f"{_kept(row) / 1e9:.1f}",
            f"{row['bases_per_second']:,.0f}",
            f"{row['bases_per_second_bound']:,.0f}",
            f"{row['days']:.2f}",
        )
        for row in rows
    ]
    print(text_table(header, lines, "<>>>>>>>"))
    if len(rows) == 1:
        _tell_parts(rows[0])
    many = f"{parsed.devices} x " if parsed.devices > 1 else ""
    exact = "float32" if parsed.matmul_precision == "highest" else "TF32"
    shares = ", ".join(f"{kind} {share:g}" for kind, share in REACHED.items())
    print(
        f"\n{NOTE}: {many}{device.name}, windows of {parsed.max_length:,} bases, "
        f"{parsed.precision}, products of float32 in {exact};\n"
        f"mamba-ssm, causal-conv1d and flash-attn.\n"
        f"Peaks are those of the {device.source}; assumed shares of them: {shares}; "
        f"{USABLE_MEMORY:.0%} of memory.\n"
        "'at most' is with all shares 1. Left out: launches of kernels, the host, reading of data"
        + (", communication between devices." if parsed.devices > 1 else ".")
    )


def _kept(row: dict[str, Any]) -> int:
    return sum(size for part, size in row["memory_bytes"].items() if part.startswith("kept"))


def _tell_parts(row: dict[str, Any]) -> None:
    memory = row["memory_bytes"]
    sizes = [
        (part.replace("_", " "), f"{size / 1e9:.3f}", f"{size / memory['total']:.1%}")
        for part, size in memory.items()
        if size
    ]
    print()
    print(text_table(("memory", "GB", "share"), sizes, "<>>"))
    for name, what in (("by_part", "time"), ("by_limit", "limited by")):
        seconds = row[f"seconds_per_base_{name}"]
        whole = sum(seconds.values())
        shares = [
            (part.replace("_", " "), f"{one / whole:.1%}")
            for part, one in sorted(seconds.items(), key=lambda item: -item[1])
        ]
        print()
        print(text_table((what, "share"), shares, "<>"))

"""What a training step of every arm spends its time on, beside what the machine can do at most."""

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterator

import torch
from _arms import arms, make, named, training_step
from _record import conditions, report
from _tables import HEADING, Row, draw
from _timing import Clock, interleaved, use_threads
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

from genomenet.models.config import ModelConfig
from genomenet.models.parameters import count_parameters
from genomenet.ops.linear import linear

PRODUCTS, BATCHED = "matrix products", "batched products"
ATTENTION, SCAN, CONVOLUTION, NORMS = "attention", "scan", "convolution", "norms"
SWIGLU, ENDS, OPTIMISER, OTHER = "SwiGLU", "embedding and loss", "optimiser", "other"
GROUPS = (PRODUCTS, BATCHED, ATTENTION, SCAN, CONVOLUTION, NORMS, SWIGLU, ENDS, OPTIMISER, OTHER)
CEILINGS, STEPS, SHARES, FEW = "Ceilings", "Steps", "Shares", "Products of few rows"

WHOLE = {
    "Optimizer.step": OPTIMISER,
    "Optimizer.zero_grad": OPTIMISER,
    "genomenet::ssd": SCAN,
    "genomenet::conv": CONVOLUTION,
    "genomenet::norm": NORMS,
    "genomenet::swiglu": SWIGLU,
    "genomenet::rope": ATTENTION,
    "genomenet::attention": ATTENTION,
    "SSDScan": SCAN,
    "_EMA": SCAN,
    "_ConvSiLU": CONVOLUTION,
    "_GatedRMSNorm": NORMS,
    "_RMSNorm": NORMS,
    "_Rotate": ATTENTION,
    "_SegmentAttention": ATTENTION,
    "_SlotAttention": ATTENTION,
    "_Fetch": ATTENTION,
    "aten::scaled_dot_product": ATTENTION,
    "aten::_scaled_dot_product": ATTENTION,
    "ScaledDotProduct": ATTENTION,
    "aten::cross_entropy": ENDS,
    "aten::_log_softmax": ENDS,
    "LogSoftmax": ENDS,
    "aten::nll_loss": ENDS,
    "NllLoss": ENDS,
    "aten::embedding": ENDS,
    "Embedding": ENDS,
}
"""Beginnings of names: all that happens within such an event is of its group, its batched products
aside."""
ONEDNN = "mkldnn::_linear_pointwise"
SINGLE = {
    "aten::mm": PRODUCTS,
    "aten::addmm": PRODUCTS,
    "aten::mkldnn_linear": PRODUCTS,
    ONEDNN: PRODUCTS,
    "aten::bmm": BATCHED,
    "aten::baddbmm": BATCHED,
    "aten::baddbmm_": BATCHED,
}
ELEMENTWISE = (
    "add add_ sub sub_ mul mul_ div div_ neg exp exp_ silu silu_ silu_backward copy_ cat addcmul "
    "addcmul_ where square square_ sum cumsum softplus softplus_backward fill_ zero_"
)
"""Operations that do next to nothing but read and write."""
ENGINE = "autograd::engine::evaluate_function: "
COPIED = 1 << 26
"""Numbers of the tensors whose copying gives the memory's ceiling."""
ROOM_PIECE, ROOM_PIECES = 1 << 22, 96
"""Numbers of a tensor that glibc keeps in its heap, and how many make more than a step needs."""
WIDTH = 2_048
"""Of the square matrices whose product gives the ceiling of products."""
FEW_ROWS = (1, 4, 8, 11, 16, 32)
"""Rows that decode together: 11 is about a third of 32."""
LAYERS = 24
"""Matrices of 512 x 2,192 numbers, as many as no cache holds: they are read from memory."""


def group_of(event: FunctionEvent) -> str:
    """The group that an event's own time belongs to."""
    single = SINGLE.get(event.name)
    around: FunctionEvent | None = event
    group = single or OTHER
    while around is not None:
        name = around.name.removeprefix(ENGINE)
        for start, whole in WHOLE.items():
            if name.startswith(start):
                # Products inside the scan are told apart; inside the optimiser nothing is.
                group = single if single == BATCHED and whole != OPTIMISER else whole
                break
        around = around.cpu_parent
    return group


def flops_of(event: FunctionEvent) -> int:
    """FLOPs of a product; the profiler doesn't know those of oneDNN."""
    if event.name != ONEDNN:
        return event.flops or 0
    x, weight = (event.input_shapes or [])[:2]
    return 2 * math.prod(x) * weight[0]


def bytes_moved(event: FunctionEvent) -> int:
    """Bytes that an elementwise operation reads and writes, of numbers of four bytes."""
    sizes = [math.prod(shape) for shape in event.input_shapes or () if shape]
    return 4 * (sum(sizes) + max(sizes)) if sizes else 0


def ceilings(repeats: int, clock: Clock) -> dict[str, float]:
    """GFLOP/s of a large product, and GB/s of a large copy, both ways counted."""
    matrix, source = torch.ones(WIDTH, WIDTH), torch.ones(COPIED)
    target = torch.empty_like(source)
    cases = {
        "gflops": lambda: linear(matrix, matrix),
        "gbytes": lambda: target.copy_(source),
    }
    work = {"gflops": 2 * WIDTH**3, "gbytes": 2 * 4 * COPIED}
    times = interleaved(cases, repeats, clock)
    return {name: work[name] / min(times[name].seconds) / 1e9 for name in cases}


def few_rows(repeats: int, clock: Clock) -> Iterator[Row]:
    """What products take when few rows meet all weights, as in decoding a batch."""
    weights = [torch.randn(2_192, 512) for _ in range(LAYERS)]
    inputs = {rows: torch.randn(rows, 512) for rows in FEW_ROWS}

    def products(rows: int) -> Callable[[], object]:
        return lambda: [linear(inputs[rows], weight) for weight in weights]

    cases = {str(rows): products(rows) for rows in FEW_ROWS}
    times = interleaved(cases, repeats, clock)
    most = times[str(max(FEW_ROWS))].median
    for rows in FEW_ROWS:
        seconds = times[str(rows)].median
        yield {
            HEADING: FEW,
            "rows": rows,
            "us": seconds / LAYERS * 1e6,
            "of_most": seconds / most,
            "share": rows / max(FEW_ROWS),
        }


def profiled(step: Callable[[], object], steps: int) -> list[FunctionEvent]:
    """Events of some steps.

    The profiler keeps its events where tensors were, which then come as fresh pages, whose filling
    with zeros is counted to whatever touches them first. There is therefore more memory than both
    need, kept from tensors before.
    """
    room = [torch.ones(ROOM_PIECE) for _ in range(ROOM_PIECES)]
    del room
    with profile(
        activities=[ProfilerActivity.CPU], record_shapes=True, with_flops=True, acc_events=True
    ) as recorded:
        for _ in range(steps):
            step()
    return list(recorded.events() or [])


def rows_of_arms(size: float, tokens: torch.Tensor, steps: int, clock: Clock) -> Iterator[Row]:
    """For every arm a row on its step, and one a group.

    Steps are timed in turns and profiled after that: what the first arm of a process meets, fresh
    memory above all, would otherwise be taken for its own.
    """
    configs = arms(size)
    cases = {name: training_step(make(config), tokens) for name, config in configs.items()}
    times = interleaved(cases, steps, clock)
    for name, config in configs.items():
        events = profiled(cases[name], steps)
        yield from rows_of_arm(name, config, events, times[name].median / tokens[:, 1:].numel())


def rows_of_arm(
    name: str, config: ModelConfig, events: list[FunctionEvent], seconds_per_base: float
) -> Iterator[Row]:
    """A row on the arm's step, and one a group."""
    own: Counter[str] = Counter()
    flops = product_us = moved = moving_us = 0.0
    names = {f"aten::{word}" for word in ELEMENTWISE.split()}
    for event in events:
        group = group_of(event)
        own[group] += event.self_cpu_time_total
        if group == PRODUCTS:
            flops += flops_of(event)
            product_us += event.self_cpu_time_total
        if event.name in names:
            moved += bytes_moved(event)
            moving_us += event.self_cpu_time_total
    total = own.total()
    start = {"arm": name, "layout": config.layout, "parameters": count_parameters(config)}
    yield {
        HEADING: STEPS,
        **start,
        "bases_per_s": 1 / seconds_per_base,
        "products_gflops": flops / product_us / 1e3 if product_us else None,
        "elementwise_gbytes": moved / moving_us / 1e3 if moving_us else None,
        "elementwise_share": moving_us / total,
    }
    for group in GROUPS:
        share = own[group] / total
        yield {
            HEADING: SHARES,
            **start,
            "group": group,
            "share": share,
            "us_per_base": share * seconds_per_base * 1e6,
        }


FEW_COLUMNS = {
    "rows": ("rows", "d"),
    "us": ("microseconds a product", ",.0f"),
    "of_most": ("of that of the most rows", ".0%"),
    "share": ("their share of rows", ".0%"),
}


def text_of(rows: list[Row], arguments: argparse.Namespace) -> str:
    """Markdown: ceilings, steps held against them, and shares."""
    top = next(row for row in rows if row[HEADING] == CEILINGS)
    steps = [row for row in rows if row[HEADING] == STEPS]
    for row in steps:
        row["shown"] = named(row["parameters"])
        for key, ceiling in (("products_gflops", "gflops"), ("elementwise_gbytes", "gbytes")):
            if row[key]:
                row[f"{key}_of_ceiling"] = row[key] / top[ceiling]
    columns = {
        "arm": ("arm", ""),
        "layout": ("layout", ""),
        "shown": ("parameters", ",.0f"),
        "bases_per_s": ("bases/s", ",.0f"),
        "products_gflops": ("products, GFLOP/s", ",.0f"),
        "products_gflops_of_ceiling": ("of the ceiling", ".0%"),
        "elementwise_gbytes": ("elementwise, GB/s", ",.1f"),
        "elementwise_gbytes_of_ceiling": ("of the ceiling", ".0%"),
        "elementwise_share": ("elementwise, share of time", ".0%"),
    }
    shares: dict[str, Row] = {}
    for row in rows:
        if row[HEADING] == SHARES:
            shares.setdefault(row["arm"], {"arm": row["arm"]})[row["group"]] = row["share"]
    wide = {"arm": ("arm", "")} | {group: (group, ".0%") for group in GROUPS}
    return (
        f"# Where the time of a training step goes\n\n{conditions(__file__)} float32, "
        f"{arguments.rows} windows of {arguments.length:,} random bases; own times of operations "
        f"by torch's profiler over {arguments.steps} steps. Ceilings: a product of square matrices "
        f"{WIDTH:,} wide reaches {top['gflops']:,.0f} GFLOP/s, and a copy of {COPIED / 1e6:,.0f} "
        f"million numbers moves {top['gbytes']:,.1f} GB/s; small ones in a cache may pass that. "
        "Elementwise: operations that torch knows by name, wherever they stand; what fused kernels "
        f"do inside is not among them.\n\n{draw(steps, columns)}\n\n"
        f"## Shares of the step\n\n{draw(shares.values(), wide)}\n\n"
        f"## {FEW}\n\n{draw((row for row in rows if row[HEADING] == FEW), FEW_COLUMNS)}\n"
    )


def main() -> None:
    """Profile, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=4e6, help="parameters")
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=1_024)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", action="store_true", help="write results/where_time_goes.*")
    arguments = parser.parse_args()
    clock = use_threads(arguments.threads)
    tokens = torch.randint(0, 4, (arguments.rows, arguments.length + 1))
    rows: list[Row] = [{HEADING: CEILINGS, **ceilings(arguments.steps, clock)}]
    rows += few_rows(arguments.steps, clock)
    rows += rows_of_arms(arguments.size, tokens, arguments.steps, clock)
    report(__file__, text_of(rows, arguments), arguments.save, rows)


if __name__ == "__main__":
    main()

"""A training step of every kind of arm beside its peer in transformers, and beside each other."""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import _peers
import torch
import transformers
from _record import conditions, report
from _tables import rows_of
from _timing import Case, Timing, interleaved
from torch import Tensor, nn
from torch.nn import functional as F

from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.models.language_model import LanguageModel
from genomenet.models.parameters import count_parameters

TOKENS = 4096
"""In a micro-batch of short windows: larger ones are slower per token on a CPU."""
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Size:
    """About so many parameters, for every kind of arm."""

    d_model: int
    transformer_layers: int
    mamba_layers: int
    blt: tuple[int, int, int]

    def peers(self) -> dict[str, Callable[[], _peers.Peers]]:
        """Makers of models that transformers has too."""
        width = self.d_model
        return {
            "Mamba-2": lambda: _peers.mamba2(width, self.mamba_layers, (256, 128, 64)),
            "Transformer": lambda: _peers.llama(width, self.transformer_layers, 11 * width // 4),
            "BLT": lambda: _peers.blt(*self.blt, patch=6),
        }

    def arms(self) -> dict[str, tuple[ModelConfig, ModelConfig]]:
        """H-Nets with the isotropic arm of the same main mixer, of about equal nominal FLOPs."""
        plain = ModelConfig(d_model=self.d_model, d_state=64, targets=3)
        t, m = self.transformer_layers, self.mamba_layers // 2
        return {
            "H-Net, Mamba-2 within": (
                replace(plain, layout=f"m2 + M{2 * m - 2} + m2"),
                replace(plain, layout=f"M{m}"),
            ),
            "H-Net, Transformer within": (
                replace(plain, layout=f"m2 + T{2 * t - 3} + m2"),
                replace(plain, layout=f"T{t}"),
            ),
        }


SIZES = {"1M": Size(128, 5, 9, (64, 128, 3)), "4M": Size(256, 5, 9, (128, 256, 3))}


def training_step(
    model: nn.Module, logits: Callable[[nn.Module, Tensor], Tensor], tokens: Tensor, precision: str
) -> Case:
    """Forward, backward and AdamW on next-token cross-entropy."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, foreach=True)
    half = precision != "float32"

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", PRECISIONS[precision], enabled=half):
            scores = logits(model, tokens[:, :-1])
        F.cross_entropy(scores.flatten(0, 1).float(), tokens[:, 1:].flatten()).backward()
        optimiser.step()

    return step


def some_tokens(length: int, vocabulary: int) -> Tensor:
    """Random tokens: what they are changes no operation."""
    rows = max(1, TOKENS // length)
    return torch.randint(0, vocabulary if vocabulary > 8 else 4, (rows, length + 1))


def spread(timing: Timing, other: Timing) -> str:
    """How many times as long, with the range over turns."""
    ratio, low, high = timing.ratio_to(other)
    return f"x{ratio:.2f} ({low:.2f} to {high:.2f})"


def peer_rows(arguments: argparse.Namespace, clock: Callable[[], float]) -> list[str]:
    """Ours beside theirs, with the same weights."""
    rows = []
    for size_name in arguments.sizes:
        for arm, make in SIZES[size_name].peers().items():
            if arguments.arms and arm not in arguments.arms:
                continue
            for length in arguments.lengths:
                torch.manual_seed(0)
                peers = make()
                tokens = some_tokens(length, peers.vocabulary)
                same_logits(peers, tokens)
                parameters = sum(p.numel() for p in peers.ours.parameters())
                for precision in arguments.precisions:
                    models = {"genomenet": peers.ours, **peers.theirs}
                    cases = {
                        name: training_step(model, peers.logits, tokens, precision)
                        for name, model in models.items()
                    }
                    times = interleaved(cases, arguments.repeats, clock)
                    ours = times.pop("genomenet")
                    bases = tokens[:, 1:].numel()
                    rows += [
                        f"| {arm} | {parameters / 1e6:.1f}M | {length:,} | {precision} "
                        f"| {bases / ours.median:,.0f} | {name} | {bases / theirs.median:,.0f} "
                        f"| {spread(theirs, ours)} |"
                        for name, theirs in times.items()
                    ]
                    print(*rows[-len(times) :], sep="\n", flush=True)
    return rows


@torch.no_grad()
def same_logits(peers: _peers.Peers, tokens: Tensor) -> None:
    """Make sure that both compute the same; angles of late positions are rounded differently."""
    ours = peers.logits(peers.ours, tokens[:, :-1])
    for theirs in peers.theirs.values():
        torch.testing.assert_close(
            peers.logits(theirs, tokens[:, :-1]), ours, rtol=0, atol=2e-3, check_dtype=False
        )


def chunk_every_third(model: LanguageModel, tokens: Tensor) -> None:
    """Let a router that has not learned yet ask at a third of the positions, irregularly."""
    network = model.backbone
    for projection in (network.routing_module.q_proj_layer, network.routing_module.k_proj_layer):
        nn.init.normal_(projection.weight, std=projection.weight.shape[0] ** -0.5)
    network.guards = replace(network.guards, threshold=2.0)
    with torch.no_grad():
        asked = model(tokens).boundaries[0].probability[:, 1:]
    network.guards = replace(network.guards, threshold=float(asked.quantile(2 / 3)))


def arm_rows(arguments: argparse.Namespace, clock: Callable[[], float]) -> list[str]:
    """H-Net beside the isotropic arm of the same mixer: seconds per nominal FLOP."""
    rows = []
    for size_name in arguments.sizes:
        for arm, configs in SIZES[size_name].arms().items():
            if arguments.arms and arm not in arguments.arms:
                continue
            for length in arguments.lengths:
                torch.manual_seed(0)
                hnet, plain = (LanguageModel(config) for config in configs)
                tokens = some_tokens(length, _peers.VOCABULARY)
                chunk_every_third(hnet, tokens[:, :-1])
                with torch.no_grad():
                    rate = float(hnet(tokens[:, :-1]).boundaries[0].positions_per_chunk)
                flops = [
                    flops_per_base(configs[0], length, [rate]).training,
                    flops_per_base(configs[1], length).training,
                ]
                for precision in arguments.precisions:
                    cases = {
                        name: training_step(model, lambda m, t: m(t).logits, tokens, precision)
                        for name, model in (("hnet", hnet), ("plain", plain))
                    }
                    times = interleaved(cases, arguments.repeats, clock)
                    bases = tokens[:, 1:].numel()
                    speeds = [
                        bases * f / times[n].median for n, f in zip(times, flops, strict=True)
                    ]
                    turns = [
                        value * flops[1] / flops[0]
                        for value in times["hnet"].ratio_to(times["plain"])
                    ]
                    rows.append(
                        f"| {arm} | {count_parameters(configs[0]) / 1e6:.1f}M "
                        f"| {configs[1].layout} | {length:,} | {precision} | {rate:.2f} "
                        f"| {flops[0] / 1e6:.2f} | {flops[1] / 1e6:.2f} "
                        f"| {bases / times['hnet'].median:,.0f} | {bases / times['plain'].median:,.0f} "
                        f"| {speeds[0] / 1e9:.1f} | {speeds[1] / 1e9:.1f} "
                        f"| x{turns[0]:.2f} ({turns[1]:.2f} to {turns[2]:.2f}) |"
                    )
                    print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--lengths", nargs="+", type=int, default=[1024, 8192])
    parser.add_argument(
        "--precisions", nargs="+", choices=list(PRECISIONS), default=list(PRECISIONS)
    )
    parser.add_argument("--arms", nargs="+", default=[], help="names of rows; all when left out")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/training.md")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    peers, arms = peer_rows(arguments, clock), arm_rows(arguments, clock)
    text = (
        f"# Training steps\n\n{conditions(__file__)} transformers {transformers.__version__}. "
        f"Forward, backward and AdamW; micro-batches of {TOKENS:,} bases, or one window of more. "
        f"Median of {arguments.repeats} turns, and the range of ratios over them.\n\n"
        "## Beside transformers, with the same weights\n\n"
        "| arm | parameters | window | precision | ours, bases/s | theirs | bases/s | ours is |\n"
        "|---|---:|---:|---|---:|---|---:|---:|\n" + "\n".join(peers) + "\n\n"
        "## H-Net beside the isotropic arm of the same mixer\n\n"
        "| arm | parameters | isotropic | window | precision | bases/chunk | MFLOP/base | isotropic "
        "| bases/s | isotropic | GFLOP/s | isotropic | time per FLOP |\n"
        "|---|---:|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|\n" + "\n".join(arms) + "\n"
    )
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()

"""A training step of every kind of arm beside its peer in transformers, and beside each other."""

import argparse
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate

import _peers
import torch
import transformers
from _arms import ask_at_rate, training_step
from _record import conditions, report
from _tables import rows_of
from _timing import Clock, Timing, interleaved, use_threads
from torch import Tensor

from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.models.language_model import LanguageModel
from genomenet.models.parameters import count_parameters
from genomenet.training.performance import matmul_flops_per_second

TOKENS = 4096
"""In a micro-batch of short windows: larger ones are slower per token on a CPU."""
CPU = torch.device("cpu")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Size:
    """About so many parameters, for every kind of arm."""

    d_model: int
    transformer_layers: int
    mamba_layers: int
    blt: tuple[int, int, int]

    def peers(self, length: int) -> dict[str, Callable[[], _peers.Peers]]:
        """Makers of models that transformers has too.

        BLT's published window is 512 in sequences of 8,192; in shorter ones an eighth of them.
        """
        width = self.d_model
        return {
            "Mamba-2": lambda: _peers.mamba2(width, self.mamba_layers, (256, 128, 64)),
            "Transformer": lambda: _peers.llama(width, self.transformer_layers, 11 * width // 4),
            "BLT": lambda: _peers.blt(*self.blt, patch=6, window=min(512, length // 8)),
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


def some_tokens(length: int, vocabulary: int) -> Tensor:
    """Random tokens: what they are changes no operation."""
    rows = max(1, TOKENS // length)
    return torch.randint(0, vocabulary if vocabulary > 8 else 4, (rows, length + 1))


def spread(timing: Timing, other: Timing) -> str:
    """How many times as long, with the range over turns."""
    ratio, low, high = timing.ratio_to(other)
    return f"x{ratio:.2f} ({low:.2f} to {high:.2f})"


def peer_rows(arguments: argparse.Namespace, clock: Clock) -> list[str]:
    """Ours beside theirs, with the same weights."""
    rows = []
    for size_name in arguments.sizes:
        for length in arguments.lengths:
            for arm, make in SIZES[size_name].peers(length).items():
                if arguments.arms and arm not in arguments.arms:
                    continue
                torch.manual_seed(0)
                peers = make()
                tokens = some_tokens(length, peers.vocabulary)
                same_logits(peers, tokens)
                parameters = sum(p.numel() for p in peers.ours.parameters())
                for precision in arguments.precisions:
                    models = {"genomenet": peers.ours, **peers.theirs}
                    cases = {
                        name: training_step(model, tokens, peers.logits, PRECISIONS[precision])
                        for name, model in models.items()
                    }
                    times = interleaved(cases, arguments.repeats, clock)
                    ours = times.pop("genomenet")
                    bases = tokens[:, 1:].numel()
                    pace = matmul_flops_per_second(CPU, PRECISIONS[precision])
                    least = Arm.of(peers.ours, length, peers.rates).executed * bases / pace
                    rows += [
                        f"| {arm} | {parameters / 1e6:.1f}M | {length:,} | {precision} "
                        f"| {bases / ours.median:,.0f} | {name} | {bases / theirs.median:,.0f} "
                        f"| {spread(theirs, ours)} | x{theirs.median / least:.1f} |"
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


@dataclass(frozen=True)
class Arm:
    """One side of a comparison at equal mixers."""

    model: LanguageModel
    nominal: float
    executed: float

    @classmethod
    def of(cls, model: LanguageModel, length: int, rates: list[float]) -> "Arm":
        """Training FLOPs per base, as papers count them and without the keys that nothing sees."""
        flops = flops_per_base(model.config, length, rates)
        unseen = 0.0
        for stage, positions in enumerate(accumulate([length, *rates], operator.truediv)):
            numbers, letters = model.config.stage(stage), letters_of(model.config, stage)
            layers = sum(letter in "tTE" for letter in letters)
            per_key = 4 * numbers.d_model + 3 * (numbers.d_model // numbers.head_dim)
            keys = positions if numbers.window < 0 else min(positions, numbers.window + 1)
            unseen += layers * per_key * keys**2 / (2 * positions) * positions / length
        return cls(model, flops.training, flops.training - 3 * unseen)


def letters_of(config: ModelConfig, stage: int) -> str:
    """The layers at the resolution of a stage."""
    layout = config.networks()
    if stage == layout.stages:
        return layout.main
    return layout.encoders[stage] + layout.decoders[stage]


def arm_rows(arguments: argparse.Namespace, clock: Clock) -> list[str]:
    """H-Net beside the isotropic arm of the same mixer: seconds per FLOP."""
    rows = []
    for size_name in arguments.sizes:
        for arm, configs in SIZES[size_name].arms().items():
            if arguments.arms and arm not in arguments.arms:
                continue
            for length in arguments.lengths:
                torch.manual_seed(0)
                hnet, plain = (LanguageModel(config) for config in configs)
                tokens = some_tokens(length, _peers.VOCABULARY)
                ask_at_rate(hnet, tokens[:, :-1], 3)
                with torch.no_grad():
                    rate = float(hnet(tokens[:, :-1]).boundaries[0].positions_per_chunk)
                arms = {"hnet": Arm.of(hnet, length, [rate]), "plain": Arm.of(plain, length, [])}
                for precision in arguments.precisions:
                    cases = {
                        name: training_step(one.model, tokens, dtype=PRECISIONS[precision])
                        for name, one in arms.items()
                    }
                    times = interleaved(cases, arguments.repeats, clock)
                    rows.append(arm_row(arm, length, precision, rate, arms, times, tokens))
                    print(rows[-1], flush=True)
    return rows


def arm_row(
    arm: str,
    length: int,
    precision: str,
    rate: float,
    arms: dict[str, Arm],
    times: dict[str, Timing],
    tokens: Tensor,
) -> str:
    """One comparison."""
    bases = tokens[:, 1:].numel()
    hnet, plain = arms["hnet"], arms["plain"]
    ratio, low, high = times["hnet"].ratio_to(times["plain"])
    nominal, executed = plain.nominal / hnet.nominal, plain.executed / hnet.executed
    return (
        f"| {arm} | {count_parameters(hnet.model.config) / 1e6:.1f}M | {plain.model.config.layout} "
        f"| {length:,} | {precision} | {rate:.2f} | {hnet.nominal / 1e6:.2f} "
        f"| {plain.nominal / 1e6:.2f} | {bases / times['hnet'].median:,.0f} "
        f"| {bases / times['plain'].median:,.0f} "
        f"| x{ratio * nominal:.2f} ({low * nominal:.2f} to {high * nominal:.2f}) "
        f"| x{ratio * executed:.2f} |"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--lengths", nargs="+", type=int, default=[1024, 8192])
    parser.add_argument(
        "--precisions", nargs="+", choices=list(PRECISIONS), default=list(PRECISIONS)
    )
    parser.add_argument("--arms", nargs="+", default=[], help="names of rows; all when left out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/training.md")
    arguments = parser.parse_args()
    clock = use_threads(arguments.threads)
    peers, arms = peer_rows(arguments, clock), arm_rows(arguments, clock)
    text = (
        f"# Training steps\n\n{conditions(__file__)} transformers {transformers.__version__}. "
        f"Forward, backward and AdamW; micro-batches of {TOKENS:,} bases, or one window of more. "
        f"Median of {arguments.repeats} turns, and the range of ratios over them.\n\n"
        "## Beside transformers, with the same weights\n\n"
        "The last column is what the ratio would be if ours did all its FLOPs at the pace of large "
        "square matrices, measured beside it.\n\n"
        "| arm | parameters | window | precision | ours, bases/s | theirs | bases/s | ours is "
        "| at most |\n"
        "|---|---:|---:|---|---:|---|---:|---:|---:|\n" + "\n".join(peers) + "\n\n"
        "## H-Net beside the isotropic arm of the same mixer\n\n"
        "Time per FLOP is H-Net's over that of the isotropic arm. Nominal FLOPs count all keys of "
        "a window, as papers do; executed ones leave out the half that causality hides.\n\n"
        "| arm | parameters | isotropic | window | precision | bases/chunk | MFLOP/base "
        "| isotropic | bases/s | isotropic | time per nominal FLOP | executed |\n"
        "|---|---:|---|---:|---|---:|---:|---:|---:|---:|---:|---:|\n" + "\n".join(arms) + "\n"
    )
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()

"""Compare BLT with that of transformers: one model, one process, one thread, taking turns."""

import argparse
from collections.abc import Callable

import torch
import transformers
from _record import conditions, report
from _tables import rows_of
from _timing import interleaved
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BltConfig, BltForCausalLM

from genomenet.interop.huggingface import blt_from_hf

VOCABULARY = 260
WINDOW = 512
SLOTS = 2
NGRAM_ROWS = 10_000


def their_model() -> BltForCausalLM:
    """Widths 128, 256, 128 in 2, 4, 2 layers, with four heads each."""
    rope = {"rope_type": "default", "rope_theta": 500000.0}
    local = {
        "hidden_size": 128,
        "hidden_size_global": 256,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "intermediate_size": 352,
        "cross_attn_k": SLOTS,
        "rope_parameters": rope,
    }
    config = BltConfig(
        vocab_size=VOCABULARY,
        patch_in_forward=False,
        local_attention_window_len=WINDOW,
        cross_attn_k=SLOTS,
        encoder_hash_byte_group_vocab=NGRAM_ROWS,
        patcher_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
        encoder_config={**local, "cross_attn_all_layers": False},
        decoder_config={**local, "cross_attn_all_layers": True},
        global_config={
            "hidden_size": 256,
            "num_attention_heads": 4,
            "num_hidden_layers": 4,
            "intermediate_size": 704,
            "rope_parameters": rope,
        },
        rope_parameters=rope,
    )
    return BltForCausalLM(config)


def steps(
    model: nn.Module, logits: Callable[[], Tensor], targets: Tensor
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Forward without gradients, and a training step: forward, backward, AdamW."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=True)

    @torch.no_grad()
    def forward() -> None:
        logits()

    def train() -> None:
        optimiser.zero_grad()
        F.cross_entropy(logits().flatten(0, 1).float(), targets.flatten()).backward()
        optimiser.step()

    return forward, train


def table(length: int, patch_sizes: list[int], repeats: int) -> str:
    """Markdown, a row per patch size, pass and implementation."""
    rows = [
        "| patch size | pass | implementation | bases/s | ours is |",
        "|---:|---|---|---:|---:|",
    ]
    for patch in patch_sizes:
        torch.manual_seed(0)
        theirs = their_model()
        ours = blt_from_hf(theirs)
        tokens = torch.randint(0, VOCABULARY, (1, length + 1))
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        sizes = [1, *[patch] * (length // patch)]
        lengths = torch.tensor([[*sizes[:-1], length + 1 - sum(sizes[:-1])]])

        def our_logits(model=ours, inputs=inputs, lengths=lengths) -> Tensor:
            return model(inputs, patch_lengths=lengths).logits

        def their_logits(model=theirs, inputs=inputs, lengths=lengths) -> Tensor:
            return model(input_ids=inputs, patch_lengths=lengths, use_cache=False).logits

        with torch.no_grad():
            # Angles of late positions are rounded differently.
            torch.testing.assert_close(our_logits(), their_logits(), rtol=0, atol=1e-3)
        passes = zip(
            ("forward", "training step"),
            steps(ours, our_logits, targets),
            steps(theirs, their_logits, targets),
            strict=True,
        )
        for name, our_case, their_case in passes:
            seconds = interleaved({"genomenet": our_case, "transformers": their_case}, repeats)
            for which, timing in seconds.items():
                ratio = f"x{timing.ratio_to(seconds['genomenet'])[0]:.2f}"
                rate = f"{length / timing.median:,.0f}"
                rows.append(f"| {patch} | {name} | {which} | {rate} | {ratio} |")
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=8192, help="positions of the one sequence")
    parser.add_argument("--patch-sizes", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/blt.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = (
        f"# BLT beside transformers'\n\n{conditions(__file__)} transformers "
        f"{transformers.__version__}. The same weights, float32: widths 128, 256, 128 in 2, 4, 2 "
        f"layers, {SLOTS} slots, window {WINDOW}, n-grams 3 to 8 hashed to {NGRAM_ROWS:,} rows "
        f"each, one sequence of {arguments.length:,} bytes. Process CPU time, median of "
        f"{arguments.repeats} interleaved repeats.\n\n"
        f"{table(arguments.length, arguments.patch_sizes, arguments.repeats)}\n"
    )
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()

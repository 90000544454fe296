"""FLOPs per base against formulas written out, against torch's counter and between arms."""

from dataclasses import fields, replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from genomenet.chunking import chunk
from genomenet.models.config import ModelConfig
from genomenet.models.flops import Flops, flops_by_depth, flops_per_base
from genomenet.models.language_model import LanguageModel
from genomenet.models.patcher import read_patcher
from genomenet.nn import moe
from tests.models.arms import ARMS, side_inputs, some_tokens

LENGTH = 96


def test_flops_by_hand():
    """One attention layer without MLP: every term of appendix B, written out."""
    config = ModelConfig(layout="t1", d_model=8, head_dim=4, vocab_size=5)
    length, d = 10, 8
    attention = 6 * d * d + 2 * length * d + 3 * 2 * length + 2 * length * d + 2 * d * d
    assert flops_per_base(config, length).total == 4 * 5 * d + attention
    windowed = replace(config, window=3)
    assert flops_per_base(windowed, length).attention == 8 * d * d + 4 * d * 4 + 3 * 2 * 4


def test_cross_attention_is_blts_formula_without_causal_halving():
    """BLT's equations 13 to 17: XA = ATT + QKVO, with m keys a query and r keys per query."""
    config = ModelConfig(
        layout="t1 + t1 + t3", d_model=[16, 48], head_dim=8, pool="cross_attention", slots=3,
        chunker="fixed", targets=4, inner_norms=False,
    )  # fmt: skip
    h, k, p, heads = 16, 3, 4, 2

    def att(m):  # halving (m + 1) / 2 undone; our softmax added
        return 4 * h * m + 3 * heads * m

    def qkvo(r):
        return (2 * r + 2) * 2 * h**2

    encoder = (att(p) + qkvo(p / k)) * k / p
    decoder = 3 * (att(k) + qkvo(k / p))
    around = h + (2 * h * k * h + 2 * 48 * k * h) / p  # maximum, queries, slots: not in the paper
    assert flops_per_base(config, 64).cross_attention == pytest.approx(encoder + decoder + around)


def unseen(config: ModelConfig, length: float, rates: list[float]) -> float:
    """Per base, what no product with a weight matrix is.

    The counter sees products of activations (attention, scans) where their kernel is made of
    matrix products, in another number, and no look-up, softmax, gate, norm or smoothing at all.
    """
    layout, total, share = config.networks(), 0.0, 1.0
    if config.tokeniser != "none":
        share = 1 / (config.kmer if config.tokeniser == "kmer" else config.target(0))
    hashed = config.ngram_tables == "hashed"
    tables = len(config.ngrams) * (config.ngram_functions if hashed else 1)
    total += share * (2 * config.vocab_size + tables) * config.stage(0).d_model
    for stage in range(layout.stages + 1):
        numbers = config.stage(stage)
        d, heads = numbers.d_model, numbers.d_model // numbers.head_dim
        innermost = stage == layout.stages
        letters = layout.main if innermost else layout.encoders[stage] + layout.decoders[stage]
        for letter in letters:
            if letter in "tTE":
                keys = length * share
                if numbers.window >= 0:
                    keys = min(keys, numbers.window + 1)
                total += share * (4 * keys * d + 3 * heads * keys)
            else:
                scan = 6 * numbers.d_inner * numbers.d_state
                total += share * (scan + 2 * d * numbers.d_conv + 5 * d)
            if letter in "TM":
                total += share * 5 * d
            if letter == "E":
                total += share * (3 * numbers.experts + numbers.experts_per_position * 7 * d)
        if innermost:
            break
        if config.chunker_of(stage) == "learned":
            total += share * 6 * d
            total += 4 * d**2 / length  # the first position has none before it: nothing is routed
        if config.pool_of(stage) == "cross_attention":
            crossings = 1 + (len(layout.decoders[stage]) if config.slots > 1 else 0)
            total += share * (d + crossings * (4 * config.slots * d + 3 * heads * config.slots))
        share /= rates[stage]
        if config.unpool == "smooth" and config.pool_of(stage) == "select":
            total += share * 3 * d
    return total


@pytest.mark.parametrize("name", ARMS)
def test_products_with_weights_equal_torchs_own_counter(name, monkeypatch):
    """Exactly, since chunks and experts are not padded to round numbers here."""
    monkeypatch.setattr(chunk, "PADDING_MULTIPLE", 1)
    monkeypatch.setattr(moe, "ROWS_MULTIPLE", 1)
    config = ARMS[name]
    torch.manual_seed(1)
    model = LanguageModel(config)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = model(some_tokens(1, LENGTH), **side_inputs(1, LENGTH))
    by_op = counter.get_flop_counts()["Global"]
    seen = sum(by_op.get(op, 0) for op in (torch.ops.aten.mm, torch.ops.aten.addmm))
    rates = [float(one.positions_per_chunk) for one in output.boundaries]
    bases = LENGTH
    if config.tokeniser != "none":
        bases *= config.kmer if config.tokeniser == "kmer" else config.target(0)
    flops = flops_per_base(config, bases, rates or None)
    missed = unseen(config, bases, rates)
    if flops.patcher:
        patcher = read_patcher(config.patcher)
        # Windows are of whole segments here: the last is padded.
        missed += unseen(patcher.model, patcher.reset_bp or LENGTH, [])
    assert seen / bases == pytest.approx(flops.total - missed, rel=1e-6)


def test_achieved_rate_changes_only_the_inside():
    config = ARMS["hnet mamba2"]
    slow, fast = (flops_per_base(config, 1024, [rate]) for rate in (2.0, 8.0))
    assert fast.attention == slow.attention
    inner = flops_per_base(replace(config, layout="M2"), 1024)
    assert slow.mlp - fast.mlp == pytest.approx(inner.mlp * (1 / 2 - 1 / 8))


def test_a_mixture_of_the_default_width_costs_what_the_dense_layer_costs_and_its_router():
    dense = ModelConfig(layout="T3", d_model=96, head_dim=32, mlp_width_attention=256)
    mixed = replace(dense, layout="E3", experts=8, experts_per_position=2)
    extra = flops_per_base(mixed, 100).mlp - flops_per_base(dense, 100).mlp
    d = 96
    assert extra == 3 * (8 * (2 * d + 3) + 5 * d + 2 * 2 * d)
    more = replace(mixed, experts=16)
    assert flops_per_base(more, 100).mlp - flops_per_base(mixed, 100).mlp == 3 * 8 * (2 * d + 3)


def test_longer_tokens_share_their_cost_over_their_bases():
    plain = ModelConfig(layout="T2", d_model=64, vocab_size=4101, window=7)
    kmers = replace(plain, tokeniser="kmer", kmer=6)
    assert flops_per_base(kmers, 600).total == pytest.approx(flops_per_base(plain, 100).total / 6)
    pairs = replace(plain, tokeniser="bpe", targets=4.0)
    assert flops_per_base(pairs, 600).total == pytest.approx(flops_per_base(plain, 150).total / 4)
    achieved = flops_per_base(pairs, 600, [5.0]).total
    assert achieved == pytest.approx(flops_per_base(plain, 120).total / 5)


def test_parts_add_up_and_a_frozen_patcher_is_not_trained():
    flops = Flops(*range(1, len(fields(Flops)) + 1))
    assert flops.total == 28
    assert flops.model == 21
    assert flops.training == 3 * 21 + 7


@pytest.mark.parametrize("arm", ARMS)
def test_depths_add_up_to_the_whole_at_any_rate(arm):
    config = ARMS[arm]
    rates = [2.5, 1.7][: config.compressions]
    parts = flops_by_depth(config, LENGTH, rates)
    assert len(parts) == config.compressions + 1
    share, total = 1.0, parts[0].total
    for part, rate in zip(parts[1:], rates, strict=True):
        share /= rate
        total += part.total * share
    assert total == pytest.approx(flops_per_base(config, LENGTH, rates).total, rel=1e-12)
    assert all(part.total > 0 for part in parts[1:])


def test_what_lies_within_is_spent_where_the_model_steps():
    """H-Net by hand: the base pays encoder, decoder and router, a chunk main network and EMA."""
    config = ARMS["hnet transformer"]
    d, rate = 16, 4.0
    outside, within = flops_by_depth(config, LENGTH, [rate])
    main = flops_per_base(replace(config, layout="T2"), LENGTH / rate)
    assert within.chunking == 3 * d
    assert within.attention == main.attention
    assert within.mlp == main.mlp
    assert outside.attention == 0
    assert outside.chunking == 4 * d**2 + 6 * d + 2 * d**2
    assert outside.embedding == 4 * config.vocab_size * d

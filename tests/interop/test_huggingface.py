"""BLT against transformers: the same weights give the same logits and gradients."""

import pytest
import torch
from transformers import BltConfig, BltForCausalLM

from genomenet.chunking.patch_lengths import mask_from_patch_lengths, patch_lengths_from_mask
from genomenet.errors import UserError
from genomenet.interop.huggingface import blt_from_hf
from genomenet.models.language_model import LanguageModel

VOCABULARY, LENGTH = 260, 61
ROPE = {"rope_type": "default", "rope_theta": 500000.0}


def their_model(
    slots: int = 2,
    window: int | None = None,
    inner: int = 32,
    functions: int = 1,
    seed: int = 0,
    encoder: dict | None = None,
    decoder: dict | None = None,
) -> BltForCausalLM:
    local = {
        "hidden_size": 16,
        "hidden_size_global": inner,
        "num_attention_heads": 2,
        "intermediate_size": 40,
        "cross_attn_k": slots,
        "vocab_size": VOCABULARY,
        "rope_parameters": ROPE,
    }
    config = BltConfig(
        vocab_size=VOCABULARY,
        patch_in_forward=False,
        local_attention_window_len=window,
        cross_attn_k=slots,
        encoder_hash_byte_group_size=[3, 8],
        encoder_hash_byte_group_vocab=64,
        encoder_hash_byte_group_nb_functions=functions,
        patcher_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
        encoder_config={
            **local, "num_hidden_layers": 2, "cross_attn_all_layers": False, **(encoder or {})
        },
        decoder_config={
            **local, "num_hidden_layers": 3, "cross_attn_all_layers": True, **(decoder or {})
        },
        global_config={
            "hidden_size": inner,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "rope_parameters": ROPE,
        },
        rope_parameters=ROPE,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = BltForCausalLM(config).eval()
    with torch.no_grad():  # norms are ones at first, and could be mixed up
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def some_batch(seed: int, rows: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Bytes, and lengths of patches that differ in number from row to row."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, VOCABULARY, (rows, LENGTH), generator=generator)
    mask = torch.rand(rows, LENGTH, generator=generator) < torch.tensor([[0.25], [0.6], [0.05]])
    mask[:, 0] = True
    lengths = patch_lengths_from_mask(mask)
    assert (lengths == 0).any()
    assert torch.equal(mask_from_patch_lengths(lengths, LENGTH), mask)
    return tokens, lengths


def gradients_as_theirs(ours: LanguageModel, theirs: BltForCausalLM) -> None:
    """Compare gradients by translating theirs as if they were weights."""
    shadow = BltForCausalLM(theirs.config)
    with torch.no_grad():
        for parameter, source in zip(shadow.parameters(), theirs.parameters(), strict=True):
            parameter.copy_(torch.zeros_like(source) if source.grad is None else source.grad)
    expected = dict(blt_from_hf(shadow).named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("window", [None, 5])
def test_logits_and_gradients(seed, slots, window):
    theirs = their_model(slots, window, functions=3 if slots == 4 else 1, seed=seed)
    ours = blt_from_hf(theirs)
    tokens, lengths = some_batch(seed)
    expected = theirs(input_ids=tokens, patch_lengths=lengths, use_cache=False).logits
    actual = ours(tokens, patch_lengths=lengths).logits
    assert expected.abs().mean() > 0.1
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)

    probe = torch.randn(expected.shape) / expected.numel() ** 0.5
    (expected * probe).sum().backward()
    (actual * probe).sum().backward()
    gradients_as_theirs(ours, theirs)


def test_a_projection_between_widths_and_mlps_of_different_widths():
    theirs = their_model(2, inner=48, encoder={"intermediate_size": 24})
    ours = blt_from_hf(theirs)
    assert ours.backbone.chunk_proj is not None
    tokens, lengths = some_batch(5)
    expected = theirs(input_ids=tokens, patch_lengths=lengths, use_cache=False).logits
    actual = ours(tokens, patch_lengths=lengths).logits
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
    actual.square().mean().backward()
    expected.square().mean().backward()
    gradients_as_theirs(ours, theirs)


def test_their_weights_are_copied():
    theirs = their_model()
    before = {name: value.clone() for name, value in theirs.state_dict().items()}
    with torch.no_grad():
        for parameter in blt_from_hf(theirs).parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in theirs.state_dict().items())


def test_steps_without_lengths_follow_the_grid():
    theirs = their_model(window=5)
    theirs.config.patch_size = 4
    ours = blt_from_hf(theirs)
    tokens, _ = some_batch(3)
    lengths = torch.tensor([[1, *[4] * 15, 1]]).expand(3, -1)
    assert lengths[0].sum() == LENGTH + 1
    with torch.no_grad():
        expected = theirs(input_ids=tokens, patch_lengths=lengths, use_cache=False).logits
        torch.testing.assert_close(ours(tokens).logits, expected, rtol=0, atol=1e-5)
        state = ours.new_state(3, "cpu")
        for t in range(LENGTH):
            logits = ours.step(tokens[:, t], state)
            torch.testing.assert_close(logits, expected[:, t], rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([[4] * 15 + [2]], "first patch of row 0 has length 4; it must be 1"),
        ([[1] + [4] * 15], "row 0 add up to 61; 61 positions need 62"),
        ([[1, 61], [1, 61]], r"have the shape \(2, 2\); give a row of lengths"),
        ([1, 61], r"have the shape \(2,\)"),
        ([[1, 4, 0, 57]], "zeros only as padding at the right"),
    ],
)
def test_lengths_that_would_leak_or_fall_short(lengths, message):
    ours = blt_from_hf(their_model())
    with pytest.raises(UserError, match=message):
        ours(torch.zeros(1, LENGTH, dtype=torch.int64), patch_lengths=torch.tensor(lengths))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"encoder": {"cross_attn_all_layers": True}}, "pools after each of 2 layers"),
        ({"decoder": {"cross_attn_all_layers": False}}, "every decoder layer reads patches"),
        ({"decoder": {"hidden_size": 24}}, "hidden_size is 16 and decoder_config.hidden_size 24"),
        ({"encoder": {"num_key_value_heads": 1}}, "encoder_config: grouped key-value heads"),
        ({"decoder": {"rms_norm_eps": 1e-6}}, "decoder_config needs hidden_act silu"),
        ({"decoder": {"rope_parameters": {**ROPE, "rope_theta": 1e4}}}, "differ in rope_theta"),
    ],
)
def test_what_cannot_be_built(parts, message):
    with pytest.raises(UserError, match=message):
        blt_from_hf(their_model(**parts))


def test_another_model_than_blt():
    with pytest.raises(UserError, match="needs a BltForCausalLM of transformers, not a Linear"):
        blt_from_hf(torch.nn.Linear(2, 2))

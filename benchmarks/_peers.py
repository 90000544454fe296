"""Models of transformers beside the same models of ours, weight for weight."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from transformers import (
    BltConfig,
    BltForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Mamba2Config,
    Mamba2ForCausalLM,
)

from genomenet.interop.huggingface import blt_from_hf
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel

VOCABULARY = 8
BYTES = 260
"""BLT's tokens are bytes plus 4."""

Logits = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Peers:
    """One model twice.

    Attributes
    ----------
    ours : Module
        Of GenomeNet.
    theirs : dict of str to Module
        Of transformers, by the name of its setting.
    logits : callable
        From either module and tokens (B, L) to logits.
    vocabulary : int
        Tokens that either knows.
    rates : list of float
        Positions per chunk.
    """

    ours: nn.Module
    theirs: dict[str, nn.Module]
    logits: Callable[[nn.Module, Tensor], Tensor]
    vocabulary: int = VOCABULARY
    rates: list[float] = field(default_factory=list)


def _plain_logits(model: nn.Module, tokens_BL: Tensor) -> Tensor:
    return (
        model(tokens_BL).logits
        if isinstance(model, LanguageModel)
        else model(input_ids=tokens_BL, use_cache=False).logits
    )


def mamba2(d_model: int, layers: int, chunk_sizes: tuple[int, ...]) -> Peers:
    """Mamba-2 without MLPs; theirs at several chunk sizes, of which 256 is the default."""
    config = ModelConfig(layout=f"m{layers}", d_model=d_model, d_state=64, mamba_head_dim=64)
    ours = LanguageModel(config)
    theirs: dict[str, nn.Module] = {}
    for chunk_size in chunk_sizes:
        model = Mamba2ForCausalLM(
            Mamba2Config(
                vocab_size=config.vocab_size,
                hidden_size=d_model,
                num_hidden_layers=layers,
                num_heads=config.expand * d_model // config.mamba_head_dim,
                head_dim=config.mamba_head_dim,
                state_size=config.d_state,
                n_groups=1,
                expand=config.expand,
                conv_kernel=config.d_conv,
                chunk_size=chunk_size,
                tie_word_embeddings=False,
                time_step_limit=(0.0, float("inf")),
                layer_norm_epsilon=1e-5,
            )
        )
        renamed = {}
        for name, tensor in ours.state_dict().items():
            name = name.replace("backbone.main_network.layers", "backbone.layers")
            name = name.replace("backbone.main_network.rmsnorm", "backbone.norm_f")
            name = name.replace("norm1", "norm").replace("embeddings", "backbone.embeddings")
            renamed[name] = tensor
        model.load_state_dict(renamed)
        theirs[f"chunk size {chunk_size}"] = model
    return Peers(ours, theirs, _plain_logits)


def llama(d_model: int, layers: int, mlp_width: int) -> Peers:
    """A Transformer with rotary positions over whole heads and SwiGLU."""
    config = ModelConfig(
        layout=f"T{layers}", d_model=d_model, mlp_width_attention=mlp_width, rotary_dim=64
    )
    ours = LanguageModel(config)
    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=d_model,
            intermediate_size=mlp_width,
            num_hidden_layers=layers,
            num_attention_heads=d_model // 64,
            rms_norm_eps=1e-5,
            max_position_embeddings=1 << 20,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            tie_word_embeddings=False,
        )
    )
    renamed = {}
    for name, tensor in ours.state_dict().items():
        name = name.replace("backbone.main_network.layers", "model.layers")
        name = name.replace("backbone.main_network.rmsnorm", "model.norm")
        name = name.replace("embeddings", "model.embed_tokens")
        name = name.replace("norm1", "input_layernorm").replace("norm2", "post_attention_layernorm")
        name = name.replace("mixer.out_proj", "self_attn.o_proj").replace("fc2", "down_proj")
        if "Wqkv" in name:
            for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                renamed[name.replace("mixer.Wqkv", f"self_attn.{letter}_proj")] = part
        elif "fc1" in name:
            up, gate = tensor.chunk(2)
            renamed[name.replace("fc1", "up_proj")] = up
            renamed[name.replace("fc1", "gate_proj")] = gate
        else:
            renamed[name] = tensor
    theirs.load_state_dict(renamed)
    return Peers(ours, {"default": theirs}, _plain_logits)


def blt(d_model: int, d_main: int, layers: int, patch: int, window: int) -> Peers:
    """BLT with patches of equal length, hashed n-grams of 3 to 8 and two slots."""
    rope = {"rope_type": "default", "rope_theta": 500_000.0}
    local = {
        "hidden_size": d_model,
        "hidden_size_global": d_main,
        "num_attention_heads": d_model // 32,
        "num_hidden_layers": 2,
        "intermediate_size": 11 * d_model // 4,
        "cross_attn_k": 2,
        "rope_parameters": rope,
    }
    theirs = BltForCausalLM(
        BltConfig(
            vocab_size=BYTES,
            patch_in_forward=False,
            local_attention_window_len=window,
            cross_attn_k=2,
            encoder_hash_byte_group_vocab=1_000,
            patcher_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
            encoder_config={**local, "cross_attn_all_layers": False},
            decoder_config={**local, "cross_attn_all_layers": True},
            global_config={
                "hidden_size": d_main,
                "num_attention_heads": d_main // 64,
                "num_hidden_layers": layers,
                "intermediate_size": 11 * d_main // 4,
                "rope_parameters": rope,
            },
            rope_parameters=rope,
        )
    )
    ours = blt_from_hf(theirs)

    def logits(model: nn.Module, tokens_BL: Tensor) -> Tensor:
        rows, length = tokens_BL.shape
        sizes = [1, *[patch] * (length // patch)]
        sizes[-1] += length + 1 - sum(sizes)
        lengths = torch.tensor([sizes]).expand(rows, -1)
        if model is ours:
            return model(tokens_BL, patch_lengths=lengths).logits
        return model(input_ids=tokens_BL, patch_lengths=lengths, use_cache=False).logits

    return Peers(ours, {f"patches of {patch}": theirs}, logits, BYTES, [patch])

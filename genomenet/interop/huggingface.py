"""BLT models of Hugging Face's transformers as models of ours."""

from typing import Any

import torch
from torch import Tensor, nn

from genomenet.errors import UserError
from genomenet.interop.weights import with_tensors
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel

EPSILON = 1e-5
"""Of every RMSNorm here."""


def blt_from_hf(model: nn.Module) -> LanguageModel:
    """Build the same model as a `BltForCausalLM` of transformers.

    Call it with the patches: ``model(input_ids, patch_lengths=...)``; without them they lie on a
    fixed grid of the config's `patch_size`. Tokens are theirs: in published models a byte plus 4,
    and 1 in front of a text. An entropy model that sits in `model.patcher` stays behind. Written
    for transformers 5.23; source: Byte Latent Transformer (arXiv:2412.09871).

    Parameters
    ----------
    model : BltForCausalLM
        Left as it is; its weights are copied, as float32.

    Returns
    -------
    LanguageModel
        In evaluation mode.

    Raises
    ------
    UserError
        When it is no such model, or does what ours can't: cross-attention after each of several
        encoder layers, or before some decoder layers only; grouped key-value heads; scaled rotary
        positions.
    """
    if getattr(getattr(model, "config", None), "model_type", None) != "blt":
        raise UserError(
            f"blt_from_hf needs a BltForCausalLM of transformers, not a {type(model).__name__}; "
            "read one with BltForCausalLM.from_pretrained"
        )
    config = blt_config(model.config)
    with torch.device("meta"):
        ours = LanguageModel(config)
    with_tensors(ours, _translate(model.state_dict(), config), "the model of transformers")
    return ours.eval()


def blt_config(config: Any) -> ModelConfig:
    """The ModelConfig that a `BltConfig` of transformers describes.

    Parameters
    ----------
    config : BltConfig
        Of transformers.

    Raises
    ------
    UserError
        As in `blt_from_hf`.
    """
    encoder, inner, decoder = config.encoder_config, config.global_config, config.decoder_config
    layers = [part.num_hidden_layers for part in (encoder, inner, decoder)]
    _same("hidden_size", encoder, decoder)
    _same("num_attention_heads", encoder, decoder)
    if encoder.cross_attn_all_layers and layers[0] > 1:
        raise UserError(
            f"encoder_config.cross_attn_all_layers pools after each of {layers[0]} layers, which "
            "published models don't; set it to False and give one cross-attention"
        )
    if not decoder.cross_attn_all_layers and layers[2] > 1:
        raise UserError(
            "decoder_config.cross_attn_all_layers is False, but every decoder layer reads patches "
            "here; set it to True and give each layer its cross-attention"
        )
    for name, part in (("encoder", encoder), ("global", inner), ("decoder", decoder)):
        where = f"{name}_config"
        if part.num_key_value_heads != part.num_attention_heads:
            raise UserError(f"{where}: grouped key-value heads can't be built; give one per head")
        if part.hidden_act != "silu" or part.rms_norm_eps != EPSILON:
            raise UserError(f"{where} needs hidden_act silu and rms_norm_eps {EPSILON:g}")
        if part.rope_parameters["rope_type"] != "default":
            raise UserError(
                f"{where}: rope_type {part.rope_parameters['rope_type']} can't be built"
            )
    if encoder.rope_parameters["rope_theta"] != decoder.rope_parameters["rope_theta"]:
        raise UserError("encoder_config and decoder_config differ in rope_theta; give both one")
    head_dim = [part.hidden_size // part.num_attention_heads for part in (encoder, inner)]
    windowed = config.local_attention_window_len is not None
    return ModelConfig(
        layout="T{} + T{} + T{}".format(*layers),
        alphabet="bytes",
        vocab_size=config.vocab_size,
        ngrams=list(config.encoder_hash_byte_group_size),
        ngram_tables="hashed",
        ngram_rows=config.encoder_hash_byte_group_vocab,
        ngram_functions=config.encoder_hash_byte_group_nb_functions,
        d_model=[encoder.hidden_size, inner.hidden_size],
        targets=float(config.patch_size),
        chunker="fixed",
        pool="cross_attention",
        slots=config.cross_attn_k,
        inner_norms=False,
        mlp_width_attention=[
            max(encoder.intermediate_size, decoder.intermediate_size),
            inner.intermediate_size,
        ],
        head_dim=head_dim,
        rotary_dim=head_dim,
        rope_base=[part.rope_parameters["rope_theta"] for part in (encoder, inner)],
        # Theirs counts the position itself.
        window=[encoder.sliding_window - 1 if windowed else -1, -1],
        parity=True,
        source="transformers BltForCausalLM",
    ).check()


def _same(name: str, encoder: Any, decoder: Any) -> None:
    first, second = getattr(encoder, name), getattr(decoder, name)
    if first != second:
        raise UserError(
            f"encoder_config.{name} is {first} and decoder_config.{name} {second}, but the "
            "decoder continues from the encoder's vectors; give both one value"
        )


def _translate(theirs: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Their tensors under our names.

    | theirs (below `model.`) | ours |
    |---|---|
    | local_encoder.embed_tokens | embeddings |
    | encoder_hash_tok_embedding | ngrams |
    | local_encoder.layers, local_decoder.layers | backbone.encoder.layers, .decoder.layers |
    | global_transformer.layers | backbone.main_network.main_network.layers |
    | local_encoder.patch_embedding_projection | backbone.pooling.slot_proj |
    | local_encoder.cross_attn_layers.0 | backbone.pooling |
    | global_transformer.token_embedding_projection | backbone.chunk_proj |
    | local_decoder.patch_embedding_projection | backbone.slot_proj |
    | local_decoder.cross_attn_layers.i | backbone.readings.i |
    | local_decoder.norm, lm_head | backbone.decoder.rmsnorm, lm_head |
    """
    layout = config.networks()
    ours = {
        ours: theirs[name].clone()
        for name, ours in (
            ("model.local_encoder.embed_tokens.weight", "embeddings.weight"),
            ("model.encoder_hash_tok_embedding.weight", "ngrams.weight"),
            (
                "model.local_encoder.patch_embedding_projection.weight",
                "backbone.pooling.slot_proj.weight",
            ),
            (
                "model.global_transformer.token_embedding_projection.weight",
                "backbone.chunk_proj.weight",
            ),
            ("model.local_decoder.patch_embedding_projection.weight", "backbone.slot_proj.weight"),
            ("model.local_decoder.norm.weight", "backbone.decoder.rmsnorm.weight"),
            ("lm_head.weight", "lm_head.weight"),
        )
        if name in theirs  # the projection is missing where widths agree
    }
    pooling = _cross_attention(theirs, "model.local_encoder.cross_attn_layers.0.")
    ours |= {f"backbone.pooling.{name}": value for name, value in pooling.items()}
    for i in range(len(layout.decoders[0])):
        reading = _cross_attention(theirs, f"model.local_decoder.cross_attn_layers.{i}.")
        if config.slots == 1:
            # A softmax over one slot is 1 whatever the query and the key.
            reading["Wkv.weight"] = reading["Wkv.weight"].chunk(2)[1].clone()
            del reading["norm_q.weight"], reading["Wq.weight"]
        ours |= {f"backbone.readings.{i}.{name}": value for name, value in reading.items()}
    for their_stack, our_stack, letters, stage in (
        ("local_encoder", "encoder", layout.encoders[0], 0),
        ("global_transformer", "main_network.main_network", layout.main, 1),
        ("local_decoder", "decoder", layout.decoders[0], 0),
    ):
        numbers = config.stage(stage)
        for i in range(len(letters)):
            layer = _layer(
                theirs, f"model.{their_stack}.layers.{i}.", numbers.head_dim,
                numbers.mlp_width_attention,
            )  # fmt: skip
            prefix = f"backbone.{our_stack}.layers.{i}."
            ours |= {prefix + name: value for name, value in layer.items()}
    return ours


def _cross_attention(theirs: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        "norm_q.weight": theirs[f"{prefix}q_norm.weight"].clone(),
        "norm_kv.weight": theirs[f"{prefix}k_norm.weight"].clone(),
        "Wq.weight": theirs[f"{prefix}q_proj.weight"].clone(),
        "Wkv.weight": torch.cat([theirs[f"{prefix}{part}_proj.weight"] for part in "kv"]),
        "out_proj.weight": theirs[f"{prefix}o_proj.weight"].clone(),
    }


def _layer(theirs: dict[str, Tensor], prefix: str, head_dim: int, width: int) -> dict[str, Tensor]:
    def mlp(name: str) -> Tensor:
        return theirs[f"{prefix}mlp.{name}_proj.weight"]

    # Hidden numbers that an encoder's or decoder's MLP has less than the other's: they are 0,
    # and their gradients too.
    missing = width - len(mlp("up"))
    rows = nn.ZeroPad2d((0, 0, 0, missing))
    q, k, v = (theirs[f"{prefix}self_attn.{part}_proj.weight"] for part in "qkv")
    return {
        "norm1.weight": theirs[f"{prefix}input_layernorm.weight"].clone(),
        "norm2.weight": theirs[f"{prefix}post_attention_layernorm.weight"].clone(),
        "mixer.Wqkv.weight": torch.cat([half_split(q, head_dim), half_split(k, head_dim), v]),
        "mixer.out_proj.weight": theirs[f"{prefix}self_attn.o_proj.weight"].clone(),
        "mlp.fc1.weight": torch.cat([rows(mlp("up")), rows(mlp("gate"))]),
        "mlp.fc2.weight": nn.ZeroPad2d((0, missing, 0, 0))(mlp("down")).clone(),
    }


def half_split(weight: Tensor, head_dim: int) -> Tensor:
    """Reorder rows of queries or keys whose rotated pairs are neighbours: half a head apart.

    Attention is the same whatever the order within a head, as long as queries and keys share it.

    Parameters
    ----------
    weight : Tensor
        (heads * head_dim, D), pairs (0, 1), (2, 3), ... in every head.
    head_dim : int
        Width of a head.

    Returns
    -------
    Tensor
        The same rows, pairs (0, head_dim / 2), (1, head_dim / 2 + 1), ... in every head.
    """
    pairs = weight.unflatten(0, (-1, head_dim // 2, 2))
    return pairs.transpose(1, 2).flatten(0, 2)

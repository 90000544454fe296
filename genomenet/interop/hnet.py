"""H-Net's published configs and checkpoints as models of ours."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genomenet.errors import UserError, nearest
from genomenet.interop.weights import read_tensors, with_tensors
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.nn.layout import parse_layout

MLP_MULTIPLE = 128
"""The published code rounds hidden widths of MLPs up to a multiple of this."""

_NETWORK = re.compile(r"([mMtT][1-9][0-9]*)+")
_FIELDS = {
    "": {"arch_layout", "d_model", "d_intermediate", "vocab_size", "tie_embeddings"},
    "ssm_cfg": {"d_conv", "expand", "d_state", "chunk_size"},
    "attn_cfg": {"num_heads", "rotary_emb_dim", "window_size"},
}


def load_hnet(
    config: str | Path | Mapping[str, Any],
    weights: str | Path | Mapping[str, Tensor] | None = None,
    *,
    parity: bool = False,
) -> LanguageModel:
    """Build the model of a published H-Net config, with a published checkpoint's weights.

    Called with token numbers (B, L), bytes for the released models, the model gives ``.logits``
    (B, L, V) and ``.boundaries``, one a chunking stage and outermost first, each with
    ``.probability`` and ``.mask`` (B, L). Source: H-Net (arXiv 2507.07955),
    github.com/goombalab/hnet.

    Parameters
    ----------
    config : str, Path or mapping
        The JSON file, or what it holds.
    weights : str, Path, mapping of str to Tensor, or None
        A flat state dict as ``.pt`` or ``.safetensors``, or the tensors themselves, which end up
        as float32 on the CPU. None leaves fresh weights on torch's default device; under
        ``torch.device("meta")`` they take no memory.
    parity : bool
        Smooth chunks in bfloat16, as the published code does whatever the model's dtype.
        Otherwise in float32, as the paper's equations say.

    Returns
    -------
    LanguageModel
        In evaluation mode.

    Raises
    ------
    UserError
        When the config has fields or layers that are not H-Net's, or the weights are another
        model's or not readable.
    """
    ours = hnet_config(config, parity=parity)
    if weights is None:
        return LanguageModel(ours).eval()
    source = "the mapping" if isinstance(weights, Mapping) else str(weights)
    tensors = weights if isinstance(weights, Mapping) else read_tensors(weights)
    with torch.device("meta"):
        model = LanguageModel(ours)
    with_tensors(model, tensors, source)
    return model.eval()


def hnet_config(config: str | Path | Mapping[str, Any], *, parity: bool = False) -> ModelConfig:
    """The ModelConfig that a published H-Net config describes.

    Parameters
    ----------
    config, parity
        As in `load_hnet`.

    Raises
    ------
    UserError
        When the config has fields or layers that are not H-Net's.
    """
    where = "the H-Net config" if isinstance(config, Mapping) else str(config)
    content = config if isinstance(config, Mapping) else _read(Path(config))
    sections = {"": content, **{name: content.get(name, {}) for name in ("ssm_cfg", "attn_cfg")}}
    for section, mapping in sections.items():
        _check_fields(section, mapping, where)
    if content.get("tie_embeddings", False):
        raise UserError(f"{where}: tie_embeddings is true, but the head has its own weights here")
    text = _layout(content.get("arch_layout"), where)
    layout = parse_layout(text)
    stages = layout.stages + 1
    letters = [
        layout.main if stage == layout.stages else layout.encoders[stage] + layout.decoders[stage]
        for stage in range(stages)
    ]

    def of_stages(section: str, name: str, default: int | None = None) -> list[int]:
        value = sections[section].get(name, default)
        return _numbers(value, f"{section}.{name}".strip("."), stages, where)

    def of_all(name: str, default: int) -> int:
        values = of_stages("ssm_cfg", name, default)
        if len(set(values)) > 1:
            raise UserError(f"{where}: ssm_cfg.{name} {values} must be the same in all stages here")
        return values[0]

    widths = of_stages("", "d_model")
    hidden = of_stages("", "d_intermediate", 0)
    head_dims, rotary_dims, windows = [64] * stages, [0] * stages, [-1] * stages
    if any("t" in of.lower() for of in letters):
        heads = of_stages("attn_cfg", "num_heads")
        rotated = of_stages("attn_cfg", "rotary_emb_dim")
        seen = of_stages("attn_cfg", "window_size")
    for stage in range(stages):
        if not letters[stage].islower() and not hidden[stage]:
            raise UserError(f"{where}: d_intermediate of stage {stage} is 0, but it has an MLP")
        if "t" not in letters[stage].lower():
            continue
        if heads[stage] < 1 or widths[stage] % heads[stage]:
            raise UserError(
                f"{where}: num_heads {heads[stage]} does not divide d_model {widths[stage]} of "
                f"stage {stage}"
            )
        if rotated[stage] < 1:
            raise UserError(
                f"{where}: rotary_emb_dim of stage {stage} is {rotated[stage]}, but attention "
                "without rotary positions does not exist here"
            )
        head_dims[stage] = widths[stage] // heads[stage]
        rotary_dims[stage], windows[stage] = rotated[stage], seen[stage]
    mlp_widths = [-(-width // MLP_MULTIPLE) * MLP_MULTIPLE for width in hidden]
    ours = ModelConfig(
        layout=text,
        alphabet="bytes",
        boundary_at_n=False,
        d_model=widths,
        mlp_width_attention=mlp_widths,
        mlp_width_mamba=mlp_widths,
        head_dim=head_dims,
        rotary_dim=rotary_dims,
        window=windows,
        d_state=of_all("d_state", 128),
        d_conv=of_all("d_conv", 4),
        expand=of_all("expand", 2),
        vocab_size=_numbers(content.get("vocab_size", 256), "vocab_size", 1, where)[0],
        parity=parity,
        source="H-Net (arXiv 2507.07955), github.com/goombalab/hnet",
    )
    try:
        return ours.check()
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise UserError(f"{path} does not exist; name the JSON file of a published H-Net config")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not readable JSON ({error}); download it again") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} is no H-Net config: it should hold keys such as arch_layout")
    return content


def _check_fields(section: str, content: Any, where: str) -> None:
    known = _FIELDS[section] | ({"ssm_cfg", "attn_cfg"} if not section else set())
    if not isinstance(content, Mapping):
        raise UserError(f"{where}: {section} should hold keys such as {', '.join(sorted(known))}")
    for name in content:
        if name not in known:
            full = f"{section}.{name}".strip(".")
            raise UserError(
                f"{where}: '{full}' is no field of H-Net's configs"
                + (nearest(name, known) or f"; they are {', '.join(sorted(known))}")
            )


def _layout(node: Any, where: str) -> str:
    """A nested list such as ["m4", ["T22"], "m4"] as our string "m4 + T22 + m4"."""
    if isinstance(node, list) and len(node) == 1 and _is_network(node[0]):
        return node[0]
    if isinstance(node, list) and len(node) == 3 and _is_network(node[0]) and _is_network(node[2]):
        return f"{node[0]} + {_layout(node[1], where)} + {node[2]}"
    raise UserError(
        f"{where}: can't read arch_layout {json.dumps(node, default=str)}; write it as [network] "
        'or [encoder, layout, decoder], a network as letters m, M, t, T with counts, "T1m4"'
    )


def _is_network(text: Any) -> bool:
    return isinstance(text, str) and _NETWORK.fullmatch(text) is not None


def _numbers(value: Any, name: str, count: int, where: str) -> list[int]:
    """One whole number a stage; a single number is for all of them."""
    values = value if isinstance(value, list) else [value] * count
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in values):
        raise UserError(f"{where}: {name} is {value!r}; give a whole number, or one for each stage")
    if len(values) != count:
        raise UserError(
            f"{where}: {name} has {len(values)} values, but arch_layout has {count} stage(s)"
        )
    return values

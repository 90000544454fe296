"""Read what every layer of a model makes of a batch, without changing the model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from genomenet.chunking.chunk import find_chunks
from genomenet.models.chunking_network import ChunkingNetwork
from genomenet.models.hidden_states import HiddenLayer
from genomenet.models.language_model import (
    LanguageModel,
    LanguageModelOutput,
    LanguageModelState,
)
from genomenet.models.tokenised import TokenisedLanguageModel
from genomenet.models.tokeniser import START_TOKEN
from genomenet.nn.stack import IsotropicStack
from genomenet.ops.packing import Packing

READOUT = "readout"
"""What the head reads: the last layer after the closing norm."""


def hidden_layers(
    model: Any, tokens_BL: Tensor, valid_BL: Tensor, masked_BL: Tensor | None = None
) -> list[HiddenLayer]:
    """Vectors of every layer, from the first encoder inwards and out again.

    Parameters
    ----------
    model : LanguageModel, or any module with a method `hidden_states`
        The method takes the tensors below and gives a list of `HiddenLayer`; it is asked where
        there is one.
    tokens_BL : Tensor of int64
        The start code, then bases, right-padded with anything. Position i reads base i - 1, so
        a sequence of n bases takes n + 1 positions.
    valid_BL : Tensor of bool
        False at padding.
    masked_BL : Tensor of bool, optional
        Soft mask of the base that each position reads.

    Returns
    -------
    list of HiddenLayer
        Encoders at the resolution of their stage, the main network at chunks, decoders, and
        last `READOUT`. With more than one stage names begin with the stage, the outermost 1.
        What stands at position 0 has only read the start symbol.
    """
    if hasattr(model, "hidden_states"):
        return model.hidden_states(tokens_BL, valid_BL, masked_BL=masked_BL)
    position_BL = torch.arange(tokens_BL.shape[1], device=tokens_BL.device).expand_as(tokens_BL)
    if isinstance(model, TokenisedLanguageModel):
        tokens_BL, valid_BL, position_BL = _tokens(model, tokens_BL, valid_BL)
        masked_BL = None
    _, layers = read_layers(model, tokens_BL, valid_BL, position_BL, masked_BL)
    return layers


def read_layers(
    model: LanguageModel,
    tokens_BL: Tensor,
    valid_BL: Tensor,
    position_BL: Tensor,
    masked_BL: Tensor | None = None,
    scores_BL: Tensor | None = None,
) -> tuple[LanguageModelOutput, list[HiddenLayer]]:
    """The model's output for a batch, and the vectors of every layer on the way there.

    Parameters
    ----------
    model : LanguageModel
        The model.
    tokens_BL, valid_BL, masked_BL, scores_BL
        As in `LanguageModel.forward`; tokens are the model's own.
    position_BL : Tensor of int64
        Where each token stands, for `HiddenLayer.position`.
    """
    with _recorded(model) as seen:
        output = model(tokens_BL, valid_BL, masked_BL=masked_BL, scores_BL=scores_BL)
    return output, _placed(model, seen, output, valid_BL, position_BL)


def read_layers_behind(
    model: LanguageModel,
    tokens_BL: Tensor,
    state: LanguageModelState,
    valid_BL: Tensor,
    position_BL: Tensor,
) -> list[HiddenLayer]:
    """Vectors of every layer for positions behind those that a state has read.

    Together with the vectors of the positions before, they are what `hidden_layers` gives of the
    whole: the same layers in the same order.

    Parameters
    ----------
    model, tokens_BL, valid_BL
        As in `read_layers`; a row may have no valid position.
    state : LanguageModelState
        As in `LanguageModel.read`, which brings it up to date.
    position_BL : Tensor of int64
        Where each token stands, counted from the first that the state has read.
    """
    with _recorded(model) as seen:
        output = model.read(tokens_BL, state, valid_BL)
    return _placed(model, seen, output, valid_BL, position_BL)


@contextmanager
def _recorded(model: LanguageModel) -> Iterator[dict[str, Tensor]]:
    """What every layer hands on and what the head reads, while the model runs."""
    seen: dict[str, Tensor] = {}
    hooks = [model.lm_head.register_forward_pre_hook(_keep_input(seen, READOUT))]
    layers = [
        (f"{name} {number}", layer)
        for name, _, stack in _stacks(model)
        for number, layer in enumerate(stack.layers, start=1)
    ]
    for name, layer in layers:
        hooks.append(layer.register_forward_hook(_keep_output(seen, name)))
        vars(layer)["read"] = _keep_read(layer.read, seen, name)
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
        for _, layer in layers:
            del vars(layer)["read"]  # the class's own again


def _placed(
    model: LanguageModel,
    seen: dict[str, Tensor],
    output: LanguageModelOutput,
    valid_BL: Tensor,
    position_BL: Tensor,
) -> list[HiddenLayer]:
    """Layers from the first encoder inwards and out again, with the places of their stages."""
    places = [(valid_BL, position_BL)]
    for decided in output.boundaries:
        chunks = find_chunks(decided.mask)
        places.append((chunks.valid_BS, places[-1][1].gather(1, chunks.start_BS)))
    stage_of = {
        f"{name} {number}": stage
        for name, stage, stack in _stacks(model)
        for number in range(1, len(stack.layers) + 1)
    }
    return [
        HiddenLayer(name, seen[name], *places[stage])
        for name, stage in (stage_of | {READOUT: 0}).items()
    ]


def _stacks(model: LanguageModel) -> list[tuple[str, int, IsotropicStack]]:
    """Name, stage and layers of every stack, as vectors pass through them."""
    encoders, decoders = [], []
    network, stage = model.backbone, 0
    several = isinstance(getattr(network, "main_network", None), ChunkingNetwork)
    while isinstance(network, ChunkingNetwork):
        prefix = f"stage {stage + 1} " if several else ""
        encoders.append((f"{prefix}encoder", stage, network.encoder))
        decoders.append((f"{prefix}decoder", stage, network.decoder))
        network, stage = network.main_network, stage + 1
    return [*encoders, ("main", stage, network.main_network), *reversed(decoders)]


def _tokens(
    model: TokenisedLanguageModel, tokens_BL: Tensor, valid_BL: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The start and the tokens of bases; each stands where its last base was read."""
    cut = model.tokeniser.cut(tokens_BL[:, 1:], valid_BL[:, 1:])
    chunks = find_chunks(cut.ends_BL)
    tokens_BS = cut.token_BL.gather(1, chunks.start_BS)
    pad = torch.nn.functional.pad
    return (
        pad(tokens_BS, (1, 0), value=START_TOKEN),
        pad(chunks.valid_BS, (1, 0), value=True),
        pad(chunks.start_BS + 1, (1, 0), value=0),
    )


def _keep_output(seen: dict[str, Tensor], name: str) -> Callable:
    def keep(module: Any, given: tuple[Any, ...], output: Tensor) -> None:
        packings = [one for one in given if isinstance(one, Packing)]
        seen[name] = packings[0].unpack(output) if packings else output

    return keep


def _keep_read(read: Any, seen: dict[str, Tensor], name: str) -> Callable:
    def keep(*given: Any) -> Tensor:
        seen[name] = read(*given)
        return seen[name]

    return keep


def _keep_input(seen: dict[str, Tensor], name: str) -> Callable:
    def keep(module: Any, given: tuple[Tensor]) -> None:
        seen[name] = given[0]

    return keep

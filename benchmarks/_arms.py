"""Arms of about equally many parameters, and the rate at which untrained ones ask for chunks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch.nn.functional import cross_entropy

from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.match import with_layers
from genomenet.models.parameters import count_parameters

WINDOW = 1_023
"""Positions that the windowed Transformer sees back."""
PATCH = 6
TRANSFORMER, WINDOWED, MAMBA = "Transformer", "Transformer, windowed", "Mamba-2"
HNET_MAMBA, HNET_TRANSFORMER = "H-Net, Mamba-2 within", "H-Net, Transformer within"
BLT = "BLT"
ISOTROPIC = {HNET_MAMBA: MAMBA, HNET_TRANSFORMER: TRANSFORMER, BLT: TRANSFORMER}
"""The isotropic arm of the mixer that each hierarchy has within."""


@dataclass(frozen=True)
class Widths:
    """Width of isotropic arms and of main networks, and of what is around these."""

    main: int
    outer: int


SIZES = {
    1e6: Widths(128, 64),
    4e6: Widths(256, 192),
    12.3e6: Widths(384, 256),
    25e6: Widths(512, 384),
    100e6: Widths(768, 512),
}
"""By parameters; inside, hierarchies are as much wider than outside as H-Net's are."""


def arms(parameters: float) -> dict[str, ModelConfig]:
    """Every kind of arm, its main network as deep as `parameters` ask for.

    Parameters
    ----------
    parameters : float
        A key of `SIZES`.
    """
    widths = SIZES[parameters]
    plain = ModelConfig(d_model=widths.main, d_state=64)
    two = [widths.outer, widths.main]
    hnet = replace(plain, d_model=two, targets=3)
    found = {
        TRANSFORMER: replace(plain, layout="T1"),
        WINDOWED: replace(plain, layout="T1", window=WINDOW),
        MAMBA: replace(plain, layout="m1"),
        HNET_MAMBA: replace(hnet, layout="m2 + M1 + m2"),
        # A little narrower than by default: a layer more or less is too much for equal totals.
        HNET_TRANSFORMER: replace(
            hnet, layout="m2 + T1 + m2", mlp_width_attention=[0, 5 * widths.main // 2]
        ),
        BLT: replace(
            plain,
            layout="T1 + T1 + T2",
            d_model=two,
            targets=PATCH,
            chunker="fixed",
            pool="cross_attention",
            inner_norms=False,
            window=[511, -1],
            ngrams=[3, 4, 5],
        ),
    }
    return {name: of_size(config, parameters) for name, config in found.items()}


def of_size(config: ModelConfig, parameters: float) -> ModelConfig:
    """The depth of the main network at which a model has about so many parameters."""

    def miss(variant: ModelConfig) -> float:
        return abs(count_parameters(variant) - parameters)

    return min((with_layers(config, layers) for layers in range(1, 100)), key=miss).check()


def make(config: ModelConfig) -> LanguageModel:
    """A model with the same weights whenever it is made, which asks at its target rate."""
    torch.manual_seed(0)
    model = LanguageModel(config).eval()
    if config.networks().stages and config.chunker_of(0) == "learned":
        ask_at_rate(model, torch.randint(0, 4, (1, 2_048)), config.target(0))
    return model


def ask_at_rate(model: LanguageModel, tokens: torch.Tensor, positions_per_chunk: float) -> None:
    """Let routers that have not learned yet ask at a given rate, at irregular positions.

    Parameters
    ----------
    model : LanguageModel
        Of one chunking stage, whose router is changed in place.
    tokens : Tensor of int64
        Where the rate is to be met, (B, L).
    positions_per_chunk : float
        The rate.
    """
    network = model.backbone
    for projection in (network.routing_module.q_proj_layer, network.routing_module.k_proj_layer):
        torch.nn.init.normal_(projection.weight, std=projection.weight.shape[0] ** -0.5)
    network.guards = replace(network.guards, threshold=2.0)
    with torch.no_grad():
        asked = model(tokens).boundaries[0].probability[:, 1:]
    threshold = float(asked.quantile(1 - 1 / positions_per_chunk))
    network.guards = replace(network.guards, threshold=threshold)


def logits_of(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """What a model of ours says of tokens (B, L)."""
    return model(tokens).logits


def training_step(
    model: torch.nn.Module,
    tokens: torch.Tensor,
    logits: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor] = logits_of,
    dtype: torch.dtype = torch.float32,
) -> Callable[[], None]:
    """Forward, backward and AdamW on the next base of (B, L + 1) tokens."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-6, foreach=True)

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            scores = logits(model, tokens[:, :-1])
        cross_entropy(scores.flatten(0, 1).float(), tokens[:, 1:].flatten()).backward()
        optimiser.step()

    return step


def named(parameters: float) -> str:
    """A number of parameters as tables show it."""
    return f"{parameters / 1e6:.1f}M"


def lengths_up_to(last: int, first: int = 1_024, factor: int = 4) -> Iterator[int]:
    """Lengths that grow by a factor, the last one included."""
    length = first
    while length < last:
        yield length
        length *= factor
    yield last

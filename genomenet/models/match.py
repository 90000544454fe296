"""A model of wanted FLOPs per base: how deep or how wide its main network has to be."""

import math
from dataclasses import dataclass, replace
from itertools import count, cycle, islice
from typing import Literal

from genomenet.errors import UserError
from genomenet.models.config import MLP_MULTIPLE, ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.nn.layout import Layout, write_layout

Direction = Literal["depth", "width"]


@dataclass(frozen=True)
class Match:
    """A model near a budget.

    Attributes
    ----------
    config : ModelConfig
        The model.
    flops_per_base, budget : float
        Its forward FLOPs per base at the target rate, and what was wanted.
    """

    config: ModelConfig
    flops_per_base: float
    budget: float

    @property
    def residual(self) -> float:
        """How far off the budget, as a share of it; negative is below."""
        return self.flops_per_base / self.budget - 1


def match_flops(config: ModelConfig, budget: float, vary: Direction, length_bp: int) -> Match:
    """The variant of a model whose FLOPs per base come nearest to a budget.

    Parameters
    ----------
    config : ModelConfig
        The model to start from.
    budget : float
        Forward FLOPs per base, patcher included.
    vary : {"depth", "width"}
        "depth" changes the number of layers of the main network; a pattern of letters that
        repeats is continued, else the longest run of one letter is. "width" changes the width
        of the main network in multiples of its head_dim, or without attention of what Mamba-2's
        heads need; MLP widths that are given grow along.
    length_bp : int
        Window length in bases, at which FLOPs are compared.

    Raises
    ------
    UserError
        When the budget is not positive, or the model can't be built.
    """
    if not 0 < budget < math.inf:
        raise UserError(f"the budget is {budget:g} FLOPs per base; give a number above 0")
    config.check()
    resize = with_layers if vary == "depth" else with_width
    best: Match | None = None
    for size in count(1):
        variant = resize(config, size)
        if variant is None:
            continue
        found = Match(variant, flops_per_base(variant, length_bp).total, budget)
        if best is None or abs(found.residual) < abs(best.residual):
            best = found
        if found.flops_per_base >= budget:
            break
    assert best is not None
    return Match(best.config.check(), best.flops_per_base, budget)


def with_layers(config: ModelConfig, layers: int) -> ModelConfig:
    """The model with so many layers in its main network."""
    layout = config.networks()
    main = _resized(layout.main, layers)
    text = write_layout(Layout(layout.encoders, main, layout.decoders))
    return replace(config, layout=text, notation="code")


def with_width(config: ModelConfig, multiple: int) -> ModelConfig | None:
    """The model with a main network so many heads wide; None where its other fields forbid it."""
    layout = config.networks()
    stages = layout.stages
    numbers = config.stage(stages)
    if set(layout.main) & set("tTE"):
        width = multiple * numbers.head_dim
    else:
        width = multiple * (
            numbers.mamba_head_dim // math.gcd(numbers.mamba_head_dim, config.expand)
        )
    changed: dict[str, object] = {"d_model": _innermost(config, "d_model", width)}
    for name in ("mlp_width_attention", "mlp_width_mamba", "mlp_width_expert"):
        if given := int(config.of_stage(name, stages)):
            grown = round(given * width / numbers.d_model / MLP_MULTIPLE) * MLP_MULTIPLE
            changed[name] = _innermost(config, name, max(MLP_MULTIPLE, grown))
    variant = replace(config, **changed)  # type: ignore[arg-type]
    try:
        return variant.check()
    except UserError:
        return None


def _innermost(config: ModelConfig, name: str, value: int) -> int | list[int]:
    """A field with another value for the main network."""
    stages = config.networks().stages
    if not stages:
        return value
    return [*(int(config.of_stage(name, stage)) for stage in range(stages)), value]


def _resized(letters: str, layers: int) -> str:
    """The letters of so many layers: "MMMTMMMT" and 5 is "MMMTM", "TMMMT" and 7 is "TMMMMMT"."""
    for period in range(1, len(letters) // 2 + 1):
        if letters == "".join(islice(cycle(letters[:period]), len(letters))):
            return "".join(islice(cycle(letters[:period]), layers))
    if len(letters) == 1:
        return letters * layers
    start, length = _longest_run(letters)
    others = len(letters) - length
    run = letters[start] * max(0, layers - others)
    return (letters[:start] + run + letters[start + length :])[:layers]


def _longest_run(letters: str) -> tuple[int, int]:
    """Where the longest run of one letter starts, and its length; the first one of several."""
    best, start = (0, 0), 0
    for end in range(1, len(letters) + 1):
        if end == len(letters) or letters[end] != letters[start]:
            if end - start > best[1]:
                best = (start, end - start)
            start = end
    return best

"""How numbers are written in reports: perplexity, bits per base, counts and their intervals."""

import math
from collections.abc import Sequence

from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.formatting import DASH, MINUS, NOTHING


def perplexity(nats: float | None) -> str:
    """Write nats per base as perplexity, three decimals."""
    return NOTHING if nats is None or not math.isfinite(nats) else f"{math.exp(nats):.3f}"


def bits(nats: float | None, decimals: int = 3) -> str:
    """Write nats per base as bits per base."""
    if nats is None or not math.isfinite(nats):
        return NOTHING
    return f"{nats / math.log(2):.{decimals}f}"


def bits_interval(estimate: Estimate | None, decimals: int = 3) -> str:
    """Write the bounds of an estimate in nats as bits per base, or a dash when unbounded."""
    if estimate is None or not math.isfinite(estimate.low) or not math.isfinite(estimate.high):
        return NOTHING
    return f"{bits(estimate.low, decimals)}{DASH}{bits(estimate.high, decimals)}"


def signed_bits(nats: float) -> str:
    """Write a difference in nats as bits per base with its sign, four decimals."""
    return f"{nats / math.log(2):+.4f}".replace("-", MINUS)


def stages(values: Sequence[float]) -> str:
    """Write one number per stage, or a dash for an isotropic arm."""
    return " / ".join(f"{value:.2f}" for value in values) or NOTHING


def basis(estimate: Estimate) -> str:
    """Say what an interval is over, for example ``95 %, 3 seeds``."""
    return f"{estimate.level * 100:g} %, {estimate.n} {estimate.basis}"


def listing(names: Sequence[str]) -> str:
    """Join names as in a sentence: a, b and c; with semicolons when a name holds a comma."""
    comma = "; " if any("," in name for name in names) else ", "
    return " and ".join([comma.join(names[:-1]), names[-1]] if len(names) > 1 else names)

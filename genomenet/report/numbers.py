"""How numbers are written in reports: perplexity, bits per base, counts and their intervals."""

import math
from collections.abc import Sequence

from genomenet.study.confidence import Estimate

DASH = "–"
NOTHING = "—"


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
    return f"{nats / math.log(2):+.4f}".replace("-", "−")


def compact(value: float | None) -> str:
    """Write a count with three digits and a unit: 950, 1.01M, 24M, 3.1G."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, unit in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * factor:
            return f"{value / factor:#.3g}".rstrip("0").rstrip(".") + unit if value else "0"
    return f"{value:.3g}"


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

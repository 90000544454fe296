"""Choose a threshold for every window, so that a budget of FLOPs buys the fewest nats."""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def cheapest_choices(flops: Numbers, nats: Numbers, budget: float) -> npt.NDArray[np.intp]:
    """For every window one choice, within a budget of FLOPs, for about the fewest nats.

    Each window takes the choice of least ``nats + price * flops``; the lowest price that the
    budget can pay is found by bisection. No choice that costs as little has fewer nats, but a
    remainder of the budget, less than what changing the last windows costs, may be left unspent.
    Given the nats of the windows to choose for, this is an oracle, which has seen the answer.

    Parameters
    ----------
    flops, nats : ndarray of float64, shape (windows, choices)
        What each choice costs, and what it leaves to pay.
    budget : float
        Of all windows together.

    Returns
    -------
    ndarray of int, shape (windows,)

    Raises
    ------
    ValueError
        When even the cheapest choices cost more.
    """
    if flops.min(1).sum() > budget:
        raise ValueError("the budget does not pay for the cheapest choice of every window")
    rows = np.arange(len(flops))

    def choose(price: float) -> npt.NDArray[np.intp]:
        cost = nats + price * flops
        # Of equally good choices the one with fewer FLOPs.
        tied = np.where(cost <= cost.min(1, keepdims=True), flops, np.inf)
        return tied.argmin(1)

    def affordable(choice: npt.NDArray[np.intp]) -> bool:
        return bool(flops[rows, choice].sum() <= budget)

    if affordable(best := choose(0.0)):
        return best
    low, high = 0.0, 1.0 / max(float(flops.max()), 1.0)
    while not affordable(best := choose(high)):
        low, high = high, 2 * high
        if not np.isfinite(high):
            return flops.argmin(1)
    for _ in range(100):
        middle = (low + high) / 2
        if affordable(choice := choose(middle)):
            high, best = middle, choice
        else:
            low = middle
    return best

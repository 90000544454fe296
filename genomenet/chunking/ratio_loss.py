"""The loss that holds a learned router near its target chunk length."""

from collections.abc import Callable

from torch import Tensor

from genomenet.chunking.boundaries import Boundaries


def ratio_loss(
    routing: Boundaries, target: float, total: Callable[[Tensor], Tensor] = lambda own: own
) -> Tensor:
    """N / (N - 1) * ((N - 1) F G + (1 - F) (1 - G)).

    F is the share of positions that are boundaries, G the mean boundary probability, both
    over the valid positions of the micro-batch at hand, on all ranks. The value is 1 at
    F = G = 1/N. It steers the rate; it does not set it, so report the achieved one. Source:
    H-Net equation 10.

    Parameters
    ----------
    routing : Boundaries
        Decisions of one stage.
    target : float
        N, the wanted positions per chunk; more than 1.
    total : callable
        Adds up a scalar over ranks; one process has nothing to add.

    Returns
    -------
    Tensor
        A scalar.
    """
    positions = total(routing.valid.sum())
    share = total(routing.mask.sum()) / positions
    probability = total((routing.probability * routing.valid).sum()) / positions
    apart = (1 - share) * (1 - probability)
    return target / (target - 1) * ((target - 1) * share * probability + apart)

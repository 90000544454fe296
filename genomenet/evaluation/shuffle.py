"""Shuffle a sequence so that every dinucleotide stays as frequent as it was."""

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]


def shuffle_dinucleotides(codes: Codes, rng: np.random.Generator) -> Codes:
    """Draw one of all sequences with the same dinucleotides, each equally likely.

    A sequence is a walk over its letters, and another walk that takes the same steps as often is
    a shuffle. The last step out of each letter is drawn first, as a tree towards the last letter;
    all other steps are then in any order. Source: Altschul & Erickson (1985), with the tree drawn
    by a loop-erased walk as Wilson (1996), so that no draw is thrown away.

    Parameters
    ----------
    codes : ndarray of uint8, shape (bases,)
        Any letters; N is one like the others. A soft mask is not moved: it stays with the place.
    rng : numpy Generator
        Where chance comes from.

    Returns
    -------
    ndarray of uint8, shape (bases,)
        First and last letter are those of `codes`.
    """
    if len(codes) < 3:
        return codes.copy()
    last = int(codes[-1])
    letters = [int(letter) for letter in np.unique(codes)]
    # Where each letter was followed by what, one entry a step.
    steps = {letter: codes[1:][codes[:-1] == letter] for letter in letters}
    tree = _tree(steps, last, rng)
    order: dict[int, list[int]] = {}
    for letter in letters:
        following = steps[letter]
        if letter == last:
            order[letter] = rng.permutation(following).tolist()
            continue
        kept = np.delete(following, np.flatnonzero(following == tree[letter])[0])
        order[letter] = [*rng.permutation(kept).tolist(), tree[letter]]
    remaining = {letter: iter(following) for letter, following in order.items()}
    found = [int(codes[0])]
    for _ in range(len(codes) - 1):
        found.append(next(remaining[found[-1]]))
    return np.array(found, dtype=codes.dtype)


def _tree(
    steps: dict[int, npt.NDArray[np.uint8]], root: int, rng: np.random.Generator
) -> dict[int, int]:
    """The last step out of every letter but the root: a random tree, steps weighing as often."""
    tree: dict[int, int] = {}
    inside = {root}
    for letter in steps:
        here = letter
        while here not in inside:
            # Overwriting what was drawn before erases the loops of the walk.
            tree[here] = int(rng.choice(steps[here]))
            here = tree[here]
        here = letter
        while here not in inside:
            inside.add(here)
            here = tree[here]
    return tree

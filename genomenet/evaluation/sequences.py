"""Score sequences that are in memory: edited, shuffled, or made up, of any lengths."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries
from genomenet.errors import UserError
from genomenet.evaluation.subject import Subject

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BaseBoundaries:
    """What a stage decided after reading each base of a sequence.

    Attributes
    ----------
    probability : ndarray of float32, shape (bases,)
        Boundary probability; nan where an inner stage has no position.
    boundary : ndarray of bool, shape (bases,)
        Whether the network within stepped at the base.
    """

    probability: npt.NDArray[np.float32]
    boundary: Mask


@dataclass(frozen=True)
class SequenceScore:
    """What a model says of one sequence.

    Attributes
    ----------
    nats : ndarray of float64, shape (bases,)
        Negative log-likelihood of every base; 0 for N.
    boundaries : tuple of BaseBoundaries
        One a stage, outermost first; empty unless asked for.
    """

    nats: npt.NDArray[np.float64]
    boundaries: tuple[BaseBoundaries, ...] = ()


def score_sequences(
    subject: Subject,
    sequences: Sequence[Codes],
    masks: Sequence[Mask] | None = None,
    with_boundaries: bool = False,
    progress: Callable[[int], object] | None = None,
) -> list[SequenceScore]:
    """Score each sequence on its own, from its first base on.

    Parameters
    ----------
    subject : Subject
        The model.
    sequences : sequence of ndarray of uint8
        Codes, each of shape (bases,) and not empty.
    masks : sequence of ndarray of bool, optional
        Soft mask of each, for chunkers that read it; none when left out.
    with_boundaries : bool
        Report the boundaries too. The decision on a base needs it to be read, so one more
        position is scored, which changes nothing before it.
    progress : callable, optional
        Called with the number of sequences just scored.

    Returns
    -------
    list of SequenceScore
        In the order given. Batches and padding change nothing.

    Raises
    ------
    UserError
        When the model reads scores of bases, which made-up sequences don't have.
    """
    require_no_scores(subject)
    found: list[SequenceScore] = []
    first = 0
    while first < len(sequences):
        longest = len(sequences[first])
        last = first + 1
        while last < len(sequences):
            longest = max(longest, len(sequences[last]))
            if last - first >= subject.windows_a_pass(longest):
                break
            last += 1
        rows = slice(first, last)
        found += _score(
            subject, sequences[rows], masks[rows] if masks is not None else None, with_boundaries
        )
        if progress is not None:
            progress(last - first)
        first = last
    return found


def require_no_scores(subject: Subject) -> None:
    """Make sure that sequences alone are what a model reads.

    Raises
    ------
    UserError
        When it reads scores of bases too.
    """
    if subject.reads_scores:
        raise UserError(
            f"{subject.name} reads a score for every base, and sequences that are edited or made "
            "up have none; leave it out"
        )


@torch.no_grad()
def _score(
    subject: Subject, codes: Sequence[Codes], masks: Sequence[Mask] | None, with_boundaries: bool
) -> list[SequenceScore]:
    alphabet, device = subject.alphabet, subject.device
    lengths = [len(one) for one in codes]
    columns = max(lengths) + with_boundaries
    tokens_BL = torch.full((len(codes), columns), alphabet.start_code)
    targets_BL = torch.full_like(tokens_BL, -1)
    valid_BL = torch.zeros_like(tokens_BL, dtype=torch.bool)
    masked_BL = torch.zeros_like(valid_BL)
    for row, (one, length) in enumerate(zip(codes, lengths, strict=True)):
        bases = torch.from_numpy(one.astype(np.int64))
        read = length - 1 + with_boundaries
        tokens_BL[row, 1 : 1 + read] = bases[:read]
        targets_BL[row, :length] = torch.where(bases < alphabet.scored_codes, bases, -1)
        valid_BL[row, : 1 + read] = True
        if masks is not None:
            masked_BL[row, 1 : 1 + read] = torch.from_numpy(np.array(masks[row][:read]))
    with subject.precision():
        output = subject.scorer(columns).score(
            tokens_BL.to(device),
            targets_BL.to(device),
            valid_BL.to(device),
            masked_BL=masked_BL.to(device),
        )
    nats_BL = output.nats_BL.double().cpu().numpy()
    stages = at_bases(output.boundaries) if with_boundaries else []
    return [
        SequenceScore(
            nats_BL[row, :length],
            tuple(
                BaseBoundaries(
                    probability_BL[row, 1 : length + 1].numpy(),
                    boundary_BL[row, 1 : length + 1].numpy(),
                )
                for probability_BL, boundary_BL in stages
            ),
        )
        for row, length in enumerate(lengths)
    ]


def at_bases(boundaries: Sequence[Boundaries]) -> list[tuple[Tensor, Tensor]]:
    """Lay the decisions of every stage over the positions at base resolution.

    Parameters
    ----------
    boundaries : sequence of Boundaries
        As a model gives them, outermost first: the positions of a stage are the boundaries of the
        stage outside it.

    Returns
    -------
    list of tuple of Tensor
        For each stage (B, L) boundary probabilities of float32, nan where the stage has no
        position, and (B, L) boundaries; on the CPU. Position 0 read the start symbol, so what was
        decided on base i stands at position i + 1.
    """
    found: list[tuple[Tensor, Tensor]] = []
    here_BL = boundaries[0].valid.cpu() if boundaries else torch.empty(0)
    for stage in boundaries:
        valid_BS = stage.valid.cpu()
        probability_BL = torch.full(here_BL.shape, torch.nan)
        boundary_BL = torch.zeros(here_BL.shape, dtype=torch.bool)
        # Row by row and from left to right, valid positions are the boundaries outside.
        probability_BL[here_BL] = stage.probability.float().cpu()[valid_BS]
        boundary_BL[here_BL] = stage.mask.cpu()[valid_BS]
        found.append((probability_BL, boundary_BL))
        here_BL = boundary_BL
    return found

"""Score sequences that begin alike, such as the alleles of a site: what they share is read once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genomenet.evaluation.sequences import require_no_scores
from genomenet.evaluation.subject import Subject
from genomenet.models.nats import next_base_nats
from genomenet.models.reading import logits_behind, read_long
from genomenet.nn.rows import copy_rows
from genomenet.ops.linear import padded_length

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Nats = npt.NDArray[np.float64]


class BeginAlike(Protocol):
    """Sequences whose first `shared` bases are the same."""

    @property
    def codes(self) -> Sequence[Codes]: ...  # noqa: D102

    @property
    def shared(self) -> int: ...  # noqa: D102


Group = TypeVar("Group", bound=BeginAlike)


@dataclass(frozen=True)
class Alternatives:
    """Sequences that begin alike.

    Attributes
    ----------
    codes : sequence of ndarray of uint8
        The sequences.
    masks : sequence of ndarray of bool
        Their soft masks.
    shared : int
        Bases at the start that are the same in all, and masked the same; at most as many as the
        shortest has.
    """

    codes: Sequence[Codes]
    masks: Sequence[Mask]
    shared: int


def score_alternatives(
    subject: Subject,
    groups: Sequence[Alternatives],
    progress: Callable[[int], object] | None = None,
) -> list[list[Nats]]:
    """Score what each sequence has beyond the bases that its group shares.

    Parameters
    ----------
    subject : Subject
        With `resumes`: its model goes on from a state.
    groups : sequence of Alternatives
        Those of a pass are read together.
    progress : callable, optional
        Called with the number of sequences just scored.

    Returns
    -------
    list of list of ndarray of float64
        For each sequence of each group the nats of the bases from number `shared` on.

    Raises
    ------
    UserError
        When the model reads scores of bases.
    """
    require_no_scores(subject)
    found: list[list[Nats]] = []
    for some in passes(subject, groups):
        nats = iter(_score(subject, some, progress))
        found += [[next(nats) for _ in group.codes] for group in some]
    return found


def passes(subject: Subject, groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Groups that together have as many positions to read as a pass, at least one."""
    some: list[Group] = []
    positions = 0
    for group in groups:
        own = group.shared + sum(len(codes) - group.shared for codes in group.codes)
        if some and positions + own > subject.pass_bp:
            yield some
            some, positions = [], 0
        some.append(group)
        positions += own
    if some:
        yield some


@torch.no_grad()
def _score(
    subject: Subject,
    groups: Sequence[Alternatives],
    progress: Callable[[int], object] | None,
) -> list[Nats]:
    """The nats of all sequences, group by group, as many at a time as make a pass."""
    model, alphabet = subject.model, subject.alphabet
    start = np.array([alphabet.start_code], np.uint8)
    unmasked = np.zeros(1, np.bool_)
    state = model.new_state(len(groups), subject.device)
    heads = [
        (
            np.concatenate([start, one.codes[0][: one.shared]]),
            np.concatenate([unmasked, one.masks[0][: one.shared]]),
        )
        for one in groups
    ]
    with subject.precision():
        first_GV = logits_behind(_read(subject, heads, state), _lengths(heads))
    sequences = [
        (group, codes, mask, one.shared)
        for group, one in enumerate(groups)
        for codes, mask in zip(one.codes, one.masks, strict=True)
    ]
    longest = max(len(codes) - at for _, codes, _, at in sequences)
    rows = subject.windows_a_pass(max(1, longest))
    found: list[Nats] = []
    for low in range(0, len(sequences), rows):
        some = sequences[low : low + rows]
        # The base behind what is shared is told by the shared state; the last base is not read.
        tails = [(codes[at:-1], mask[at:-1]) for _, codes, mask, at in some]
        targets = [torch.from_numpy(codes[at:].astype(np.int64)) for _, codes, _, at in some]
        groups_R = torch.tensor([group for group, *_ in some], device=subject.device)
        logits = [first_GV[groups_R].unsqueeze(1)]
        if int(_lengths(tails).max()):
            with subject.precision():
                outputs = _read(subject, tails, copy_rows(state, groups_R))
                logits += [output.logits for output in outputs]
        logits_RLV = torch.cat(logits, 1)
        targets_RL = torch.full(logits_RLV.shape[:2], -1)
        for row, target in enumerate(targets):
            targets_RL[row, : len(target)] = target.where(target < alphabet.scored_codes, -1)
        nats_RL = next_base_nats(logits_RLV, targets_RL.to(subject.device)).double().cpu().numpy()
        found += [nats[: len(target)] for nats, target in zip(nats_RL, targets, strict=True)]
        if progress is not None:
            progress(len(some))
    return found


def _lengths(pieces: Sequence[tuple[Codes, Mask]]) -> Tensor:
    return torch.tensor([len(codes) for codes, _ in pieces])


def padded_codes(pieces: Sequence[Codes]) -> tuple[Tensor, Tensor]:
    """Codes (B, L) as int64, right-padded to one position at least, and which of them are there."""
    length_B = torch.tensor([len(codes) for codes in pieces])
    longest = padded_length(len(pieces), max(1, int(length_B.max())))
    tokens_BL = torch.zeros(len(pieces), longest, dtype=torch.int64)
    for row, codes in enumerate(pieces):
        tokens_BL[row, : len(codes)] = torch.from_numpy(codes.astype(np.int64))
    return tokens_BL, torch.arange(longest) < length_B.unsqueeze(1)


def _read(subject: Subject, pieces: Sequence[tuple[Codes, Mask]], state: Any) -> Iterator[Any]:
    """Read codes and masks of each row on from a state, which is brought up to date."""
    tokens_BL, valid_BL = padded_codes([codes for codes, _ in pieces])
    masked_BL = torch.zeros_like(valid_BL)
    for row, (_, mask) in enumerate(pieces):
        masked_BL[row, : len(mask)] = torch.from_numpy(np.array(mask))
    device = subject.device
    return read_long(
        subject.model,
        tokens_BL.to(device),
        max(1, subject.pass_bp // len(pieces)),
        valid_BL.to(device),
        masked_BL=masked_BL.to(device),
        state=state,
    )

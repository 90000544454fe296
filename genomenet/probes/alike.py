"""Sequences that begin alike, and their vectors: what they share is read once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genomenet.evaluation.shared_prefix import padded_codes, passes
from genomenet.evaluation.subject import Subject
from genomenet.models.hidden_layers import read_layers_behind
from genomenet.models.hidden_states import HiddenLayer
from genomenet.nn.rows import copy_rows
from genomenet.probes.task import Codes

LEAST_SHARE = 0.4
"""Of the longest sequence of a group, that all of them begin with. Less wouldn't pay, as reading
behind a state is slower; alleles in the middle of a window share half (benchmarks/variants.py)."""


@dataclass
class Alike:
    """Sequences that begin alike.

    Attributes
    ----------
    rows : list of int
        Which ones, at least two.
    codes : list of ndarray of uint8
        They themselves.
    shared : int
        Bases that all of them begin with.
    """

    rows: list[int]
    codes: list[Codes]
    shared: int


def find_alike(sequences: Sequence[Codes]) -> list[Alike]:
    """Groups of sequences that share `LEAST_SHARE` at the start; others are in none."""
    groups: list[Alike] = []
    longest = 0
    for row in sorted(range(len(sequences)), key=lambda row: sequences[row].tobytes()):
        codes = sequences[row]
        longest = max(longest, len(codes))
        if groups:
            last = groups[-1]
            shared = min(last.shared, _alike(last.codes[-1], codes))
            if shared >= LEAST_SHARE * longest:
                last.rows.append(row)
                last.codes.append(codes)
                last.shared = shared
                continue
        longest = len(codes)
        groups.append(Alike([row], [codes], longest))
    return [group for group in groups if len(group.rows) > 1]


def _alike(one: Codes, other: Codes) -> int:
    """Bases from the start that are the same."""
    length = min(len(one), len(other))
    differs = one[:length] != other[:length]
    return int(differs.argmax()) if differs.any() else length


@torch.no_grad()
def hidden_of_alike(
    subject: Subject, groups: Sequence[Alike]
) -> Iterator[tuple[list[int], list[HiddenLayer]]]:
    """Vectors of every layer for the sequences of all groups.

    Parameters
    ----------
    subject : Subject
        With `resumes`: its model goes on from a state.
    groups : sequence of Alike
        Those of a pass are read together.

    Yields
    ------
    list of int
        Some rows.
    list of HiddenLayer
        What `genomenet.models.hidden_layers.hidden_layers` gives of them, with places between what
        is shared and the rest that are not valid.
    """
    start = np.array([subject.alphabet.start_code], np.uint8)
    for some in passes(subject, groups):
        state = subject.model.new_state(len(some), subject.device)
        heads = [np.concatenate([start, group.codes[0][: group.shared]]) for group in some]
        shared = _read(subject, heads, [0] * len(some), state)
        members = [
            (row, number, codes[group.shared :], group.shared)
            for number, group in enumerate(some)
            for row, codes in zip(group.rows, group.codes, strict=True)
        ]
        at_once = subject.windows_a_pass(max(len(tail) + at for _, _, tail, at in members))
        for low in range(0, len(members), at_once):
            rows, numbers, tails, shares = zip(*members[low : low + at_once], strict=True)
            group_R = torch.tensor(numbers, device=subject.device)
            firsts = [1 + at for at in shares]
            rest = _read(subject, tails, firsts, copy_rows(state, group_R))
            yield list(rows), _joined(shared, rest, group_R)


def _read(
    subject: Subject, pieces: Sequence[Codes], firsts: Sequence[int], state: Any
) -> list[HiddenLayer]:
    """Vectors of pieces, each of which begins at a position of its own, behind a state."""
    tokens_BL, valid_BL = padded_codes(pieces)
    position_BL = torch.tensor(firsts).unsqueeze(1) + torch.arange(tokens_BL.shape[1])
    device = subject.device
    with subject.precision():
        return read_layers_behind(
            subject.model, tokens_BL.to(device), state, valid_BL.to(device), position_BL.to(device)
        )


def _joined(
    shared: Sequence[HiddenLayer], rest: Sequence[HiddenLayer], group_R: Tensor
) -> list[HiddenLayer]:
    """Vectors of what a row's group shares, and of what is its own behind them."""
    layers = []
    for before, behind in zip(shared, rest, strict=True):
        assert before.position is not None
        assert behind.position is not None
        layers.append(
            HiddenLayer(
                behind.name,
                torch.cat([before.vectors[group_R], behind.vectors], 1),
                torch.cat([before.valid[group_R], behind.valid], 1),
                torch.cat([before.position[group_R], behind.position], 1),
            )
        )
    return layers

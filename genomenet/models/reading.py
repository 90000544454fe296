"""Read sequences of any length segment by segment, in memory that does not grow with it."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries
from genomenet.models.language_model import LanguageModel, LanguageModelOutput, LanguageModelState
from genomenet.models.nats import Scores, next_base_nats


def read_long(
    model: LanguageModel,
    tokens_BL: Tensor,
    segment: int,
    valid_BL: Tensor | None = None,
    *,
    masked_BL: Tensor | None = None,
    scores_BL: Tensor | None = None,
    state: LanguageModelState | None = None,
) -> Iterator[LanguageModelOutput]:
    """What `LanguageModel.forward` says, one segment after the other.

    Beside one segment's activations there is only the state: for Mamba-2, and H-Net with Mamba-2
    within, it is of one size, whatever has been read; with attention inside a window too, and
    otherwise it holds the keys and values.

    Parameters
    ----------
    model : LanguageModel
        In evaluation mode.
    tokens_BL, valid_BL, masked_BL, scores_BL
        As in `LanguageModel.forward`.
    segment : int
        Positions read at a time, at least 1.
    state : LanguageModelState, optional
        Of a prefix, brought up to date; empty sequences when left out.

    Yields
    ------
    LanguageModelOutput
        Of one segment, as `LanguageModel.read` has it.
    """
    if valid_BL is None:
        valid_BL = torch.ones_like(tokens_BL, dtype=torch.bool)
    if state is None:
        state = model.new_state(len(tokens_BL), tokens_BL.device)
    for first in range(0, tokens_BL.shape[1], segment):
        some = slice(first, first + segment)
        yield model.read(
            tokens_BL[:, some],
            state,
            valid_BL[:, some],
            masked_BL=None if masked_BL is None else masked_BL[:, some],
            scores_BL=None if scores_BL is None else scores_BL[:, some],
        )


def logits_behind(outputs: Iterable[LanguageModelOutput], length_B: Tensor) -> Tensor:
    """The logits (B, V) at each row's last valid position.

    Parameters
    ----------
    outputs : iterable of LanguageModelOutput
        Of all segments, from `read_long`.
    length_B : Tensor of int64
        Valid positions of each row, at least 1.
    """
    found: list[Tensor] = [torch.empty(0)] * len(length_B)
    first = 0
    for output in outputs:
        for row, last in enumerate((length_B - 1 - first).tolist()):
            if 0 <= last < output.logits.shape[1]:
                found[row] = output.logits[row, last]
        first += output.logits.shape[1]
    return torch.stack(found)


def score_long(
    model: LanguageModel,
    tokens_BL: Tensor,
    targets_BL: Tensor,
    valid_BL: Tensor,
    segment: int,
    *,
    masked_BL: Tensor | None = None,
    scores_BL: Tensor | None = None,
) -> Scores:
    """What `LanguageModel.score` says, without ever holding the whole in memory.

    Parameters
    ----------
    model, segment
        As in `read_long`.
    tokens_BL, targets_BL, valid_BL, masked_BL, scores_BL
        As in `LanguageModel.score`.

    Returns
    -------
    Scores
        Within a stage, the chunks of one segment are padded before those of the next begin.
    """
    nats, stages = [], []
    outputs = read_long(
        model, tokens_BL, segment, valid_BL, masked_BL=masked_BL, scores_BL=scores_BL
    )
    for output, targets in zip(outputs, targets_BL.split(segment, 1), strict=True):
        nats.append(next_base_nats(output.logits, targets))
        stages.append(output.boundaries)
    boundaries = tuple(
        Boundaries(*(torch.cat(parts, 1) for parts in zip(*map(_fields, stage), strict=True)))
        for stage in zip(*stages, strict=True)
    )
    return Scores(torch.cat(nats, 1), boundaries)


def _fields(one: Boundaries) -> tuple[Tensor, Tensor, Tensor]:
    return one.probability, one.mask, one.valid

"""A Markov model of the training split as a subject: what counting words alone predicts."""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import DNA, N_CODE
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, spread_windows
from genomenet.genome.markov import MarkovModel, distributions, fit, score
from genomenet.models.nats import Scores
from genomenet.training.inputs import open_data
from genomenet.training.provenance import require_digest, require_splits
from genomenet.training.record import read_record

TRAINING_BP, VALIDATION_BP = 64_000_000, 500_000
"""Bases, evenly spread, that words are counted and strengths are chosen on; more take time only."""

ORDER = 10
"""Longest context that is tried."""


class MarkovScorer:
    """A Markov model behind the interface of `ScoringModel`.

    Parameters
    ----------
    model : MarkovModel
        Fitted.
    order : int
        Which of its orders predicts.
    """

    def __init__(self, model: MarkovModel, order: int) -> None:
        self._model = MarkovModel(model.counts[: order + 1], model.strengths[: order + 1])

    def parameters(self) -> Iterator[Tensor]:
        """An empty tensor, on the CPU."""
        return iter([torch.empty(0)])

    def score(
        self, tokens_BL: Tensor, targets_BL: Tensor, valid_BL: Tensor, **unread: Tensor | None
    ) -> Scores:
        """Nats of every target; contexts begin with the window and end at N, which is not read."""
        rows, length = targets_BL.shape
        codes = np.full((rows, length + 1), N_CODE, dtype=np.uint8)  # N parts the windows
        targets = targets_BL.numpy()
        codes[:, :length] = np.where(targets < 0, N_CODE, targets)
        flat = codes.reshape(-1)
        *_, p = distributions(flat, self._model)  # each order overwrites the one below
        nats = -np.log(p[np.arange(flat.size), flat & 3])
        nats[flat >= N_CODE] = 0.0
        return Scores(torch.from_numpy(nats.reshape(codes.shape)[:, :length].copy()), ())


def markov_control(
    genome: Genome,
    training: list[Interval],
    validation: list[Interval],
    length_bp: int,
    both_strands: bool,
    longest: int = ORDER,
) -> Subject:
    """Fit Markov models on a training split, and take the order that validates best.

    Parameters
    ----------
    genome : Genome
        Of DNA.
    training, validation : list of Interval
        Words are counted on the first; back-off strengths and the order are chosen on the second.
    length_bp : int
        Window length, at which contexts restart in validation, as they do when it is scored.
    both_strands : bool
        Whether to count reverse complements too, as models see them that train with `rc_aug`.
    longest : int
        Longest order tried.
    """
    counted = spread_windows(training, 1_000_000, TRAINING_BP)
    checked = spread_windows(validation, length_bp, VALIDATION_BP)
    model = fit(genome, counted, checked, longest, both_strands)
    order = int(np.argmin(score(genome, checked, model)[0]))
    name = f"order-{order} Markov"
    return Subject(
        name=name,
        arm=name,
        seed=0,
        model=MarkovScorer(model, order),
        alphabet=DNA,
        length_bp=length_bp,
        batch_size=max(1, math.ceil(65_536 / length_bp)),
        parameters=3 * 4**order,
        precision=nullcontext,
        flops=None,
    )


def run_control(run: Path, length_bp: int) -> Subject:
    """The control of a run: fitted on the splits that the run was trained and validated on.

    Raises
    ------
    UserError
        When the run's genome or splits are gone, changed, or empty.
    """
    config, record = read_record(run)
    genome, splits = open_data(config.data)
    require_digest(genome, config, record, run)
    require_splits(splits, config, record, run)
    return markov_control(
        genome,
        list(splits.require("train")),
        list(splits.require("valid")),
        length_bp,
        config.data.rc_aug,
    )

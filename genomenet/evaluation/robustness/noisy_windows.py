"""How much of what a model predicts is left when its input is noisy."""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.evaluation.robustness.perturbations import Edited, Perturbation, perturbations_of
from genomenet.evaluation.sequences import score_sequences
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import Alphabet
from genomenet.windows.held_out import HeldOutTiles

BLOCK_BP = 1 << 16
"""Bases whose edits are held at once."""

Score = Callable[[Sequence[npt.NDArray], Sequence[npt.NDArray]], list[npt.NDArray[np.float64]]]


@dataclass(frozen=True)
class Scorer:
    """Something that gives nats of sequences.

    Attributes
    ----------
    name : str
        What tables call it.
    score : callable
        Takes codes and soft masks of sequences, and gives the nats of every base of each.
    subject : Subject or None
        The model behind it; None for one without a network.
    control : bool
        Whether it stands there to compare with.
    """

    name: str
    score: Score
    subject: Subject | None = None
    control: bool = False

    @property
    def is_model(self) -> bool:
        """Whether it is one of the models in question."""
        return self.subject is not None and not self.control

    @property
    def label(self) -> str:
        """Its name, with a warning where its nats are no likelihood."""
        comparable = self.subject is None or self.subject.comparable
        return self.name if comparable else f"{self.name} (not comparable)"


@dataclass(frozen=True)
class Condition:
    """A kind of noise at one rate.

    Attributes
    ----------
    perturbation : Perturbation
        The kind.
    rate : float or None
        Chance of an edit at each base or character; None where the whole sequence is changed.
    """

    perturbation: Perturbation
    rate: float | None

    def edit(self, codes: npt.NDArray, masked: npt.NDArray, seed: int, window: int) -> Edited:
        """Edit a window; the same way for every model, and never longer than it was."""
        kind = zlib.crc32(self.perturbation.name.encode())
        rng = np.random.default_rng([seed, window, kind, round((self.rate or 0) * 1e9)])
        edited = self.perturbation.edit(codes, masked, self.rate or 0.0, rng)
        return edited.cut(codes.size)


@dataclass(frozen=True)
class NoiseSums:
    """Nats and bases of every window; S scorers, C conditions, W windows.

    Attributes
    ----------
    scorers, conditions : tuple
        What was scored, and under what.
    uniform : float
        Nats per base of a model that knows nothing.
    clean_bases : ndarray, shape (W,)
        Scored bases of the windows as they are.
    clean_nats : ndarray, shape (S, W)
        What these cost.
    own_bases : ndarray, shape (C, W)
        Scored bases of the noisy windows, noise included.
    own_nats : ndarray, shape (S, C, W)
        What these cost.
    kept_bases : ndarray, shape (C, W)
        Those of them that are no noise: they stand in both windows.
    kept_nats, kept_clean_nats : ndarray, shape (S, C, W)
        What these cost in the noisy window, and in the window as it is.
    """

    scorers: tuple[Scorer, ...]
    conditions: tuple[Condition, ...]
    uniform: float
    clean_bases: npt.NDArray[np.float64]
    clean_nats: npt.NDArray[np.float64]
    own_bases: npt.NDArray[np.float64]
    own_nats: npt.NDArray[np.float64]
    kept_bases: npt.NDArray[np.float64]
    kept_nats: npt.NDArray[np.float64]
    kept_clean_nats: npt.NDArray[np.float64]


def model_scorer(subject: Subject, control: bool = False) -> Scorer:
    """Score sequences by a model."""

    def score(sequences: Sequence[npt.NDArray], masks: Sequence[npt.NDArray]) -> list[npt.NDArray]:
        return [one.nats for one in score_sequences(subject, sequences, masks)]

    return Scorer(subject.name, score, subject, control)


def conditions_of(alphabet: Alphabet, rates: Sequence[float]) -> tuple[Condition, ...]:
    """Every kind of noise of an alphabet, at every rate.

    Raises
    ------
    UserError
        When a rate isn't between 0 and 1, or comes twice.
    """
    for rate in rates:
        if not 0 < rate < 1:
            raise UserError(f"--rates has {rate:g}; a rate is a share of bases between 0 and 1")
    if not rates or len(set(rates)) < len(rates):
        raise UserError("--rates should name at least one rate, and each once")
    return tuple(
        Condition(kind, rate)
        for kind in perturbations_of(alphabet)
        for rate in (sorted(rates) if kind.rated else (None,))
    )


def score_noise(
    scorers: Sequence[Scorer],
    tiles: HeldOutTiles,
    conditions: Sequence[Condition],
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> NoiseSums:
    """Score windows as they are and under every condition, the same edits for all scorers.

    Parameters
    ----------
    scorers : sequence of Scorer
        Models and controls.
    tiles : HeldOutTiles
        The windows.
    conditions : sequence of Condition
        The noise.
    seed : int
        Of the edits; with it each window has its own, whatever else is scored.
    progress : callable, optional
        Called with the number of windows just scored, once for every scorer and condition.

    Raises
    ------
    UserError
        When the windows hold nothing that is scored, or a model reads scores of bases.
    """
    alphabet = tiles.genome.alphabet
    models, kinds, windows = len(scorers), len(conditions), len(tiles)
    clean_bases, clean_nats = np.zeros(windows), np.zeros((models, windows))
    own_bases, kept_bases = np.zeros((2, kinds, windows))
    own_nats, kept_nats, kept_clean_nats = np.zeros((3, models, kinds, windows))
    step = max(1, BLOCK_BP // tiles.length_bp)
    for first in range(0, windows, step):
        batch = tiles.batch(first, min(step, windows - first))
        lengths, masked_BL = batch.lengths.tolist(), batch.masked
        codes = [batch.codes[row, :length].copy() for row, length in enumerate(lengths)]
        masks = [masked_BL[row, :length].copy() for row, length in enumerate(lengths)]
        here = range(first, first + len(codes))
        clean_bases[here] = [np.count_nonzero(one < alphabet.scored_codes) for one in codes]
        clean = [scorer.score(codes, masks) for scorer in scorers]
        for s, nats in enumerate(clean):
            clean_nats[s, here] = [one.sum() for one in nats]
            if progress is not None:
                progress(len(codes))
        for c, condition in enumerate(conditions):
            edited = [
                condition.edit(*pair, seed, window)
                for window, pair in zip(here, zip(codes, masks, strict=True), strict=True)
            ]
            scored = [one.codes < alphabet.scored_codes for one in edited]
            kept = [
                np.flatnonzero(known & (one.origin >= 0))
                for known, one in zip(scored, edited, strict=True)
            ]
            own_bases[c, here] = [one.sum() for one in scored]
            kept_bases[c, here] = [one.size for one in kept]
            # Nothing may be left of a short window.
            rows = [row for row, one in enumerate(edited) if one.codes.size]
            for s, scorer in enumerate(scorers):
                found = scorer.score(
                    [edited[row].codes for row in rows], [edited[row].masked for row in rows]
                )
                for row, nats_M in zip(rows, found, strict=True):
                    own_nats[s, c, first + row] = nats_M.sum()
                    kept_nats[s, c, first + row] = nats_M[kept[row]].sum()
                    before = clean[s][row][edited[row].origin[kept[row]]]
                    kept_clean_nats[s, c, first + row] = before.sum()
                if progress is not None:
                    progress(len(codes))
    if not clean_bases.sum():
        raise UserError("there is nothing to score: the windows hold no A, C, G or T")
    return NoiseSums(
        tuple(scorers),
        tuple(conditions),
        math.log(alphabet.scored_codes),
        clean_bases,
        clean_nats,
        own_bases,
        own_nats,
        kept_bases,
        kept_nats,
        kept_clean_nats,
    )


def baseline_of(subject: Subject, subjects: Sequence[Subject | None]) -> Subject | None:
    """The isotropic run over bases with the same main mixer, of the same seed where there is one.

    Parameters
    ----------
    subject : Subject
        Hierarchical or tokenised; others have no baseline, and models of elsewhere neither.
    subjects : sequence of Subject
        Where it is looked for.
    """
    if subject.config is None or _isotropic(subject):
        return None
    same = [one for one in subjects if one and _isotropic(one) and _mixer(one) == _mixer(subject)]
    return next((one for one in same if one.seed == subject.seed), same[0] if same else None)


def _isotropic(subject: Subject) -> bool:
    return subject.config is not None and not subject.config.model.compressions


def _mixer(subject: Subject) -> str:
    return subject.config.model.networks().main_mixer if subject.config else ""

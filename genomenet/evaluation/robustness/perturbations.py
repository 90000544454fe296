"""Noise for sequences: edits of bases, and the character noise that text models are tested with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.genome.alphabet import N_CODE, Alphabet, reverse_complement

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

UNIT_BP = (2, 20)
"""Shortest and longest unit of a tandem duplication, in bases."""

MOST_REPEATS = 4
"""How often a repeated character stands at most."""

DNA_RATES = (0.01, 0.05, 0.1)
TEXT_RATES = (0.1, 0.2)


@dataclass(frozen=True)
class Edited:
    """A sequence after an edit.

    Attributes
    ----------
    codes : ndarray of uint8, shape (M,)
        What stands there now.
    masked : ndarray of bool, shape (M,)
        Its soft mask.
    origin : ndarray of int64, shape (M,)
        Which base of the sequence before the edit stands here as it was; -1 where there is noise.
    """

    codes: Codes
    masked: Mask
    origin: Places

    def cut(self, length: int) -> "Edited":
        """The first `length` bases."""
        return Edited(self.codes[:length], self.masked[:length], self.origin[:length])


Edit = Callable[[Codes, Mask, float, np.random.Generator], Edited]


@dataclass(frozen=True)
class Perturbation:
    """A kind of noise.

    Attributes
    ----------
    name : str
        As tables call it.
    edit : callable
        Takes codes, soft mask, rate and a generator, and gives an `Edited` of any length.
    rated : bool
        Whether it comes at rates; otherwise the whole sequence is changed once.
    """

    name: str
    edit: Edit
    rated: bool = True


def substitute(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Replace each base with the chance `rate` by one of the three others; N stays."""
    hit = (rng.random(codes.size) < rate) & (codes < N_CODE)
    other = (codes + rng.integers(1, 4, codes.size, dtype=np.uint8)) % 4
    return Edited(np.where(hit, other, codes).astype(np.uint8), masked, _origin(hit))


def delete(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Drop each base with the chance `rate`; the sequence gets shorter."""
    return _copied(codes, masked, np.flatnonzero(rng.random(codes.size) >= rate))


def insert(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Put a random base behind each base with the chance `rate`."""
    times = 1 + (rng.random(codes.size) < rate)
    edited = _copied(codes, masked, np.repeat(np.arange(codes.size), times))
    noise = edited.origin < 0
    letters = edited.codes.copy()
    letters[noise] = rng.integers(0, 4, int(noise.sum()), dtype=np.uint8)
    return Edited(letters, edited.masked, edited.origin)


def duplicate(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Copy units of 2 to 20 bases right behind themselves, `rate` copied bases for each base."""
    shortest, longest = UNIT_BP
    ends = np.flatnonzero(rng.random(codes.size) < rate / ((shortest + longest) / 2))
    units = rng.integers(shortest, longest + 1, ends.size)
    pieces, done = [], 0
    for end, unit in zip(ends.tolist(), units.tolist(), strict=True):
        pieces += [np.arange(done, end + 1), np.arange(max(0, end + 1 - unit), end + 1)]
        done = end + 1
    return _copied(codes, masked, np.concatenate([*pieces, np.arange(done, codes.size)]))


def mask_with_n(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Replace each base with the chance `rate` by N."""
    hit = rng.random(codes.size) < rate
    return Edited(np.where(hit, N_CODE, codes).astype(np.uint8), masked, _origin(hit))


def flip_case(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Flip the soft mask of each base with the chance `rate`; the bases stay."""
    hit = rng.random(codes.size) < rate
    return Edited(codes, masked ^ hit, _origin(hit))


def unmask(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Write everything in upper case, as genomes without a soft mask come."""
    return Edited(codes, np.zeros_like(masked), _origin(masked))


def other_strand(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Read the other strand; no base is left as it was."""
    nowhere = np.full(codes.size, -1, dtype=np.int64)
    return Edited(reverse_complement(codes), masked[::-1].copy(), nowhere)


def antspeak(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Write capitals with a space behind each character."""
    starts = np.append(_character_starts(codes)[1:], True)
    edited = _copied(codes, masked, np.repeat(np.arange(codes.size), 1 + starts))
    letters = np.where(edited.origin < 0, ord(" "), _upper(edited.codes)).astype(np.uint8)
    same = letters == edited.codes
    return Edited(letters, edited.masked, np.where(same, edited.origin, -1))


def drop(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Leave out each character with the chance `rate`."""
    character = _character_starts(codes).cumsum() - 1
    kept = rng.random(character[-1] + 1) >= rate
    return _copied(codes, masked, np.flatnonzero(kept[character]))


def repeat(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Write each character with the chance `rate` two to four times."""
    starts = np.flatnonzero(_character_starts(codes))
    times = np.ones(starts.size, dtype=np.int64)
    hit = rng.random(starts.size) < rate
    times[hit] = rng.integers(2, MOST_REPEATS + 1, int(hit.sum()))
    ends = np.append(starts[1:], codes.size)
    # A character of several bytes is repeated as a whole.
    pieces = [
        np.tile(np.arange(start, end), count)
        for start, end, count in zip(starts.tolist(), ends.tolist(), times.tolist(), strict=True)
    ]
    return _copied(codes, masked, np.concatenate(pieces))


def random_case(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Write each letter of ASCII in upper or in lower case, by the toss of a coin."""
    letters = np.where(rng.random(codes.size) < 0.5, _upper(codes), _lower(codes))
    return Edited(letters.astype(np.uint8), masked, _origin(letters != codes))


def upper_case(codes: Codes, masked: Mask, rate: float, rng: np.random.Generator) -> Edited:
    """Write each letter of ASCII in upper case."""
    letters = _upper(codes)
    return Edited(letters, masked, _origin(letters != codes))


DNA_PERTURBATIONS = (
    Perturbation("substitution", substitute),
    Perturbation("deletion", delete),
    Perturbation("insertion", insert),
    Perturbation("tandem duplication", duplicate),
    Perturbation("N", mask_with_n),
    Perturbation("case flip", flip_case),
    Perturbation("upper case", unmask, rated=False),
    Perturbation("reverse complement", other_strand, rated=False),
)

TEXT_PERTURBATIONS = (
    Perturbation("antspeak", antspeak, rated=False),
    Perturbation("drop", drop),
    Perturbation("random case", random_case, rated=False),
    Perturbation("repeat", repeat),
    Perturbation("upper case", upper_case, rated=False),
)
"""Those of H-Net (arXiv 2507.07955), whose rates are 0.1 for drop and 0.2 for repeat."""


def perturbations_of(alphabet: Alphabet) -> tuple[Perturbation, ...]:
    """The noise that suits an alphabet."""
    return DNA_PERTURBATIONS if alphabet.complementable else TEXT_PERTURBATIONS


def _origin(changed: Mask) -> Places:
    """Every base is where it was, apart from those that changed."""
    return np.where(changed, -1, np.arange(changed.size))


def _copied(codes: Codes, masked: Mask, source: Places) -> Edited:
    """Lay copies of bases in a row; the first copy of each is the base, further ones are noise."""
    first = np.ones(source.size, dtype=np.bool_)
    seen_up_to = np.maximum.accumulate(source) if source.size else source
    first[1:] = source[1:] > seen_up_to[:-1]
    return Edited(codes[source], masked[source], np.where(first, source, -1))


def _character_starts(codes: Codes) -> Mask:
    """Where a character of UTF-8 begins; a window may begin within one."""
    starts = (codes & 0b1100_0000) != 0b1000_0000
    starts[:1] = True
    return starts


def _upper(codes: Codes) -> Codes:
    return np.frombuffer(codes.tobytes().upper(), dtype=np.uint8)


def _lower(codes: Codes) -> Codes:
    return np.frombuffer(codes.tobytes().lower(), dtype=np.uint8)

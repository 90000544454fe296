"""Score an edit of a sequence: how much likelier it makes what stands from there on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genomenet.evaluation.sequences import score_sequences
from genomenet.evaluation.shared_prefix import Alternatives, score_alternatives
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import encode, reverse_complement
from genomenet.genome.genome import Genome

Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Nats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Edit:
    """Two sequences that differ in one place, between the same flanks.

    Attributes
    ----------
    before, after : ndarray of uint8
        Codes without and with the edit.
    before_mask, after_mask : ndarray of bool
        Their soft masks.
    """

    before: Codes
    after: Codes
    before_mask: Mask
    after_mask: Mask

    @property
    def upstream(self) -> int:
        """Bases in front of the first that differs."""
        shared = min(len(self.before), len(self.after))
        differs = np.flatnonzero(self.before[:shared] != self.after[:shared])
        return int(differs[0]) if differs.size else shared

    @property
    def shared(self) -> int:
        """Bases at the start that are the same, and masked the same, without and with it."""
        same = self.upstream
        differs = np.flatnonzero(self.before_mask[:same] != self.after_mask[:same])
        return int(differs[0]) if differs.size else same

    def other_strand(self) -> "Edit":
        """The same edit, read from the other strand."""
        return Edit(
            reverse_complement(self.before),
            reverse_complement(self.after),
            self.before_mask[::-1],
            self.after_mask[::-1],
        )


@dataclass(frozen=True)
class EditScores:
    """What a model says of edits.

    Attributes
    ----------
    delta : ndarray of float64, shape (edits,)
        Log-likelihood of the window with the edit minus without, in nats.
    check : float
        How far apart what must be equal is; 0 but for rounding for a causal model. The largest
        difference between nats of one base in front of an edit, without and with it. Where
        shared prefixes are read once, that is of the first edit alone, which is read whole too,
        and the difference between its two deltas counts as well.
    """

    delta: npt.NDArray[np.float64]
    check: float


def allele_edit(
    genome: Genome,
    contig: str,
    contig_bp: int,
    start: int,
    ref: str,
    alt: str,
    length_bp: int,
    placement: float = 0.5,
    reverse: bool = False,
) -> Edit:
    """Put two alleles between the same flanks.

    Parameters
    ----------
    genome : Genome
        With `ref` at `start`.
    contig, contig_bp : str, int
        Which contig, and how long it is.
    start : int
        0-based.
    ref, alt : str
        The alleles.
    length_bp : int
        Length of the window that holds the longer allele.
    placement : float
        Share of the flanks that is read before the variant; 0.5 puts it in the middle.
    reverse : bool
        Read the other strand.

    Returns
    -------
    Edit
        Flanks depend on the longer allele alone, so that swapping the alleles swaps the windows.
        A flank stops where its contig does. Alleles are soft-masked where a reference base is.
        The reverse strand gives what the forward strand of the reverse-complemented genome does.
    """
    flanks = max(length_bp - max(len(ref), len(alt)), 0)
    ahead = round(flanks * placement)
    left = flanks - ahead if reverse else ahead
    end = start + len(ref)
    first, last = max(start - left, 0), min(end + flanks - left, contig_bp)
    codes, mask = genome.read(contig, first, last), genome.read_mask(contig, first, last)
    here, there = start - first, end - first
    pieces = [
        (
            np.concatenate([codes[:here], encode(allele), codes[there:]]),
            np.concatenate(
                [mask[:here], np.full(len(allele), mask[here:there].any()), mask[there:]]
            ),
        )
        for allele in (ref, alt)
    ]
    edit = Edit(pieces[0][0], pieces[1][0], pieces[0][1], pieces[1][1])
    return edit.other_strand() if reverse else edit


def score_edits(
    subject: Subject, edits: Sequence[Edit], progress: Callable[[int], object] | None = None
) -> EditScores:
    """Score edits on the strand they are given on.

    Parameters
    ----------
    subject : Subject
        The model.
    edits : sequence of Edit
        A sequence that several share, such as the reference of a site with many alleles, is
        scored once.
    progress : callable, optional
        Called with the number of sequences just scored.

    Notes
    -----
    The two sequences of an edit enter in an order that doesn't depend on which is the reference.
    Swapping them is then the same computation, and the sign flips exactly.

    In front of an edit nothing changes for a causal model, so the sums begin with the edit: there
    an edit counts for exactly nothing. A model that can go on from a state reads what the
    sequences of a site share once.
    """
    rows: dict[tuple[bytes, bytes], int] = {}
    sequences: list[Codes] = []
    masks: list[Mask] = []
    pairs = []
    for edit in edits:
        two = []
        for codes, mask in ((edit.before, edit.before_mask), (edit.after, edit.after_mask)):
            two.append(((codes.tobytes(), mask.tobytes()), codes, mask))
        for key, codes, mask in sorted(two, key=lambda one: one[0]):
            if key not in rows:
                rows[key] = len(sequences)
                sequences.append(codes)
                masks.append(mask)
        pairs.append((rows[two[0][0]], rows[two[1][0]]))
    if subject.resumes and edits:
        return _score_by_prefix(subject, edits, pairs, sequences, masks, progress)
    scores = score_sequences(subject, sequences, masks, progress=progress)
    delta, check = np.zeros(len(edits)), 0.0
    for i, (edit, (before, after)) in enumerate(zip(edits, pairs, strict=True)):
        delta[i], apart = _compare(subject, edit, scores[before].nats, scores[after].nats)
        check = max(check, apart)
    return EditScores(delta, check)


def _compare(subject: Subject, edit: Edit, old: Nats, new: Nats) -> tuple[float, float]:
    """The delta of nats of whole sequences, and the largest difference in front of the edit."""
    at = edit.upstream
    apart = float(np.abs(old[:at] - new[:at]).max(initial=0.0))
    first = at if subject.causal else 0
    return float(old[first:].sum() - new[first:].sum()), apart


def _score_by_prefix(
    subject: Subject,
    edits: Sequence[Edit],
    pairs: Sequence[tuple[int, int]],
    sequences: Sequence[Codes],
    masks: Sequence[Mask],
    progress: Callable[[int], object] | None,
) -> EditScores:
    """Score edits given as pairs of sequences, reading once what those of a site share."""
    sites = _connected(pairs, len(sequences))
    shared = [len(sequences[site[0]]) for site in sites]
    site_of = {row: number for number, site in enumerate(sites) for row in site}
    for edit, (before, _) in zip(edits, pairs, strict=True):
        shared[site_of[before]] = min(shared[site_of[before]], edit.shared)
    groups = [
        Alternatives([sequences[row] for row in site], [masks[row] for row in site], bases)
        for site, bases in zip(sites, shared, strict=True)
    ]
    nats: dict[int, Nats] = {}
    for site, found in zip(sites, score_alternatives(subject, groups, progress), strict=True):
        nats |= dict(zip(site, found, strict=True))
    delta = np.zeros(len(edits))
    for i, (edit, (before, after)) in enumerate(zip(edits, pairs, strict=True)):
        at = edit.upstream - shared[site_of[before]]
        delta[i] = nats[before][at:].sum() - nats[after][at:].sum()
    first = pairs[0]
    old, new = score_sequences(
        subject, [sequences[row] for row in first], [masks[row] for row in first]
    )
    whole, apart = _compare(subject, edits[0], old.nats, new.nats)
    return EditScores(delta, max(apart, float(abs(whole - delta[0]))))


def _connected(pairs: Sequence[tuple[int, int]], count: int) -> list[list[int]]:
    """Numbers below `count` in groups: those of a pair are in one, each in ascending order."""
    group = [[number] for number in range(count)]
    for one, other in pairs:
        if group[one] is not group[other]:
            group[one] += group[other]
            for number in group[other]:
                group[number] = group[one]
    return [sorted(members) for number, members in enumerate(group) if number == min(members)]


def check_sentences(
    what: str, checks: dict[str, float], subjects: Sequence[Subject]
) -> tuple[str, ...]:
    """Tell what was found in front of edits, where a causal model can't know of them.

    Parameters
    ----------
    what : str
        What an edit is, as in "a variant".
    checks : dict of str to float
        The largest `EditScores.check`, by the name of the model.
    subjects : sequence of Subject
        The models.
    """
    said = []
    for subject in subjects:
        worst = checks[subject.name]
        if worst and subject.resumes:
            said.append(
                f"Self-check: {subject.name} reads what stands in front of {what} once for all "
                "alleles. One in each batch was read whole as well: nats in front of it, or its "
                f"score, differ by up to {worst:.2g}. In float32 rounding is below 0.001; more "
                "means that the model isn't causal, or decides a boundary by rounding."
            )
        elif worst and subject.causal:
            said.append(
                f"Self-check: in front of {what}, where sums don't reach, nats of {subject.name} "
                f"computed twice differ by up to {worst:.2g} a base. Rounding is below 0.001; more "
                "means that the model isn't causal."
            )
        elif worst:
            said.append(
                f"In front of {what}, likelihoods of {subject.name} change by up to {worst:.2g} "
                "nats a base, which counts: it is not causal base by base."
            )
    return tuple(said) or (f"Self-check: in front of {what} no likelihood changes at all.",)

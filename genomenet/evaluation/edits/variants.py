"""Score a stream of variants with models and with trivial scores, strand by strand."""

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

import numpy as np

from genomenet.annotation.regions import RegionTrack
from genomenet.evaluation.edits.edit import allele_edit, score_edits
from genomenet.evaluation.edits.variant_controls import SpliceSites, trivial_scores
from genomenet.evaluation.edits.variants_file import Variant
from genomenet.evaluation.subject import Subject
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval, overlaps_bp

BATCH = 64
"""Variants held in memory at a time."""

BLOCK_BP = 1_000_000


@dataclass(frozen=True)
class Scorer:
    """All that gives variants a score.

    Attributes
    ----------
    genome : Genome
        With the reference alleles.
    models : tuple of Subject
        Models in question, their untrained twins, a Markov model.
    sites : SpliceSites or None
        For distances.
    regions : RegionTrack or None
        For the class of the first base of the reference allele.
    training : tuple of Interval
        What models were trained on, where it is known.
    length_bp : int
        Of windows; each model's own when 0.
    placement : float
        Share of the flanks that is read before the variant, on either strand.
    """

    genome: Genome
    models: tuple[Subject, ...]
    sites: SpliceSites | None = None
    regions: RegionTrack | None = None
    training: tuple[Interval, ...] = ()
    length_bp: int = 0
    placement: float = 0.5

    def group(self, variant: Variant) -> str:
        """Its class: as the file tells, else of its first base."""
        if variant.group or self.regions is None:
            return variant.group
        code = self.regions.read(variant.contig, variant.start, variant.start + 1)[0]
        return self.regions.classes[code]


def _numbers() -> array:
    return array("d")


@dataclass
class VariantScores:
    """What measures need of every variant, and no more: eight bytes a number.

    Attributes
    ----------
    forward, reverse : dict of str to array
        Log-likelihood of the alternative minus the reference, in nats, by model and strand.
    trivial : dict of str to array
        Scores that are higher for what is thought to matter more.
    label : array
        1, 0 or nan.
    measured : array
        Or nan.
    trained : array
        1 where a base of the reference allele is in the training split.
    group : list of str
        Classes.
    block : list of int
        Which stretch of a megabase.
    check : dict of str to float
        The largest `EditScores.check`, by model.
    """

    forward: dict[str, array] = field(default_factory=dict)
    reverse: dict[str, array] = field(default_factory=dict)
    trivial: dict[str, array] = field(default_factory=dict)
    label: array = field(default_factory=_numbers)
    measured: array = field(default_factory=_numbers)
    trained: array = field(default_factory=_numbers)
    group: list[str] = field(default_factory=list)
    block: list[int] = field(default_factory=list)
    check: dict[str, float] = field(default_factory=dict)

    def both(self, name: str) -> np.ndarray:
        """Mean of the two strands."""
        return (np.array(self.forward[name]) + np.array(self.reverse[name])) / 2


def score_variants(
    variants: Iterable[Variant],
    scorer: Scorer,
    out: IO[str] | None = None,
    progress: Callable[[int], object] | None = None,
    seed: int = 0,
) -> VariantScores:
    """Score variants as they come, a few at a time.

    Parameters
    ----------
    variants : iterable of Variant
        Read as needed.
    scorer : Scorer
        What scores them.
    out : text file, optional
        Gets one row a variant, as it is scored.
    progress : callable, optional
        Called with the number of variants just scored.
    seed : int
        Of the random score.
    """
    found = VariantScores()
    generator = np.random.default_rng(seed)
    lengths = {contig.name: contig.length_bp for contig in scorer.genome.contigs}
    places = {name: i for i, name in enumerate(lengths)}
    for batch in _batches(variants):
        trivial = [
            trivial_scores(one, scorer.genome, lengths[one.contig], scorer.sites, generator)
            for one in batch
        ]
        if out is not None and not found.label:
            print(*_HEADER, *_model_columns(scorer.models), *trivial[0], sep="\t", file=out)
        for model in scorer.models:
            ahead, back = (
                score_edits(
                    model,
                    [
                        allele_edit(
                            scorer.genome,
                            one.contig,
                            lengths[one.contig],
                            one.start,
                            one.ref,
                            one.alt,
                            scorer.length_bp or model.length_bp,
                            scorer.placement,
                            reverse,
                        )
                        for one in batch
                    ],
                )
                for reverse in (False, True)
            )
            found.forward.setdefault(model.name, _numbers()).extend(ahead.delta.tolist())
            found.reverse.setdefault(model.name, _numbers()).extend(back.delta.tolist())
            found.check[model.name] = max(found.check.get(model.name, 0.0), ahead.check, back.check)
        spans = [Interval(one.contig, one.start, one.end) for one in batch]
        found.trained.extend((overlaps_bp(spans, scorer.training) > 0).astype(float))
        for i, one in enumerate(batch):
            for name, value in trivial[i].items():
                found.trivial.setdefault(name, _numbers()).append(value)
            group = scorer.group(one)
            found.label.append(math.nan if one.label is None else one.label)
            found.measured.append(one.score)
            found.group.append(group)
            found.block.append((places[one.contig] << 32) + one.start // BLOCK_BP)
            if out is not None:
                _write(out, one, group, found, scorer.models, trivial[i])
        if progress is not None:
            progress(len(batch))
    return found


_HEADER = ("contig", "start", "ref", "alt", "id", "label", "score", "group")


def _model_columns(models: tuple[Subject, ...]) -> list[str]:
    return [f"{one.name} {side}" for one in models for side in ("both", "forward", "reverse")]


def _write(
    out: IO[str],
    one: Variant,
    group: str,
    found: VariantScores,
    models: tuple[Subject, ...],
    trivial: dict[str, float],
) -> None:
    numbers = []
    for model in models:
        ahead, back = found.forward[model.name], found.reverse[model.name]
        at = len(found.label) - 1
        numbers += [(ahead[at] + back[at]) / 2, ahead[at], back[at]]
    label = "" if one.label is None else one.label
    measured = "" if math.isnan(one.score) else one.score
    print(
        one.contig, one.start, one.ref, one.alt, one.id, label, measured, group,
        *numbers, *trivial.values(), sep="\t", file=out,
    )  # fmt: skip


def _batches(variants: Iterable[Variant]) -> Iterator[list[Variant]]:
    stream = iter(variants)
    while batch := list(islice(stream, BATCH)):
        yield batch

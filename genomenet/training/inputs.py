"""Open what a data config names: the genome, its splits, and the windows to train on."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.annotation.regions import RegionTrack
from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.errors import UserError
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.genome import Genome, open_genome
from genomenet.genome.intervals import Interval, total_bp
from genomenet.genome.mock import MockGenome
from genomenet.genome.text import TextCorpus
from genomenet.training.config import DataConfig
from genomenet.windows.folds import split_by_folds
from genomenet.windows.fractions import split_by_fraction
from genomenet.windows.member_splits import split_by_genome, split_by_species_fraction
from genomenet.windows.mixture import MixedWindows, species_shares
from genomenet.windows.published_windows import PublishedWindows, split_as_caduceus
from genomenet.windows.region_windows import RegionWindows
from genomenet.windows.splits import Splits, split_by_bed, split_by_chromosome
from genomenet.windows.training_windows import NoWindow, TrainingWindows, Windows


def open_data(data: DataConfig) -> tuple[Genome, Splits]:
    """The genome of a data config, with its scores where a track is named, and its splits.

    Raises
    ------
    UserError
        When the genome or the track is missing or a split can't be made of it.
    """
    genome = _open(data)
    if data.track:
        genome = ScoredGenome(genome, Path(data.track), contig_names(genome, data))
    return genome, make_splits(genome, data)


def contig_names(genome: Genome, data: DataConfig) -> ContigNames:
    """How files may call the contigs of a genome.

    Raises
    ------
    UserError
        When the table of aliases can't be read.
    """
    return ContigNames(genome.contigs, "the genome", Path(data.aliases) if data.aliases else None)


def make_splits(genome: Genome, data: DataConfig) -> Splits:
    """The splits of a genome.

    Raises
    ------
    UserError
        When the split can't be made of it.
    """
    split = data.split
    genome = _bases(genome)
    if split.by == "bed":
        if not split.bed:
            raise UserError("data.split.bed is missing: name the BED file of labelled intervals")
        if split.policy == "caduceus":
            return split_as_caduceus(
                genome, Path(split.bed), data.max_length, contig_names(genome, data)
            )
        return split_by_bed(genome, Path(split.bed), contig_names(genome, data))
    if split.by == "chromosome":
        names = contig_names(genome, data)
        return split_by_chromosome(genome, split.train, split.valid, split.test, names)
    if split.by == "folds":
        return split_by_folds(genome, split.folds, split.fold)
    if split.by == "genome":
        if split.train or split.valid or split.test:
            return split_by_genome(genome, split.train, split.valid, split.test)
        return split_by_species_fraction(
            genome, split.valid_fraction, split.test_fraction, split.seed
        )
    return split_by_fraction(
        genome, split.valid_fraction, split.test_fraction, split.block_bp, split.seed
    )


def open_regions(genome: Genome, data: DataConfig) -> RegionTrack | None:
    """The class of every base, where the config names a folder of them.

    Raises
    ------
    UserError
        When it is of another genome, or can't be read.
    """
    return RegionTrack(data.regions, genome) if data.regions else None


def training_windows(data: DataConfig, genome: Genome, splits: Splits, seed: int) -> Windows:
    """The windows to train on, as the config wants them drawn.

    Parameters
    ----------
    data : DataConfig
        Length, strands, weights.
    genome, splits : Genome, Splits
        From `open_data`.
    seed : int
        Of every draw.

    Raises
    ------
    UserError
        When there is nothing to train on, or a weight is for nothing that there is.
    """
    splits.require("train")
    windows = _by_species(data, genome, splits, seed)
    regions = open_regions(genome, data)
    if regions is not None and data.region_weights:
        return RegionWindows(windows, regions, data.region_weights, seed)
    return windows


def _by_species(data: DataConfig, genome: Genome, splits: Splits, seed: int) -> Windows:
    if splits.published:
        return PublishedWindows(genome, splits.published, data.max_length, seed, data.rc_aug)

    def windows_of(pieces: Sequence[Interval]) -> TrainingWindows:
        return TrainingWindows(
            genome, pieces, data.max_length, seed, data.rc_aug, data.pack_contigs
        )

    corpus = _bases(genome)
    if not isinstance(corpus, GenomeCorpus):
        if data.species_weights or data.species_exponent != 1:
            raise UserError(
                "data.species_weights and data.species_exponent are for a corpus of genomes; "
                "make one with `genomenet corpus build`, or leave them out"
            )
        return windows_of(splits.train)
    own_weights = corpus.species_weights
    if not data.species_weights and data.species_exponent == 1 and set(own_weights.values()) <= {1}:
        return windows_of(splits.train)
    intervals: dict[str, list[Interval]] = {}
    for number, piece in zip(corpus.groups(splits.train).tolist(), splits.train, strict=True):
        intervals.setdefault(corpus.species[number], []).append(piece)
    bases = {name: total_bp(pieces) for name, pieces in intervals.items()}
    shares = species_shares(bases, data.species_weights, own_weights, data.species_exponent)
    parts, dropped_bp = {}, 0
    for name in shares:
        try:
            parts[name] = windows_of(intervals[name])
        except NoWindow:  # a draft in small pieces must not stop a corpus of thousands
            dropped_bp += bases[name]
    if not parts:  # says how long the longest piece is
        return windows_of([piece for name in shares for piece in intervals[name]])
    return MixedWindows([*parts.values()], [shares[name] for name in parts], seed, dropped_bp)


def _bases(genome: Genome) -> Genome:
    """The genome without its scores."""
    return genome.genome if isinstance(genome, ScoredGenome) else genome


def _open(data: DataConfig) -> Genome:
    if data.mock:
        return MockGenome()
    return TextCorpus(data.text) if data.text else open_genome(data.genome)

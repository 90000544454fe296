"""The record of a study: what each arm did, as frozen dataclasses (results_file.py keeps them)."""

from dataclasses import dataclass
from typing import Literal

from genomenet.evaluation.results import Likelihood

Phase = Literal["warmup", "stable", "decay"]
Family = Literal["isotropic", "hierarchical", "tokenised"]
Mixer = Literal["transformer", "mamba2", "hybrid"]


@dataclass(frozen=True)
class CurvePoint:
    """One validation of a run in training.

    Attributes
    ----------
    step : int
        Optimiser steps taken.
    bases : int
        Training bases seen so far.
    nats : float
        Validation loss, nats per base.
    phase : {"warmup", "stable", "decay"}
        Where on the learning-rate schedule the point lies.
    bases_per_chunk : tuple of float
        Achieved bases per chunk of every stage, outermost first; empty for isotropic arms.
    flops : float
        Training FLOPs spent so far, counted at the achieved chunk rate.
    """

    step: int
    bases: int
    nats: float
    phase: Phase
    bases_per_chunk: tuple[float, ...]
    flops: float


@dataclass(frozen=True)
class ArmRun:
    """One arm trained with one seed.

    Attributes
    ----------
    arm, label : str
        Short key shared by all seeds of the arm; the name a reader sees.
    seed : int
        Seed of initialisation and data order.
    family, chunker, main_mixer : str
        What the arm is: isotropic or hierarchical over bases, or tokenised; how boundaries are
        found; the mixer of the main network.  A baseline is the isotropic arm of the same
        `main_mixer`.
    layout : str
        For example ``m2 + T7 + m1``.
    parameters : int
        Trainable parameters.
    flops_per_base_nominal : float
        Forward FLOPs per base at the target chunk rate, the patcher's included.
    training_bases : int
        Bases trained on.
    bases_per_second : float
        Training throughput.
    curve : tuple of CurvePoint
        Validations in training, oldest first.
    before_decay : Likelihood or None
        Held-out likelihood at the end of the stable phase.
    final : Likelihood
        Held-out likelihood of the last weights.
    target_bases_per_chunk : tuple of float
        What the chunkers aim at, per stage; empty for isotropic arms.
    patcher_flops_per_base : float
        Forward FLOPs per base of the patcher alone.
    patched : bool
        Whether the arm has a patcher at all.
    recipe : tuple of str
        What it has of the recipe for itself, such as ``lr 0.001``; empty for most.
    """

    arm: str
    label: str
    seed: int
    family: Family
    chunker: str
    main_mixer: Mixer
    layout: str
    parameters: int
    flops_per_base_nominal: float
    training_bases: int
    bases_per_second: float
    curve: tuple[CurvePoint, ...]
    before_decay: Likelihood | None
    final: Likelihood
    target_bases_per_chunk: tuple[float, ...] = ()
    patcher_flops_per_base: float = 0.0
    patched: bool = False
    recipe: tuple[str, ...] = ()


@dataclass(frozen=True)
class Floor:
    """A trivial model scored on the windows the arms are scored on.

    Attributes
    ----------
    name : str
        For example ``order-8 Markov``.
    nats : float
        Nats per scored base.
    note : str
        What it is and how it was fitted.
    """

    name: str
    nats: float
    note: str


@dataclass(frozen=True)
class Gene:
    """A gene drawn under the example window.

    Attributes
    ----------
    name, strand : str
        Symbol; ``+`` or ``-``.
    start, end : int
        0-based half-open contig coordinates.
    exons : tuple of (int, int)
        0-based half-open.
    """

    name: str
    strand: str
    start: int
    end: int
    exons: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Track:
    """What one stage of one arm does along the example window.

    Attributes
    ----------
    arm : str
        Key of the arm.
    seed, stage : int
        Which run; 0 is the outermost stage.
    probability : tuple of float
        Boundary probability of every base; 0 where an inner stage has no position.
    boundary : tuple of bool
        Whether a chunk of the stage starts at the base.
    """

    arm: str
    seed: int
    stage: int
    probability: tuple[float, ...]
    boundary: tuple[bool, ...]


@dataclass(frozen=True)
class Surprise:
    """How unexpected a run finds every base of the example window.

    Attributes
    ----------
    arm : str
        Key of the arm.
    seed : int
        Which run.
    nats : tuple of float
        Negative log-likelihood of every base; nan where nothing is scored.
    """

    arm: str
    seed: int
    nats: tuple[float, ...]


@dataclass(frozen=True)
class Example:
    """A held-out window on which boundaries are shown.

    Attributes
    ----------
    contig : str
        Name of the contig.
    start, end : int
        0-based half-open.
    genes : tuple of Gene
        Genes that overlap the window.
    tracks : tuple of Track
        One per arm, seed and stage shown, each of ``end - start`` values.
    soft_mask : tuple of (int, int)
        Soft-masked runs, contig coordinates, 0-based half-open.
    sequence : str
        Its bases in capitals; empty in results of older versions and of studies on text.
    surprise : tuple of Surprise
        One per arm and seed; empty in results of older versions.
    """

    contig: str
    start: int
    end: int
    genes: tuple[Gene, ...]
    tracks: tuple[Track, ...]
    soft_mask: tuple[tuple[int, int], ...]
    sequence: str = ""
    surprise: tuple[Surprise, ...] = ()


@dataclass(frozen=True)
class GenomeRecord:
    """Which genome: contig names, digest of the store, total length in bases."""

    contigs: tuple[str, ...]
    digest: str
    length: int


@dataclass(frozen=True)
class SplitRecord:
    """Bases per split, held-out bases that training windows could see, and window length."""

    bases: dict[str, int]
    leaked_bp: int
    window_bp: int


@dataclass(frozen=True)
class ScheduleRecord:
    """Training bases at which warm-up ends and decay starts."""

    warmup_end: int
    decay_start: int


@dataclass(frozen=True)
class Study:
    """Everything a report is computed from.

    Attributes
    ----------
    name, created, command, version : str
        Title; ISO date; command line that made it; version of genomenet.
    genome, splits, schedule : GenomeRecord, SplitRecord, ScheduleRecord
        What the arms share.
    token_budget : int
        Training bases given to every arm; the most that any was given where arms differ.
    runs : tuple of ArmRun
        All arms and seeds.
    floors : tuple of Floor
        Trivial rows.
    example : Example or None
        A window with boundaries.
    notes : tuple of str
        Sentences printed in the report as they are.
    """

    name: str
    created: str
    command: str
    version: str
    genome: GenomeRecord
    splits: SplitRecord
    token_budget: int
    schedule: ScheduleRecord
    runs: tuple[ArmRun, ...]
    floors: tuple[Floor, ...] = ()
    example: Example | None = None
    notes: tuple[str, ...] = ()

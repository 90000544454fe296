"""Which bases a model or a patcher was made of, and whether a run holds any of them out."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import overlap_bp, subtract
from genomenet.models.patcher import Patcher, read_patcher
from genomenet.training.config import DataConfig, RunConfig, SplitConfig
from genomenet.training.inputs import make_splits, open_regions
from genomenet.training.record import PATCHER
from genomenet.windows.splits import Splits


def describe_source(genome: Genome, data: DataConfig) -> dict[str, Any]:
    """What to record of a genome and its split, for `check_source` to read.

    Returns
    -------
    dict
        The digest; the digest of the contigs' names and lengths alone, which a genome with and
        without soft mask have in common; and what makes the split.
    """
    return {
        "digest": genome.digest,
        "contigs_digest": _contigs(genome),
        "split": asdict(data.split),
        "aliases": data.aliases,
        "max_length": data.max_length,
    }


def check_source(
    what: str, source: dict[str, Any], genome: Genome, splits: Splits
) -> tuple[str, ...]:
    """Make sure that something was not made of bases that are held out here.

    Its training bases must be neither validation nor test bases here, and its validation bases
    no test bases.

    Parameters
    ----------
    what : str
        How to call it.
    source : dict
        From `describe_source`, of when it was made.
    genome, splits : Genome, Splits
        Of the run at hand.

    Returns
    -------
    tuple of str
        A sentence when it was made of another genome, so that this cannot be told.

    Raises
    ------
    UserError
        When it knows such bases.
    """
    if source["digest"] != genome.digest and source["contigs_digest"] != _contigs(genome):
        return (
            f"{what} was made of another genome; whether it knows bases that are held out here "
            "is not checked",
        )
    split = SplitConfig(**source["split"])
    data = DataConfig(split=split, aliases=source["aliases"], max_length=source["max_length"])
    theirs = make_splits(genome, data)
    # What the run's own windows leak, which its leak report tells, is no news.
    held_out = subtract([*splits.valid, *splits.test], splits.train)
    seen_bp = overlap_bp(theirs.train, held_out)
    seen_bp += overlap_bp(theirs.valid, subtract(splits.test, [*splits.train, *splits.valid]))
    if seen_bp:
        raise UserError(
            f"{what} was made with {seen_bp:,} of the {genome.alphabet.unit}s that are held out "
            "here; give both the same data.split"
        )
    return ()


def check_provenance(patcher: Patcher, genome: Genome, splits: Splits) -> tuple[str, ...]:
    """`check_source` for a patcher, and for the entropy model in it.

    Raises
    ------
    UserError
        Also when it was calibrated on another track than the one at hand.
    """
    what, record = f"the patcher {patcher.folder}", patcher.record
    if "source" not in record.get("data", {}):
        raise UserError(f"{what} does not say which bases it was made of; calibrate anew")
    notes = check_source(what, record["data"]["source"], genome, splits)
    if "entropy_model_source" in record:
        model = f"the entropy model of {what}"
        notes += check_source(model, record["entropy_model_source"], genome, splits)
    track = record.get("track_fingerprint")
    if track and isinstance(genome, ScoredGenome) and genome.track.fingerprint != track:
        raise UserError(
            f"{what} was calibrated on another track than {genome.track.path}; name that track as "
            "data.track, or calibrate anew"
        )
    return notes


def require_digest(genome: Genome, config: RunConfig, record: dict, run: Path) -> None:
    """Make sure that a genome, scores and annotation included, is the one a run was trained on.

    Raises
    ------
    UserError
        When its content has changed since.
    """
    if genome.digest != record["data"]["digest"]:
        raise UserError(
            f"{config.data.genome} is not the genome {run} was trained on: its digest is "
            f"{genome.digest[:12]}, recorded is {record['data']['digest'][:12]}; put the genome "
            "of the run back there"
        )
    if isinstance(genome, ScoredGenome) and genome.track.fingerprint != record["data"]["track"]:
        raise UserError(
            f"{config.data.track} is not the track {run} was trained with; put that one back there"
        )
    regions = open_regions(genome, config.data)
    if regions is not None and regions.digest != record["data"]["regions"]:
        raise UserError(
            f"{config.data.regions} is not the annotation {run} was trained with; put that one "
            "back there"
        )


def require_splits(splits: Splits, config: RunConfig, record: dict[str, Any], run: Path) -> None:
    """Make sure that the splits of a run's genome are those that the run was trained on.

    Raises
    ------
    UserError
        When they have changed since, so that bases held out now may have been trained on.
    """
    recorded = record["data"].get("splits")  # runs of earlier versions have none
    if recorded is not None and splits.digest != recorded:
        files = " or ".join(filter(None, (config.data.split.bed, config.data.aliases)))
        raise UserError(
            f"the splits are not those {run} was trained on: {files or 'how they are made'} has "
            "changed since; put back what was there"
        )


def require_patcher(config: RunConfig, record: dict[str, Any], run: Path) -> None:
    """Make sure that the patcher in a run's folder is the one that the run was trained with.

    Raises
    ------
    UserError
        When it is missing, or its content has changed since.
    """
    if config.model.patcher and read_patcher(config.model.patcher).digest != record["patcher"]:
        raise UserError(
            f"{run / PATCHER} is not the patcher that {run} was trained with: its digest is "
            "another; put that one back there"
        )


def _contigs(genome: Genome) -> str:
    rows = (f"{contig.name}\t{contig.length_bp}\n" for contig in genome.contigs)
    return hashlib.sha256("".join(rows).encode()).hexdigest()

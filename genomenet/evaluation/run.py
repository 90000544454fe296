"""Score the model of a run on held-out bases."""

from collections.abc import Callable
from pathlib import Path

import torch

from genomenet.annotation.regions import RegionTrack
from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.errors import UserError
from genomenet.evaluation.likelihood import held_out_likelihood
from genomenet.evaluation.results import Likelihood
from genomenet.genome.contig_names import ContigNames, placed_bed_lines
from genomenet.genome.genome import Genome, open_genome, whole_contigs
from genomenet.genome.intervals import Interval
from genomenet.genome.text import TextCorpus
from genomenet.training.config import RunConfig
from genomenet.training.data import windows_per_pass
from genomenet.training.device import uses_gpu
from genomenet.training.inputs import contig_names, open_data
from genomenet.training.provenance import require_digest, require_splits
from genomenet.training.record import read_record
from genomenet.training.weights import load_model
from genomenet.windows.held_out import HeldOutTiles


def run_precision(config: RunConfig) -> torch.autocast:
    """The autocast a run was trained and validated under: routing may differ in another."""
    device = "cuda" if uses_gpu(config.train) else "cpu"
    return torch.autocast(device, torch.bfloat16, enabled=config.train.precision == "bfloat16")


def held_out_intervals(
    run: Path, split: str, genome_path: str, bed: str, track_path: str = "", aliases: str = ""
) -> tuple[Genome, list[Interval]]:
    """What to score: a split of the run's genome, or (parts of) another genome.

    Parameters
    ----------
    run : Path
        The run directory.
    split : {"train", "valid", "test"}
        Which split of it, when no other genome is named.
    genome_path : str
        Another genome, or text for a run on text; empty for the run's own.
    bed : str
        BED file of intervals to score; empty for the split, or for all of another genome.
    track_path : str
        Scores of the other genome's bases, for a run that was trained with a track.
    aliases : str
        Table of names of the other genome's contigs; the run's own genome has `data.aliases`.

    Raises
    ------
    UserError
        When the run's genome or splits are no longer those it was trained on, the split is empty,
        the other genome comes without the scores that the run's model reads, or an interval is
        not on the genome.
    """
    config, record = read_record(run)
    if genome_path:
        genome = (TextCorpus if config.data.text else open_genome)(genome_path)
        names = ContigNames(genome.contigs, genome_path, aliases)
        if track_path:
            genome = ScoredGenome(genome, track_path, names)
        elif config.data.track:
            raise UserError(
                f"the model of {run} reads a score for every base: name those of {genome_path} "
                "with --track"
            )
        intervals = whole_contigs(genome)
    else:
        genome, splits = open_data(config.data)
        names = contig_names(genome, config.data)
        require_digest(genome, config, record, run)
        if not bed:
            require_splits(splits, config, record, run)
            intervals = list(splits.require(split))
    if bed:
        intervals = [row.interval for row in placed_bed_lines(bed, names)]
    return genome, intervals


def evaluate_run(
    run: Path,
    checkpoint: str,
    genome: Genome,
    intervals: list[Interval],
    limit: int = 0,
    progress: Callable[[int], object] | None = None,
    regions: RegionTrack | None = None,
) -> Likelihood:
    """Score one checkpoint of a run.

    Parameters
    ----------
    run : Path
        The run directory.
    checkpoint : {"final", "best", "before decay"}
        Which weights.
    genome : Genome
        Where the intervals are.
    intervals : list of Interval
        Bases to score, each once.
    limit : int
        Score that many windows, evenly spread; 0 is all.
    progress : callable, optional
        Called with the number of windows just scored.
    regions : RegionTrack, optional
        Classes of the genome's bases, to score by class as well.
    """
    model, config = load_model(run, checkpoint)
    tiles = HeldOutTiles(genome, intervals, config.data.max_length, limit=limit or None)
    torch.set_float32_matmul_precision(config.train.matmul_precision)
    with run_precision(config):
        return held_out_likelihood(
            model,
            config.model,
            tiles,
            config.data.max_length,
            windows_per_pass(config),
            checkpoint,
            progress,
            regions,
        )

"""Score the model of a run on held-out bases."""

from collections.abc import Callable
from pathlib import Path

from genomenet.annotation.regions import RegionTrack
from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.errors import UserError
from genomenet.evaluation.likelihood.record import held_out_likelihood
from genomenet.evaluation.results import Likelihood
from genomenet.evaluation.subject import run_subject
from genomenet.genome.contig_names import ContigNames, placed_bed_lines
from genomenet.genome.genome import Genome, open_genome, whole_contigs
from genomenet.genome.intervals import Interval
from genomenet.genome.text import TextCorpus
from genomenet.training.config import DataConfig
from genomenet.training.inputs import contig_names, open_data
from genomenet.training.provenance import require_digest, require_splits
from genomenet.training.record import read_record
from genomenet.windows.held_out import HeldOutTiles


def held_out_intervals(
    run: Path | None,
    split: str,
    genome_path: str,
    bed: str,
    track_path: str = "",
    aliases: str = "",
) -> tuple[Genome, list[Interval]]:
    """What to score: a split of the run's genome, or (parts of) another genome.

    Parameters
    ----------
    run : Path or None
        The run directory; none for another genome that models of elsewhere are scored on.
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
    if genome_path:
        data = read_record(run)[0].data if run else DataConfig()
        genome = (TextCorpus if data.text else open_genome)(genome_path)
        names = ContigNames(genome.contigs, genome_path, aliases)
        if track_path:
            genome = ScoredGenome(genome, track_path, names)
        elif data.track:
            raise UserError(
                f"the model of {run} reads a score for every base: name those of {genome_path} "
                "with --track"
            )
        intervals = whole_contigs(genome)
    else:
        if run is None:
            raise UserError("no run's held-out bases can be scored; name a genome with --genome")
        config, record = read_record(run)
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
    subject = run_subject(run, checkpoint)
    tiles = HeldOutTiles(genome, intervals, subject.length_bp, limit=limit or None)
    return held_out_likelihood(subject, tiles, checkpoint, progress, regions)

"""What models are evaluated on: the same held-out windows, and their annotation, for all."""

from dataclasses import dataclass
from pathlib import Path

from genomenet.annotation.regions import RegionTrack
from genomenet.errors import UserError
from genomenet.evaluation.run import held_out_intervals
from genomenet.evaluation.subject import Subject
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.genome import Genome
from genomenet.genome.intervals import Interval
from genomenet.training.inputs import contig_names, open_regions
from genomenet.training.record import read_record
from genomenet.windows.held_out import HeldOutTiles


@dataclass(frozen=True)
class HeldOut:
    """Bases that no model was trained on, cut into windows of one length.

    Attributes
    ----------
    genome : Genome
        Where they are.
    names : ContigNames
        What files may call its contigs.
    intervals : list of Interval
        Which bases.
    what : str
        The same in words, such as "test split".
    length_bp : int
        Length of the windows.
    windows : int
        How many, evenly spread; 0 is all.
    regions : RegionTrack or None
        Classes of the genome's bases.
    """

    genome: Genome
    names: ContigNames
    intervals: list[Interval]
    what: str
    length_bp: int
    windows: int
    regions: RegionTrack | None

    def tiles(self) -> HeldOutTiles:
        """The windows."""
        return HeldOutTiles(self.genome, self.intervals, self.length_bp, self.windows or None)

    def inputs(self) -> dict[str, str]:
        """What findings record of it."""
        found = {
            "genome": self.genome.digest,
            "scored": self.what,
            "window": f"{self.length_bp} {self.genome.alphabet.unit}s",
            "windows": str(self.windows) if self.windows else "all",
        }
        return found | ({"regions": self.regions.digest} if self.regions is not None else {})


def open_held_out(
    runs: list[Path],
    subjects: list[Subject],
    split: str = "test",
    genome_path: str = "",
    bed: str = "",
    track: str = "",
    aliases: str = "",
    regions_path: str = "",
    length_bp: int = 0,
    windows: int = 0,
) -> HeldOut:
    """Find the windows that all subjects are to be scored on.

    Parameters
    ----------
    runs : list of Path
        Runs among the subjects; without another genome, the first one's is scored, and the others
        must have held out the same bases.
    subjects : list of Subject
        All models.
    split, genome_path, bed, track, aliases
        As in `held_out_intervals`.
    regions_path : str
        Folder of classes; the first run's own `data.regions` when left out.
    length_bp : int
        Window length; that of all subjects when 0.
    windows : int
        How many windows, evenly spread; 0 is all.

    Raises
    ------
    UserError
        When the runs hold out different bases, the subjects have different lengths, or there is
        no run and no genome.
    """
    lengths = {subject.length_bp for subject in subjects}
    if not length_bp and len(lengths) > 1:
        told = ", ".join(f"{one.name} {one.length_bp:,}" for one in subjects)
        raise UserError(
            f"the models were trained on windows of different lengths ({told}); name one for all "
            "with --max_length"
        )
    first = runs[0] if runs else None
    genome, intervals = held_out_intervals(first, split, genome_path, bed, track, aliases)
    for run in runs[1:] if not genome_path else ():
        other, others = held_out_intervals(run, split, "", bed, track, aliases)
        if (other.digest, others) != (genome.digest, intervals):
            raise UserError(
                f"{run} and {first} hold out different bases; evaluate them one at a time, or "
                "name what to score with --genome and --bed"
            )
    if genome_path or first is None:
        names, regions = ContigNames(genome.contigs, genome_path, aliases), None
    else:
        data = read_record(first)[0].data
        names, regions = contig_names(genome, data), open_regions(genome, data)
    if regions_path:
        regions = RegionTrack(regions_path, genome)
    what = genome_path or f"{split} split"
    return HeldOut(
        genome,
        names,
        intervals,
        f"{what}, {bed}" if bed else what,
        length_bp or lengths.pop(),
        windows,
        regions,
    )

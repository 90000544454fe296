"""`genomenet tasks`: make probe tasks from the annotated held-out bases of a run."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "tasks",
        "RUN --out FOLDER [--regions FOLDER]",
        "Make two probe tasks from annotation: region (coding, utr, intron, promoter, intergenic) "
        "and splice (donor, acceptor, decoy). All windows lie in the validation and test splits "
        "of the run, so that it has not been trained on them.",
    )
    parser.add_argument("run", type=str, help="Folder that `genomenet train` made.")
    parser.add_argument(
        "--regions",
        type=str,
        default="",
        help="Folder that `genomenet annotate` made of a GTF; the run's own data.regions if left "
        "out.",
    )
    parser.add_argument("-o", "--out", type=str, required=True, help="Folder to make.")
    parser.add_argument(
        "--max_length", type=int, default=256, help="Length of the windows in bases."
    )
    parser.add_argument(
        "--block_bp",
        type=int,
        default=10_000,
        help="Train and test rows come from different blocks of this length.",
    )
    parser.add_argument(
        "--step_bp", type=int, default=64, help="From one window of the region task to the next."
    )
    parser.add_argument(
        "--rows", type=int, default=2000, help="Most windows of a class in train, and in test."
    )
    parser.add_argument("--seed", type=int, default=0, help="Of all draws.")
    parsed = parser.read(words)
    for option, least in (("max_length", 8), ("step_bp", 1), ("rows", 2), ("seed", 0)):
        if getattr(parsed, option) < least:
            raise UserError(f"--{option} is {getattr(parsed, option)}; give {least} or more")
    if parsed.block_bp < parsed.max_length:
        raise UserError(
            f"--block_bp is {parsed.block_bp}, shorter than a window of {parsed.max_length} bases"
        )

    from genomenet.annotation.regions import RegionTrack
    from genomenet.probes.region_task import region_labels, region_spots
    from genomenet.probes.splice_task import splice_labels, splice_spots
    from genomenet.probes.window_task import cut_blocks, draw_spots, write_tasks
    from genomenet.training.inputs import open_data, open_regions
    from genomenet.training.provenance import require_digest, require_splits
    from genomenet.training.record import read_record

    run = Path(parsed.run)
    config, record = read_record(run)
    genome, splits = open_data(config.data)
    require_digest(genome, config, record, run)
    require_splits(splits, config, record, run)
    regions = open_regions(genome, config.data)
    if parsed.regions:
        regions = RegionTrack(parsed.regions, genome)
    if regions is None:
        raise UserError(
            f"{run} has no annotation; make it with `genomenet annotate` and name it with --regions"
        )
    track, window_bp = regions, parsed.max_length
    blocks = cut_blocks((*splits.valid, *splits.test), parsed.block_bp)
    shared = (parsed.rows, parsed.seed)
    tasks = {
        "region": draw_spots(
            blocks,
            lambda block, draw: region_spots(track, block, window_bp, parsed.step_bp, draw),
            region_labels(),
            *shared,
            "region",
        ),
        "splice": draw_spots(
            blocks,
            lambda block, draw: splice_spots(genome, track, block, window_bp, draw),
            splice_labels(),
            *shared,
            "splice",
        ),
    }
    counts = {
        name: {split: dict(Counter(s.label for s in spots)) for split, spots in made.items()}
        for name, made in tasks.items()
    }
    write_tasks(
        Path(parsed.out),
        genome,
        tasks,
        {
            "command": shlex.join(["genomenet", "tasks", *words]),
            "genome": genome.digest,
            "splits": splits.digest,
            "regions": track.digest,
            "seed": parsed.seed,
            "max_length": window_bp,
            "block_bp": parsed.block_bp,
            "step_bp": parsed.step_bp,
            "rows": counts,
        },
    )
    for name, of_split in counts.items():
        told = "; ".join(
            f"{split} {', '.join(f'{n:,} {label}' for label, n in rows.items())}"
            for split, rows in of_split.items()
        )
        print(f"{Path(parsed.out) / name}.csv: {told}")
    return 0

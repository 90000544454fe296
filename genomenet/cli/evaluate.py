"""`genomenet evaluate`: score finished runs on held-out bases."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "evaluate",
        "RUN... [--split NAME | --genome FILE] [--regions FOLDER] [--json FILE]",
        "Score runs on held-out bases: every base once, N never, repeats and regions apart.",
    )
    parser.add_argument("runs", type=str, nargs="+", help="Folders that `genomenet train` made.")
    parser.add_argument(
        "--split",
        choices=("train", "valid", "test"),
        help="Split of the run's genome to score; test if left out.",
    )
    parser.add_argument(
        "--checkpoint",
        choices=("final", "best", "before-decay"),
        default="final",
        help="Weights to score.",
    )
    parser.add_argument(
        "--genome",
        type=str,
        default="",
        help="Score another genome: FASTA or imported folder; or other text, for runs on text.",
    )
    parser.add_argument(
        "--track",
        type=str,
        default="",
        help="Scores of another genome's bases, for a model that reads them: bigWig or bedGraph.",
    )
    parser.add_argument(
        "--aliases",
        type=str,
        default="",
        help="Table of names of another genome's contigs, for --bed and --track: UCSC's "
        "chromAlias.txt, NCBI's assembly_report.txt, or TSV.",
    )
    parser.add_argument("--bed", type=str, default="", help="Score only these intervals.")
    parser.add_argument(
        "--regions",
        type=str,
        default="",
        help="Folder made by `genomenet annotate`, to score by class of base as well; the run's "
        "own data.regions if left out.",
    )
    parser.add_argument(
        "--windows", type=int, default=0, help="Windows to score, evenly spread; 0 is all."
    )
    parser.add_argument("--json", type=str, default="", help="Write everything to this file.")
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)
    if parsed.split and (parsed.genome or parsed.bed):
        raise UserError(
            "--split names a part of the run's own genome; leave out --genome and --bed"
        )
    for option in ("track", "aliases"):
        if getattr(parsed, option) and not parsed.genome:
            raise UserError(f"--{option} is for another genome; name that one with --genome")

    from tqdm import tqdm

    from genomenet.annotation.regions import RegionTrack
    from genomenet.cli.region_table import region_record, region_table
    from genomenet.cli.terminal import text_table
    from genomenet.evaluation.run import evaluate_run, held_out_intervals
    from genomenet.training.inputs import open_regions
    from genomenet.training.record import read_record, write_json

    rows, results, units, by_class = [], [], set(), {}
    for name in parsed.runs:
        config, record = read_record(Path(name))
        genome, intervals = held_out_intervals(
            Path(name),
            parsed.split or "test",
            parsed.genome,
            parsed.bed,
            parsed.track,
            parsed.aliases,
        )
        # A run's own annotation says nothing of another genome.
        regions = None if parsed.genome else open_regions(genome, config.data)
        if parsed.regions:
            regions = RegionTrack(parsed.regions, genome)
        with tqdm(unit="window", desc=name, disable=parsed.quiet or None, leave=False) as bar:
            found = evaluate_run(
                Path(name),
                parsed.checkpoint.replace("-", " "),
                genome,
                intervals,
                parsed.windows,
                bar.update,
                regions,
            )
        units.add(genome.alphabet.unit)
        rows.append(
            (
                name,
                f"{found.bases:,}",
                f"{math.exp(found.nats):.4f}",
                f"{found.nats / math.log(2):.4f}",
                _bits(found.unmasked_nats, found.unmasked_bases),
                _bits(found.masked_nats, found.masked_bases),
                " / ".join(f"{rate:.2f}" for rate in found.bases_per_chunk) or "-",
                f"{found.flops_per_base / 1e6:.2f}",
            )
        )
        scored = dataclasses.asdict(found)
        del scored["regions"]
        if regions is not None:
            by_class[name] = region_table(found)
            scored |= {"regions_digest": regions.digest, "regions": region_record(found)}
        results.append(
            {
                "run": name,
                "layout": config.model.layout,
                "parameters": record["parameters"],
                "genome_digest": genome.digest,
                "unit": genome.alphabet.unit,
                **scored,
            }
        )
    unit = "/".join(sorted(units))
    header = (
        "run", f"{unit}s", "perplexity", f"bits/{unit}", "unique", "repeats", f"{unit}s/chunk",
        f"MFLOPs/{unit}",
    )  # fmt: skip
    print(text_table(header, rows, "<" + ">" * (len(header) - 1)))
    for name, table in by_class.items():
        print(f"\n{name} by class of base, the highest precedence first:\n{table}")
    if parsed.json:
        write_json(Path(parsed.json), {"runs": results})
    return 0


def _bits(nats: float, bases: int) -> str:
    return f"{nats / bases / math.log(2):.4f}" if bases else "-"

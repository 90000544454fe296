"""`genomenet tracks`: write surprise, boundaries and compute of every base for genome browsers."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.cli.subjects import (
    add_held_out_options,
    add_subject_options,
    check_held_out_options,
    open_held_out_windows,
    open_subjects,
)


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "tracks",
        "RUN... --out FOLDER [--split NAME | --genome FILE | --bed FILE] [--formats NAME...]",
        "Write what models say of every base as tracks that IGV and UCSC open: surprise, boundary "
        "probability, chunk starts and compute.",
    )
    add_subject_options(parser)
    add_held_out_options(parser, windows=0)
    parser.add_argument("-o", "--out", type=str, required=True, help="Folder to make.")
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=("bigwig", "bedgraph", "bed"),
        default=["bigwig", "bed"],
        help="Numbers as bigwig or bedgraph, boundaries as bed.",
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parsed = parser.read(words)
    check_held_out_options(parsed)

    from tqdm import tqdm

    from genomenet.interop.browser_tracks import write_tracks

    evaluated = open_subjects(parsed)
    held_out = open_held_out_windows(parsed, evaluated)
    total = len(held_out.tiles()) * len(evaluated.subjects)
    with tqdm(total=total, unit="window", disable=parsed.quiet or None, leave=False) as bar:
        names = write_tracks(
            evaluated.subjects, held_out, Path(parsed.out), parsed.formats, bar.update
        )
    print(f"{parsed.out}: {', '.join(names)}")
    return 0

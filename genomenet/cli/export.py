"""`genomenet export`: write the model of a run as a folder to share."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "export",
        "RUN --out FOLDER [--checkpoint NAME]",
        "Write the model of a run as a folder that is complete by itself: weights as "
        "safetensors, config, and patcher if it has one. `genomenet.load(FOLDER)` reads it.",
    )
    parser.add_argument("run", type=str, help="Folder that `genomenet train` made.")
    parser.add_argument("-o", "--out", type=str, required=True, help="Folder to make.")
    parser.add_argument(
        "--checkpoint",
        choices=("final", "best", "before-decay"),
        default="final",
        help="Weights to write.",
    )
    parsed = parser.read(words)

    from genomenet.interop.folder import export

    export(Path(parsed.run), Path(parsed.out), parsed.checkpoint.replace("-", " "))
    print(f'{parsed.out}: read it with genomenet.load("{parsed.out}")')
    return 0

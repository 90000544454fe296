"""`genomenet export`: write the model of a run as a folder to share."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "export",
        "RUN --out FOLDER [--checkpoint NAME] [--format hf]",
        "Write the model of a run as a folder that is complete by itself: weights as "
        "safetensors, config, a model card, and patcher if it has one. `genomenet.load(FOLDER)` "
        "reads it; with --format hf transformers does too.",
    )
    parser.add_argument("run", type=str, help="Folder that `genomenet train` made.")
    parser.add_argument("-o", "--out", type=str, required=True, help="Folder to make.")
    parser.add_argument(
        "--checkpoint",
        choices=("final", "best", "before-decay"),
        default="final",
        help="Weights to write.",
    )
    parser.add_argument(
        "--format",
        choices=("genomenet", "hf"),
        default="genomenet",
        help="hf adds a tokenizer and the code that transformers loads the folder with.",
    )
    parsed = parser.read(words)
    run, out = Path(parsed.run), Path(parsed.out)
    checkpoint = parsed.checkpoint.replace("-", " ")

    if parsed.format == "hf":
        from genomenet.interop.hf_export import export_hf

        export_hf(run, out, checkpoint)
        print(
            f'{out}: read it with AutoModelForCausalLM.from_pretrained("{out}", '
            "trust_remote_code=True), where genomenet is installed"
        )
    else:
        from genomenet.interop.folder import export

        export(run, out, checkpoint)
        print(f'{out}: read it with genomenet.load("{out}")')
    print(f"its card is {out / 'README.md'}; choose a licence there before you share the model")
    return 0

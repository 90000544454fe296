"""`genomenet models`: list model presets with parameters and FLOPs per base."""

import json
from collections.abc import Sequence

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import text_table
from genomenet.errors import UserError
from genomenet.models.counts import count_parameters, flops_per_base
from genomenet.models.presets import model_presets


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "models",
        "[--max_length BASES] [--json]",
        "List the model presets with parameters and forward FLOPs per base at the target rate.",
    )
    parser.add_argument("--max_length", type=int, default=1024, help="Window length in bases.")
    parser.add_argument("--json", action="store_true", help="Print a JSON list of objects.")
    parsed = parser.read(words)
    if parsed.max_length < 1:
        raise UserError(f"--max_length is {parsed.max_length}; give 1 or more")
    rows = []
    for name, config in model_presets():
        flops = flops_per_base(config.check(), parsed.max_length)
        rows.append(
            {
                "name": name,
                "layout": config.layout,
                "notation": config.notation,
                "d_model": config.d_model,
                "router": config.router if config.networks().stages else "none",
                "parameters": count_parameters(config),
                "flops_per_base": round(flops.total),
                "max_length": parsed.max_length,
                "source": config.source,
                "guessed": config.guessed,
            }
        )
    if parsed.json:
        print(json.dumps(rows, indent=2))
        return 0
    header = ("preset", "layout", "parameters", "MFLOPs/base", "guessed fields", "source")
    lines = [
        (
            str(row["name"]),
            str(row["layout"]),
            f"{row['parameters']:,}",
            f"{row['flops_per_base'] / 1e6:.2f}",
            str(len(row["guessed"])),
            str(row["source"]),
        )
        for row in rows
    ]
    print(text_table(header, lines, "<<>>><"))
    print(
        f"\nForward FLOPs of one base in a window of {parsed.max_length:,}, at the target chunk "
        "rate.\nGuessed fields are not stated by the source; `--json` names them."
    )
    return 0

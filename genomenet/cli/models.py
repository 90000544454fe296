"""`genomenet models`: list model presets with their costs, or resize one to a budget of FLOPs."""

import json
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from genomenet.cli.parsing import VerbParser
from genomenet.cli.terminal import text_table
from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base, patcher_is_unknown
from genomenet.models.match import match_flops
from genomenet.models.parameters import count_parameters
from genomenet.models.presets import find_model, model_presets, model_yaml


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "models",
        "[NAME...] [--guessed | --json] | --match-flops BUDGET|PRESET [--vary depth|width] PRESET",
        "List the model presets with parameters and forward FLOPs per base at the target rate, or "
        "write a model of wanted FLOPs.",
    )
    parser.add_argument(
        "names",
        type=str,
        nargs="*",
        default=[],
        help="Parts of names, such as hg38 or gpt3*hnet: all in the name.",
    )
    parser.add_argument("--max_length", type=int, default=1024, help="Window length in bases.")
    parser.add_argument(
        "--guessed", action="store_true", help="Name the fields that the source leaves open."
    )
    parser.add_argument("--json", action="store_true", help="Print a JSON list of objects.")
    parser.add_argument(
        "--match-flops",
        type=str,
        default="",
        help="FLOPs per base, such as 7.5e7, or a preset that has them: print the config of PRESET "
        "resized to cost as much.",
    )
    parser.add_argument(
        "--vary",
        choices=("depth", "width"),
        default="depth",
        help="What --match-flops changes of the main network: layers or d_model.",
    )
    parsed = parser.read(words)
    if parsed.max_length < 1:
        raise UserError(f"--max_length is {parsed.max_length}; give 1 or more")
    if parsed.match_flops:
        if len(parsed.names) != 1:
            raise UserError("--match-flops resizes one model: name one preset or config file")
        if parsed.json or parsed.guessed:
            raise UserError("--match-flops writes a config: leave --json and --guessed out")
        _print_match(parsed.names[0], parsed.match_flops, parsed.vary, parsed.max_length)
        return 0
    rows = [
        _row(name, config.check(), parsed.max_length)
        for name, config in model_presets()
        if all(fnmatchcase(name, f"*{word}*") for word in parsed.names)
    ]
    if not rows:
        raise UserError(
            f"no preset's name holds {' and '.join(parsed.names)}; `genomenet models` lists all"
        )
    if parsed.json:
        print(json.dumps(rows, indent=2))
    else:
        _print_rows(rows, parsed.max_length, parsed.guessed)
    return 0


def _row(name: str, config: ModelConfig, length_bp: int) -> dict[str, Any]:
    flops = flops_per_base(config, length_bp)
    return {
        "name": name,
        "layout": config.layout,
        "notation": config.notation,
        "d_model": config.d_model,
        "chunker": config.chunker if config.networks().stages else "none",
        "tokeniser": config.tokeniser,
        "targets": config.targets,
        "parameters": count_parameters(config),
        "flops_per_base": round(flops.model),
        "patcher_flops_per_base": None if patcher_is_unknown(config) else round(flops.patcher),
        "max_length": length_bp,
        "source": config.source,
        "guessed": config.guessed,
    }


def _print_rows(rows: list[dict[str, Any]], length_bp: int, name_guessed: bool) -> None:
    header = (
        "preset", "layout", "chunker", "parameters", "MFLOPs/base", "guessed fields", "source",
    )  # fmt: skip
    lines = [
        (
            row["name"],
            row["layout"],
            _chunker(row),
            f"{row['parameters']:,}",
            f"{row['flops_per_base'] / 1e6:.2f}" + _patcher(row["patcher_flops_per_base"]),
            " ".join(row["guessed"]) if name_guessed else str(len(row["guessed"])),
            row["source"],
        )
        for row in rows
    ]
    print(text_table(header, lines, "<<<>><<" if name_guessed else "<<<>>><"))
    print(
        f"\nForward FLOPs of one base in a window of {length_bp:,}, at the target chunk rate.\n"
        "Guessed fields are not stated by the source; `--guessed` names them."
    )
    if any(row["patcher_flops_per_base"] is None for row in rows):
        print("+ ?: and those of an entropy model, once model.patcher names one.")


def _chunker(row: dict[str, Any]) -> str:
    if row["tokeniser"] != "none":
        return f"{row['tokeniser']} tokens"
    one = row["chunker"]
    return one if isinstance(one, str) else ", ".join(one)


def _patcher(flops: float | None) -> str:
    if flops is None:
        return " + ?"
    return f" + {flops / 1e6:.2f}" if flops else ""


def _print_match(name: str, wanted: str, vary: Any, length_bp: int) -> None:
    config = find_model(name).check()
    try:
        budget = float(wanted)
    except ValueError:
        budget = flops_per_base(find_model(wanted).check(), length_bp).total
    found = match_flops(config, budget, vary, length_bp)
    resized = replace(
        found.config, source=f"genomenet models --match-flops {wanted} --vary {vary} {name}"
    )
    print(f"# {name} resized in {vary} to the FLOPs per base of {wanted}.")
    print(
        f"# {count_parameters(found.config):,} parameters; {found.flops_per_base:,.0f} forward "
        f"FLOPs per base in a window of {length_bp:,},\n"
        f"# {found.residual:+.2%} of the {budget:,.0f} wanted."
    )
    if abs(found.residual) > 0.05:
        other = "width" if vary == "depth" else "depth"
        print(f"# No other {vary} comes nearer; --vary {other} may.")
    print(model_yaml(resized), end="")

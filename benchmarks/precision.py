"""Train the demo's arms in float32 and in bfloat16 autocast, and compare their validations."""

import argparse
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
import yaml
from _record import conditions, report
from _tables import rows_of

from genomenet.genome.importer import import_genome
from genomenet.models.config import ModelConfig
from genomenet.models.presets import find_config
from genomenet.training.config import DataConfig, RunConfig, SplitConfig, TrainConfig
from genomenet.training.run import train
from genomenet.training.tables import VALID_TABLE, read_table

DEMO = Path(__file__).parents[1] / "data_prep" / "demo" / "human_chr20_42M_46M.fa.gz"


def curve(config: RunConfig, precision: str, folder: Path) -> list[float]:
    """Validation nats of one run."""
    config = replace(config, train=replace(config.train, precision=precision))
    train(config, folder / precision, "benchmarks/precision.py", progress=False)
    return [float(row["val/loss"]) for row in read_table(folder / precision / VALID_TABLE)]


def main() -> None:
    """Compare all arms and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--save", action="store_true", help="keep the table in benchmarks/results")
    arguments = parser.parse_args()
    study = yaml.safe_load(find_config("demo").read_text(encoding="utf-8"))
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        genome = import_genome([DEMO], folder / "genome")
        split = SplitConfig(**study["data"].get("split", {}))
        data = DataConfig(**{**study["data"], "genome": str(genome.path), "split": split})
        recipe = TrainConfig(
            **{**study["train"], "max_steps": arguments.steps, "matmul_precision": "highest"}
        )
        recipe = replace(
            recipe,
            lr=float(recipe.lr),
            valid_every=max(1, arguments.steps // 4),
            valid_windows=8,
        )
        for arm, model in study["arms"].items():
            if model.get("patcher"):
                continue  # made by the study, from its training bases
            config = RunConfig(ModelConfig(**model), data, recipe)
            exact = curve(config, "float32", folder / arm)
            half = curve(config, "bfloat16", folder / arm)
            gaps = [b - a for a, b in zip(exact, half, strict=True)]
            gap = max(gaps, key=abs)
            rows.append(
                f"| {arm} | {math.exp(exact[-1]):.4f} | {math.exp(half[-1]):.4f} "
                f"| {gaps[-1]:+.5f} | {gap:+.5f} |"
            )
    bases = arguments.steps * recipe.global_batch_size * data.max_length
    text = (
        f"# bfloat16 beside float32\n\n{conditions(__file__)} Arms of the demo that need no "
        f"patcher, {bases:,} training bases, same seed; validation "
        "perplexity, and differences in nats per base.\n\n"
        "| arm | float32 | bfloat16 | last difference | largest difference |\n"
        "|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    torch.set_float32_matmul_precision("highest")
    report(__file__, text, arguments.save, rows_of(text))


if __name__ == "__main__":
    main()

"""`genomenet calibrate`: make a patcher whose chunks have a wanted mean length."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.training.calibration_config import CalibrateConfig


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "calibrate",
        "--kind KIND [--target LENGTH] [--config FILE] [--KEY VALUE] --out FOLDER",
        "Make a patcher: entropies, a score or a vocabulary, and the threshold at which chunks "
        "have the wanted mean length.",
    )
    parser.add_argument("-o", "--out", type=str, required=True, help="Patcher folder to make.")
    parser.add_config(CalibrateConfig)
    parsed = parser.read(words)
    config = parser.config(CalibrateConfig, parsed).check()

    from genomenet.cli.terminal import text_table
    from genomenet.training.calibrate import calibrate

    command = f"genomenet calibrate {shlex.join(words)}"
    done = calibrate(config, Path(parsed.out), command, tell=print)
    quantiles = [f"{float(share):.0%}" for share in done.train["quantiles"]]
    header = ("split", "windows", "chunks", "mean", *quantiles, "longest")
    rows = [
        (
            name,
            f"{found['windows']:,}",
            f"{found['chunks']:,}",
            f"{found['mean']:.3f}",
            *(str(length) for length in found["quantiles"].values()),
            f"{found['longest']:,}",
        )
        for name, found in (("train", done.train), ("valid", done.valid))
    ]
    print(text_table(header, rows, "<" + ">" * (len(header) - 1)))
    if done.rule is not None:
        print(f"threshold {done.rule.threshold!r} ({done.rule.kind})")
    if done.words:
        print(f"{done.words:,} words, single bases included")
    for note in done.notes:
        print(f"note: {note}")
    # A vocabulary of a given size has the length that it has.
    target = f"{done.train['mean']:.2f}" if config.vocab_size else f"{config.target:g}"
    print(
        f"{parsed.out}: use it with --model.chunker {config.kind} --model.patcher {parsed.out} "
        f"--model.targets {target} --model.max_chunk {config.max_chunk}"
    )
    return 0

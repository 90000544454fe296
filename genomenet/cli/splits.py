"""`genomenet splits`: tell how big the splits of some data are, and what leaks between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.cli.parsing import VerbParser
from genomenet.models.config import ModelConfig
from genomenet.study.config import StudyConfig
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.config import DataConfig, RunConfig

if TYPE_CHECKING:
    from genomenet.windows.similarity import Similarity


@dataclass(frozen=True)
class SplitsConfig:
    """Data to look at.

    Attributes
    ----------
    data
        The bases.
    """

    data: DataConfig = field(default_factory=DataConfig)

    def check(self) -> "SplitsConfig":
        """Return self after making sure that a run could have these data.

        Raises
        ------
        UserError
            Naming the field, what is wrong with it and what would be right.
        """
        of_bytes = ModelConfig(alphabet="bytes", vocab_size=256)
        RunConfig(of_bytes if self.data.text else ModelConfig(), self.data).check()
        return self


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "splits",
        "[--config FILE] [--KEY VALUE] [--bed FILE] [--similarity]",
        "Tell how big the splits of some data are and what leaks between them, without training. "
        "Takes the config of a run, a study or a calibration, and looks at its data alone.",
    )
    parser.add_argument("--bed", type=str, default="", help="Write the splits to this BED file.")
    parser.add_argument(
        "--similarity",
        action="store_true",
        help="Align held-out windows to the training intervals, with minimap2.",
    )
    parser.add_argument(
        "--similarity-windows", type=int, default=1000, help="Windows to align of each split."
    )
    parser.add_argument(
        "--similarity-bp", type=int, default=1000, help="Length of such a window in bases."
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress bar.")
    parser.add_config(SplitsConfig, others=(RunConfig, StudyConfig, CalibrateConfig))
    parsed = parser.read(words)
    config = parser.config(SplitsConfig, parsed).check()

    from tqdm import tqdm

    from genomenet.genome.intervals import total_bp
    from genomenet.training.inputs import open_data
    from genomenet.windows.leak import leak_report
    from genomenet.windows.similarity import similarity
    from genomenet.windows.splits import write_splits

    genome, splits = open_data(config.data)
    print(leak_report(splits, genome))
    if parsed.bed:
        write_splits(splits, genome, Path(parsed.bed))
        if splits.published:
            print(f"{parsed.bed}: what windows reach; its splits overlap, so no run takes it")
        else:
            print(f"{parsed.bed}: use it with data.split.by=bed data.split.bed={parsed.bed}")
    if parsed.similarity:
        bar = tqdm(
            total=total_bp(splits.train),
            unit="b",
            unit_scale=True,
            desc="align",
            disable=parsed.quiet or None,
            leave=False,
        )
        with bar:
            rows = similarity(
                splits, genome, parsed.similarity_bp, parsed.similarity_windows, bar.update
            )
        print(_table(rows, parsed.similarity_bp))
    return 0


def _table(rows: Sequence["Similarity"], window_bp: int) -> str:
    from genomenet.cli.terminal import text_table
    from genomenet.windows.similarity import IDENTITIES, LEAST_COVERAGE

    header = ("split", "windows", "number", *(f"identity {least:.0%}" for least in IDENTITIES))
    cells = [
        (row.split, row.windows, f"{row.count:,}", *(f"{share:.2%}" for share in row.shares))
        for row in rows
    ]
    return (
        "\nheld-out bases that resemble training sequence: aligned by minimap2, either strand, "
        f"over at least {LEAST_COVERAGE:.0%} of a window of {window_bp:,} bp, at that identity or "
        "more\n"
        + text_table(header, cells, "<<" + ">" * (len(header) - 2))
        + "\nreversed windows, which can't be related, show what chance gives"
    )

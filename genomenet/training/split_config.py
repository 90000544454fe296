"""Which bases train, choose checkpoints and test, readable without torch."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class SplitConfig:
    """Which bases train, which choose checkpoints, which are held out to the end.

    Attributes
    ----------
    by
        "fraction" cuts the genome into blocks, "chromosome" takes whole contigs, "folds" deals
        them out for cross-validation, "genome" takes whole species or members of a corpus,
        "bed" reads intervals labelled train, valid and test in the fourth column.
    policy
        "strict": no window holds a base of another split. "caduceus" (by bed): windows as that
        pipeline makes them, every interval extended to 2^20 bases, across the borders of splits.
    valid_fraction
        Share of the bases in the validation split (by fraction, and by genome without names).
    test_fraction
        Share of the bases in the test split (likewise).
    block_bp
        Length of a block in bases (by fraction).
    seed
        Which blocks, or species, go where (likewise).
    folds
        Parts of about equal size that the contigs are dealt to (by folds).
    fold
        Which of them is the test split, from 0; the next one validates (by folds).
    train
        Training contigs (by chromosome) or species (by genome); empty means all the others.
    valid
        Validation contigs or species.
    test
        Test contigs or species.
    bed
        BED file of labelled intervals (by bed).
    """

    by: Literal["fraction", "chromosome", "folds", "genome", "bed"] = "fraction"
    policy: Literal["strict", "caduceus"] = "strict"
    valid_fraction: float = 0.1
    test_fraction: float = 0.1
    block_bp: int = 100_000
    seed: int = 0
    folds: int = 5
    fold: int = 0
    train: list[str] = field(default_factory=list)
    valid: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)
    bed: str = ""

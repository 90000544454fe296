"""What a calibration is: which patcher, for which chunk length, on which bases; without torch."""

from dataclasses import dataclass, field
from typing import Literal

from genomenet.errors import UserError
from genomenet.training.config import DataConfig


@dataclass(frozen=True)
class CalibrateConfig:
    """A patcher to make.

    Attributes
    ----------
    kind
        "markov": entropies of a table of the last bases; "entropy": those of a trained model;
        "track": an external score; "bpe": a vocabulary of byte-pair encoding.
    target
        Wanted mean length of a chunk in positions.
    rule
        "threshold": a boundary where the value is high; "difference": where it has risen;
        "both". Tracks and entropies only.
    rise
        Least rise of the value, in its own units, under the rule "both".
    order
        Bases of context of a Markov table, up to 12.
    entropy_model
        Run folder of the model whose entropies are taken; made by `genomenet train`.
    vocab_size
        Words of a BPE vocabulary; 0 takes as many as the target needs.
    max_chunk
        Longest chunk, as model.max_chunk is to be; 0 is no limit.
    reset_bp
        Entropies forget their context at every so many positions; 0 never.
    sample_bp
        Bases of windows on which the threshold is found, and held-out ones that check it.
    seed
        Which training windows these are.
    data
        The bases.
    """

    kind: Literal["markov", "entropy", "track", "bpe"] = "markov"
    target: float = 4.0
    rule: Literal["threshold", "difference", "both"] = "threshold"
    rise: float = 0.0
    order: int = 8
    entropy_model: str = ""
    vocab_size: int = 0
    max_chunk: int = 0
    reset_bp: int = 0
    sample_bp: int = 1_000_000
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)

    def check(self) -> "CalibrateConfig":
        """Return self after making sure that the fields agree.

        Raises
        ------
        UserError
            Naming the field, what is wrong with it and what would be right.
        """
        data = self.data
        if not (data.genome or data.mock or data.text):
            raise UserError(
                "data.genome is missing: give a folder made by `genomenet import` or a FASTA "
                "file, or --data.mock for made-up sequence"
            )
        if not self.target > 1:
            raise UserError(f"target is {self.target:g} positions per chunk; give more than 1")
        if not 0 <= self.order <= 12:
            raise UserError(f"order is {self.order}; give 0 to 12 bases of context")
        for name in ("vocab_size", "max_chunk", "reset_bp", "seed"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} is {getattr(self, name)}; give 0 or more")
        if data.max_length < 2:
            raise UserError(f"data.max_length is {data.max_length}; a window needs 2 bases or more")
        if self.sample_bp < data.max_length:
            raise UserError(
                f"sample_bp is {self.sample_bp:,}; give at least a window of {data.max_length:,}"
            )
        if 0 < self.max_chunk < self.target or 0 < self.reset_bp < self.target:
            name = "max_chunk" if 0 < self.max_chunk < self.target else "reset_bp"
            raise UserError(
                f"{name} is {getattr(self, name)}, which allows no mean of {self.target:g} "
                "positions per chunk; give more, or a lower target"
            )
        if self.kind == "entropy" and not self.entropy_model:
            raise UserError(
                "entropy_model is missing: name the run folder of a small model, made by "
                "`genomenet train`"
            )
        if self.kind == "track" and not data.track:
            raise UserError("data.track is missing: name the bigWig or bedGraph file of the scores")
        if self.kind in {"markov", "bpe"} and data.text:
            raise UserError(f"kind {self.kind} is for DNA; use entropy for text")
        return self

"""What a study is: arms, seeds, data and one recipe for all, readable without torch."""

from dataclasses import dataclass, field, replace

from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.training.config import DataConfig, RunConfig, TrainConfig


@dataclass(frozen=True)
class StudyConfig:
    """Arms trained on the same bases in the same order; they differ in the model alone.

    Attributes
    ----------
    name
        Title of the report.
    data
        The bases.
    train
        The recipe of every arm; `train.seed` gives way to `seeds`.
    arms
        A model for each arm, by a short name.
    seeds
        Every arm is trained once with each.
    markov_order
        Longest context of the Markov rows; -1 leaves all trivial rows out.
    annotation
        GTF file whose genes are drawn under the example window.
    test_windows
        Held-out windows scored, evenly spread; 0 is all.
    notes
        Sentences printed in the report as they are.
    """

    name: str = "study"
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    arms: dict[str, ModelConfig] = field(default_factory=dict)
    seeds: list[int] = field(default_factory=lambda: [0])
    markov_order: int = 11
    annotation: str = ""
    test_windows: int = 0
    notes: list[str] = field(default_factory=list)

    def run(self, arm: str, seed: int) -> RunConfig:
        """The run of one arm with one seed."""
        return RunConfig(self.arms[arm], self.data, replace(self.train, seed=seed))

    def check(self) -> "StudyConfig":
        """Return self after making sure that every run of it can work.

        Raises
        ------
        UserError
            Naming the arm and the field.
        """
        if not self.arms:
            raise UserError("the study has no arms: add them under 'arms:', a model for each name")
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) != len(self.seeds):
            raise UserError(f"seeds is {self.seeds}; give one or more different numbers from 0")
        if not -1 <= self.markov_order <= 12:
            raise UserError(f"markov_order is {self.markov_order}; give -1 (none) or 0 to 12")
        for arm in self.arms:
            if not arm or not all(letter.isalnum() or letter in "-_." for letter in arm):
                raise UserError(
                    f"arm name '{arm}' becomes a folder: use letters, digits, '-', '_' and '.'"
                )
            try:
                self.run(arm, self.seeds[0]).check()
            except UserError as error:
                raise UserError(f"arm '{arm}': {error}") from None
        return self

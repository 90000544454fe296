"""What a study is: arms, seeds, data and one recipe for all, readable without torch."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from genomenet.errors import UserError, nearest
from genomenet.models.check import patcher_kind
from genomenet.models.config import ModelConfig
from genomenet.models.presets import find_model
from genomenet.study.budget import within_budget
from genomenet.study.sweep import among, checked_recipe, expand
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.config import DataConfig, RunConfig, TrainConfig


@dataclass(frozen=True)
class WorkflowConfig:
    """What `genomenet study run` does once the arms are trained.

    Attributes
    ----------
    evaluate
        Score all arms by class of base, as `genomenet evaluate` does.
    probe
        Probe the arms, where there are tasks or an annotation to make them of.
    tasks
        CSV files of probe tasks; without any, tasks are made of the annotation.
    """

    evaluate: bool = True
    probe: bool = True
    tasks: list[str] = field(default_factory=list)


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
        A model for each arm, by a short name; `patcher` may name one of `patchers`.
    presets
        Shipped models that are arms too, by the names that `genomenet models` lists.
    patchers
        Calibrations made before the arms, on the data of the study, by a short name;
        `entropy_model` may name one of `entropy_models`. An arm that names none takes
        the first of its kind.
    entropy_models
        Models trained before the arms, with their recipe, for patchers of the kind entropy.
    recipes
        Fields of `train` that an arm has for itself, by arm, as in {hnet: {lr: 1e-3}}.
    sweep
        Values of fields of an arm, as in {hnet: {train.lr: [1e-3, 3e-3], model.targets: [3, 6]}};
        an arm for each combination takes its place.
    flop_budget
        Nominal training FLOPs of every arm, which decide over its steps; 0 gives all arms the
        steps of `train`, as entropy models have them always.
    seeds
        Every arm is trained once with each.
    markov_order
        Longest context of the Markov rows; -1 leaves all trivial rows out.
    annotation
        GTF, GFF3 or GenBank file whose genes are drawn under the example window.
    test_windows
        Held-out windows scored, evenly spread; 0 is all.
    notes
        Sentences printed in the report as they are.
    workflow
        What `genomenet study run` does after the training.
    """

    name: str = "study"
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    arms: dict[str, ModelConfig] = field(default_factory=dict)
    presets: list[str] = field(default_factory=list)
    patchers: dict[str, CalibrateConfig] = field(default_factory=dict)
    entropy_models: dict[str, ModelConfig] = field(default_factory=dict)
    recipes: dict[str, dict] = field(default_factory=dict)
    sweep: dict[str, dict[str, list]] = field(default_factory=dict)
    flop_budget: float = 0.0
    seeds: list[int] = field(default_factory=lambda: [0])
    markov_order: int = 11
    annotation: str = ""
    test_windows: int = 0
    notes: list[str] = field(default_factory=list)
    workflow: WorkflowConfig = field(default_factory=WorkflowConfig)

    def run(self, arm: str, seed: int) -> RunConfig:
        """The run of one arm with one seed."""
        return RunConfig(self.arms[arm], self.data, replace(self.recipe(arm), seed=seed))

    def recipe(self, arm: str) -> TrainConfig:
        """The recipe of an arm: the study's, with what it has for itself, within the budget."""
        recipe = replace(self.train, **self.recipes.get(arm, {}))
        return within_budget(self, self.arms[arm], recipe) if self.flop_budget else recipe

    @property
    def keys(self) -> list[tuple[str, int]]:
        """All arms with all seeds, in the order of training and of the report."""
        return [(arm, seed) for seed in self.seeds for arm in self.arms]

    def check(self) -> "StudyConfig":
        """Return the study with all its arms, after making sure that every run of it can work.

        Raises
        ------
        UserError
            Naming the arm and the field.
        """
        if self.presets:
            shipped = {name: find_model(name) for name in self.presets}
            return replace(self, presets=[], arms={**shipped, **self.arms}).check()
        if not self.arms:
            raise UserError(
                "the study has no arms: add them under 'arms:', a model for each name, or name "
                "shipped models under 'presets:'"
            )
        if self.sweep:
            arms, recipes, said = expand(self.arms, self.recipes, self.sweep)
            notes = [*said, *self.notes]
            return replace(self, sweep={}, arms=arms, recipes=recipes, notes=notes).check()
        recipes = self._checked_recipes()
        if recipes != self.recipes:
            return replace(self, recipes=recipes).check()
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) != len(self.seeds):
            raise UserError(f"seeds is {self.seeds}; give one or more different numbers from 0")
        if self.train.world_size > 1:
            raise UserError(
                f"train.devices {self.train.devices} times train.nodes {self.train.nodes} is more "
                "than one, but an arm of a study is trained on one device: arms share out the "
                "devices; leave both at 1"
            )
        if not -1 <= self.markov_order <= 12:
            raise UserError(f"markov_order is {self.markov_order}; give -1 (none) or 0 to 12")
        for name in (*self.arms, *self.patchers, *self.entropy_models):
            if not name or not all(letter.isalnum() or letter in "-_." for letter in name):
                raise UserError(
                    f"the name '{name}' becomes a folder: use letters, digits, '-', '_' and '.'"
                )
        for arm, model in self.arms.items():
            with said_of(f"arm '{arm}'"):
                self.run(arm, self.seeds[0]).check()
                self._check_patcher(model)
        for name, model in self.entropy_models.items():
            with said_of(f"entropy model '{name}'"):
                RunConfig(model, self.data, self.train).check()
                if model.tokeniser != "none" or model.patcher:
                    raise UserError(
                        "it must read single bases by itself: leave tokeniser and patcher out"
                    )
        for name, patcher in self.patchers.items():
            with said_of(f"patcher '{name}'"):
                if patcher.data != DataConfig():
                    raise UserError("its data are those of the study: leave 'data' out")
                replace(patcher, data=self.data).check()
                run = patcher.entropy_model
                if run and run not in self.entropy_models and not Path(run).is_dir():
                    raise UserError(
                        f"entropy_model '{run}' is neither a run nor one of entropy_models"
                        + nearest(run, self.entropy_models)
                    )
        return replace(self, arms={name: self._with_patcher(m) for name, m in self.arms.items()})

    def _checked_recipes(self) -> dict[str, dict]:
        if not 0 <= self.flop_budget < math.inf:
            raise UserError(f"flop_budget is {self.flop_budget:g}; give 0 (none) or more")
        for arm, fields in self.recipes.items():
            if arm not in self.arms:
                raise UserError(
                    f"recipes.{arm} is of no arm{nearest(arm, self.arms) or among(self.arms)}"
                )
            if self.flop_budget and "max_steps" in fields:
                raise UserError(
                    f"arm '{arm}' has max_steps of its own, which flop_budget decides; leave out "
                    "one of them"
                )
        return {arm: checked_recipe(arm, own) for arm, own in self.recipes.items() if own}

    def _with_patcher(self, model: ModelConfig) -> ModelConfig:
        """The model with a patcher of the study's, if it needs one and names none."""
        kind = patcher_kind(model)
        fitting = [name for name, patcher in self.patchers.items() if patcher.kind == kind]
        return replace(model, patcher=fitting[0]) if fitting and not model.patcher else model

    def _check_patcher(self, model: ModelConfig) -> None:
        model = self._with_patcher(model)
        kind = patcher_kind(model)
        if kind is None:
            return
        patcher = self.patchers.get(model.patcher)
        if patcher is None and not Path(model.patcher or "?").is_dir():
            raise UserError(
                f"model.patcher '{model.patcher}' is neither a folder nor one of the study's "
                "patchers" + nearest(model.patcher, self.patchers)
            )
        if patcher is None:
            return
        if patcher.kind != kind:
            raise UserError(
                f"it needs a patcher of the kind {kind}, but '{model.patcher}' is of the kind "
                f"{patcher.kind}"
            )
        if model.tokeniser == "bpe":
            return
        if patcher.max_chunk != model.of_stage("max_chunk", 0):
            raise UserError(
                f"model.max_chunk is {model.of_stage('max_chunk', 0)}, but its patcher "
                f"'{model.patcher}' has the max_chunk {patcher.max_chunk}"
            )
        if kind == "bpe" and patcher.vocab_size:
            return
        if patcher.target != model.target(0):
            raise UserError(
                f"model.targets is {model.target(0):g}, but its patcher '{model.patcher}' has the "
                f"target {patcher.target:g}"
            )


@contextmanager
def said_of(subject: str) -> Iterator[None]:
    """Say which part of a study a mistake is in."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{subject}: {error}") from None

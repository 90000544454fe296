"""What is evaluated: a model with all that scoring it takes, whoever made it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from genomenet.errors import UserError
from genomenet.genome.alphabet import ALPHABETS, Alphabet
from genomenet.models.flops import flops_per_base
from genomenet.models.language_model import LanguageModel
from genomenet.models.nats import Scores
from genomenet.models.reading import score_long
from genomenet.models.tokenised import TokenisedLanguageModel, make_language_model
from genomenet.training.config import RunConfig
from genomenet.training.data import windows_per_pass
from genomenet.training.device import uses_gpu
from genomenet.training.record import read_record
from genomenet.training.weights import load_model


class ScoringModel(Protocol):
    """What a model must do to be evaluated; see `LanguageModel` for ours."""

    def score(
        self,
        tokens_BL: Tensor,
        targets_BL: Tensor,
        valid_BL: Tensor,
        *,
        masked_BL: Tensor | None = None,
        scores_BL: Tensor | None = None,
    ) -> Scores:
        """Nats of every target, with the boundaries drawn on the way."""

    def parameters(self) -> Any:
        """Its parameters, which tell the device."""


@dataclass(frozen=True)
class InSegments:
    """A model that scores windows segment by segment, in the memory that one segment takes.

    Attributes
    ----------
    model : LanguageModel
        The model.
    segment_bp : int
        Positions read at a time.
    """

    model: LanguageModel
    segment_bp: int

    def score(
        self, tokens_BL: Tensor, targets_BL: Tensor, valid_BL: Tensor, **others: Tensor | None
    ) -> Scores:
        """As `ScoringModel`."""
        return score_long(self.model, tokens_BL, targets_BL, valid_BL, self.segment_bp, **others)

    def parameters(self) -> Any:
        """As `ScoringModel`."""
        return self.model.parameters()


@dataclass(frozen=True)
class Subject:
    """A model to evaluate.

    Attributes
    ----------
    name : str
        What tables and figures call it; no two subjects of an evaluation share it.
    arm : str
        Shared by the seeds of an arm of a study; otherwise the name.
    seed : int
        Which of these.
    model : ScoringModel
        On its device, in evaluation mode.
    alphabet : Alphabet
        What its codes mean.
    length_bp : int
        Window length that it was trained on.
    batch_size : int
        Windows of that length in a forward pass.
    parameters : int
        How many it has.
    precision : callable
        Makes the autocast that it is scored under: routing may differ in another.
    flops : callable
        Forward FLOPs per base, given a window length in bases and the achieved positions per
        chunk of every stage; None where they are not known.
    stages : int
        Steps from bases to the innermost network; as many boundaries come with its scores.
    reads_scores : bool
        Whether it needs a score for every base from outside.
    note : str
        How its likelihood has to be read, when that is not as for a causal model of bases.
    comparable : bool
        False where its nats are no log-likelihood of the bases, such as pseudo-likelihoods.
    causal : bool
        Whether the nats of a base depend on the bases before it alone. Tokens of several bases
        reach over the borders of what was edited, and masked models read both sides.
    config : RunConfig or None
        Of the run that it comes from.
    untrained : callable or None
        Makes its twin with random weights of a seed: the control of what training gave.
    """

    name: str
    arm: str
    seed: int
    model: Any
    alphabet: Alphabet
    length_bp: int
    batch_size: int
    parameters: int
    precision: Callable[[], AbstractContextManager]
    flops: Callable[[int, Sequence[float]], float] | None
    stages: int = 0
    reads_scores: bool = False
    note: str = ""
    comparable: bool = True
    causal: bool = True
    config: RunConfig | None = None
    untrained: "Callable[[int], Subject] | None" = None

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    def windows_a_pass(self, length_bp: int) -> int:
        """Windows of another length that make a forward pass of about the same size."""
        return max(1, self.pass_bp // length_bp)

    @property
    def pass_bp(self) -> int:
        """Bases in a forward pass."""
        return self.batch_size * self.length_bp

    @property
    def resumes(self) -> bool:
        """Whether its model can go on from the state that a prefix leaves, base by base."""
        of_tokens = isinstance(self.model, TokenisedLanguageModel)
        return self.causal and isinstance(self.model, LanguageModel) and not of_tokens

    def scorer(self, length_bp: int) -> ScoringModel:
        """What scores windows of a length: a window that is longer than a pass, in segments."""
        if length_bp <= self.pass_bp or not self.resumes:
            return self.model
        return InSegments(self.model, self.pass_bp)


def run_subject(run: Path, checkpoint: str = "final", name: str = "") -> Subject:
    """The model of a run.

    Parameters
    ----------
    run : Path
        The run directory.
    checkpoint : {"final", "best", "before decay"}
        Which weights.
    name : str
        What to call it; the folder's name when left out.

    Raises
    ------
    UserError
        As `load_model`.
    """
    model, config = load_model(run, checkpoint)
    subject = _subject(model, config, name or run.name)
    return replace(subject, untrained=lambda seed: untrained_twin(run, seed))


def untrained_twin(run: Path, seed: int = 0, name: str = "") -> Subject:
    """The model of a run as it was before training: the same config, random weights.

    What it scores is what the architecture and the readout give without having learned anything.

    Parameters
    ----------
    run : Path
        The run directory.
    seed : int
        Of the weights.
    name : str
        What to call it; the folder's name and "untrained" when left out.

    Raises
    ------
    UserError
        When the folder is not a run.
    """
    config, _ = read_record(run)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make_language_model(config.model)
    subject = _subject(
        model.to("cuda" if uses_gpu(config.train) else "cpu"), config, name or run.name
    )
    return replace(subject, name=name or f"{run.name}, untrained", seed=seed)


def arm_twins(subjects: Sequence[Subject]) -> list[Subject]:
    """The untrained twin of each arm, of its first seed, called after the arm."""
    arms: dict[str, Subject] = {}
    for subject in subjects:
        arms.setdefault(subject.arm, subject)
    return [
        replace(one.untrained(0), name=f"{arm}, untrained")
        for arm, one in arms.items()
        if one.untrained is not None
    ]


def _subject(model: Any, config: RunConfig, name: str) -> Subject:
    device = "cuda" if uses_gpu(config.train) else "cpu"
    torch.set_float32_matmul_precision(config.train.matmul_precision)
    half = config.train.precision == "bfloat16"
    arm, _, seed = name.rpartition("-seed")
    known = bool(arm) and seed.isdecimal()
    return Subject(
        name=name,
        arm=arm if known else name,
        seed=int(seed) if known else config.train.seed,
        model=model.eval(),
        alphabet=ALPHABETS[config.model.alphabet],
        length_bp=config.data.max_length,
        batch_size=windows_per_pass(config),
        parameters=sum(p.numel() for p in model.parameters()),
        precision=lambda: torch.autocast(device, torch.bfloat16, enabled=half),
        flops=lambda length_bp, rates: flops_per_base(config.model, length_bp, rates).total,
        stages=config.model.compressions,
        reads_scores=bool(config.data.track),
        causal=config.model.tokeniser == "none",
        config=config,
    )


def short_names(subjects: Sequence[Subject]) -> list[Subject]:
    """Call a run of a study as its arm, where the arm has no other seed."""
    arms = [subject.arm for subject in subjects]
    return [
        replace(subject, name=subject.arm) if arms.count(subject.arm) == 1 else subject
        for subject in subjects
    ]


def require_different_names(subjects: Sequence[Subject]) -> None:
    """Make sure that rows of a table can be told apart.

    Raises
    ------
    UserError
        When two subjects have one name.
    """
    names = [subject.name for subject in subjects]
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"two models are called '{name}'; give folders of different names, or evaluate "
                "them one at a time"
            )


def require_one_alphabet(subjects: Sequence[Subject]) -> None:
    """Make sure that one text or genome suits all.

    Raises
    ------
    UserError
        When some read bases and others bytes.
    """
    for subject in subjects[1:]:
        first = subjects[0]
        if subject.alphabet != first.alphabet:
            raise UserError(
                f"{first.name} reads {first.alphabet.unit}s and {subject.name} "
                f"{subject.alphabet.unit}s; evaluate them one at a time"
            )

"""Whether the model, the data and the recipe of a run agree with one another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genomenet.errors import UserError, nearest
from genomenet.models.config import ModelConfig

if TYPE_CHECKING:
    from genomenet.training.config import DataConfig, RunConfig, TrainConfig


TRACKERS = ("wandb", "mlflow")
"""What `train.trackers` may name."""


def check_run(config: RunConfig) -> None:
    """Make sure that a run can start.

    Raises
    ------
    UserError
        Naming the field, what is wrong with it and what would be right.
    """
    config.model.check()
    _check_data(config.data, config.model)
    _check_recipe(config.train)
    _check_trackers(config.train)
    _check_stages(config.train, config.model)


def _check_data(data: DataConfig, model: ModelConfig) -> None:
    given = [name for name in ("genome", "text", "mock") if getattr(data, name)]
    if not given:
        raise UserError(
            "data.genome is missing: give a folder made by `genomenet import` or a FASTA "
            "file, or --data.mock for made-up sequence, or data.text for text"
        )
    if len(given) > 1:
        raise UserError(
            f"data.{given[0]} and data.{given[1]} are both given; leave one of them out"
        )
    alphabet = "bytes" if data.text else "dna"
    if alphabet != model.alphabet:
        raise UserError(
            f"data.{given[0]} is {'text' if data.text else 'DNA'}, but model.alphabet is "
            f"{model.alphabet}; set model.alphabet to {alphabet}"
        )
    if data.text:
        _check_text(data)
    if data.region_weights and not data.regions:
        raise UserError(
            "data.region_weights needs the class of every base: name the folder that "
            "`genomenet annotate` made as data.regions"
        )
    if data.split.policy == "caduceus" and data.split.by != "bed":
        raise UserError(
            f"data.split.policy caduceus extends published intervals, but data.split.by is "
            f"{data.split.by}; set it to bed and name their file as data.split.bed"
        )
    if data.split.policy == "caduceus" and (
        data.pack_contigs or data.species_weights or data.species_exponent != 1
    ):
        raise UserError(
            "data.split.policy caduceus takes the windows as they were published: leave out "
            "data.pack_contigs, data.species_weights and data.species_exponent"
        )
    if not 0 <= data.species_exponent <= 1:
        raise UserError(f"data.species_exponent is {data.species_exponent:g}; give 0 to 1")
    if data.max_length < 2:
        raise UserError(f"data.max_length is {data.max_length}; a window needs 2 bases or more")
    if not 0 <= data.soft_mask_weight <= 1:
        raise UserError(f"data.soft_mask_weight is {data.soft_mask_weight:g}; give 0 to 1")
    if not data.track and "track" in map(model.chunker_of, range(model.networks().stages)):
        raise UserError(
            "model.chunker track reads a score for every base, but data.track is missing: name "
            "a bigWig or bedGraph file"
        )


def _check_text(data: DataConfig) -> None:
    if data.rc_aug:
        raise UserError("data.rc_aug shows the other strand, which text has not; leave it out")
    if data.soft_mask_weight != 1:
        raise UserError("data.soft_mask_weight is for soft-masked bases, of which text has none")
    for name in ("track", "aliases", "regions"):
        if getattr(data, name):
            raise UserError(f"data.{name} is for a genome; leave it out with data.text")


def _check_recipe(train: TrainConfig) -> None:
    for name, smallest in (
        ("seed", 0),
        ("max_steps", 1),
        ("global_batch_size", 1),
        ("micro_batch_size", 0),
        ("valid_every", 0),
        ("valid_windows", 0),
        ("checkpoint_every", 0),
        ("keep_every", 0),
        ("devices", 1),
        ("nodes", 1),
        ("threads", 0),
        ("workers", 0),
    ):
        if getattr(train, name) < smallest:
            raise UserError(f"train.{name} is {getattr(train, name)}; give {smallest} or more")
    for name in ("lr", "beta1", "beta2"):
        if not 0 < getattr(train, name) < (math.inf if name == "lr" else 1):
            raise UserError(
                f"train.{name} is {getattr(train, name):g}; it must be above 0"
                + ("" if name == "lr" else " and below 1")
            )
    for name in ("weight_decay", "gradient_clip", "balance_weight"):
        if not getattr(train, name) >= 0:
            raise UserError(f"train.{name} is {getattr(train, name):g}; give 0 or more")
    if train.micro_batch_size and train.global_batch_size % train.micro_batch_size:
        raise UserError(
            f"train.micro_batch_size {train.micro_batch_size} does not divide "
            f"train.global_batch_size {train.global_batch_size}"
        )
    if train.keep_every and train.schedule != "wsd":
        raise UserError(
            "train.keep_every keeps checkpoints of a stable phase, which train.schedule "
            f"{train.schedule} has not; leave it out, or set train.schedule to wsd"
        )
    for name in ("global_batch_size", "micro_batch_size"):
        if getattr(train, name) % train.world_size:
            raise UserError(
                f"train.{name} {getattr(train, name)} can't be shared evenly by "
                f"{train.world_size} devices (train.devices times train.nodes); give a multiple"
            )
    if train.async_checkpoints and train.strategy == "fsdp":
        raise UserError(
            "train.async_checkpoints writes from one process, but under train.strategy fsdp all "
            "of them write; leave it false"
        )
    if min(train.warmup_fraction, train.decay_fraction) < 0 or (
        train.warmup_fraction + train.decay_fraction > 1
    ):
        raise UserError(
            f"train.warmup_fraction {train.warmup_fraction:g} and train.decay_fraction "
            f"{train.decay_fraction:g} must be 0 or more and at most 1 together"
        )


def _check_trackers(train: TrainConfig) -> None:
    for name in train.trackers:
        if name not in TRACKERS:
            raise UserError(
                f"train.trackers has '{name}'"
                + (nearest(name, TRACKERS) or f"; choose of {', '.join(TRACKERS)}")
            )
    if len(set(train.trackers)) < len(train.trackers):
        raise UserError("train.trackers names one of them twice; name each once")
    if train.trackers and not train.tracking_project:
        raise UserError("train.tracking_project is empty; name a project, or leave it out")


def _check_stages(train: TrainConfig, model: ModelConfig) -> None:
    stages = model.networks().stages
    if train.lr_multipliers and len(train.lr_multipliers) != stages + 1:
        raise UserError(
            f"train.lr_multipliers has {len(train.lr_multipliers)} values, but layout "
            f"'{model.layout}' has {stages + 1} stage(s)"
        )
    weights = train.ratio_weight
    if isinstance(weights, list) and len(weights) not in {1, stages}:
        raise UserError(
            f"train.ratio_weight has {len(weights)} values, but layout "
            f"'{model.layout}' has {stages} chunking stage(s)"
        )

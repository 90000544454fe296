"""What a training run is: data, model and recipe, readable without torch."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from genomenet.models.config import ModelConfig
from genomenet.training.check import check_run
from genomenet.training.split_config import SplitConfig


@dataclass(frozen=True)
class DataConfig:
    """Where the bases come from and how windows are cut.

    Attributes
    ----------
    genome
        Folder made by `genomenet import` or `genomenet corpus build`, or a FASTA file read in
        place.
    text
        Text file, or a folder of them, for a model of bytes; instead of a genome.
    mock
        Train on made-up sequence, without any file.
    track
        Score of every base for a chunker that reads scores: bigWig or bedGraph file.
    aliases
        Table of other names of the contigs (UCSC's chromAlias.txt, NCBI's assembly report), for
        BED files, contig lists and tracks that call them otherwise.
    regions
        Folder made by `genomenet annotate`: the class of every base.
    region_weights
        How often windows of a class are drawn, as in {coding_1: 4, intergenic: 0.5}; 1 for
        classes that are not named, by the mean over a window's bases.
    species_weights
        How often the species of a corpus are drawn, over their natural share; 1 for species
        that are not named here nor weighted in the corpus.
    species_exponent
        The natural share of a species of a corpus is its number of bases to this power: 1 for
        every base alike, 0 for every species alike.
    pack_contigs
        Put contigs shorter than a window together, N between them, instead of leaving them out.
    max_length
        Window length in bases.
    rc_aug
        Show each training window as its reverse complement half of the time.
    soft_mask_weight
        Weight of soft-masked (repeat) bases in the training loss; held-out scores never
        weigh them.
    split
        The split of the genome.
    """

    genome: str = ""
    text: str = ""
    mock: bool = False
    track: str = ""
    aliases: str = ""
    regions: str = ""
    region_weights: dict[str, float] = field(default_factory=dict)
    species_weights: dict[str, float] = field(default_factory=dict)
    species_exponent: float = 1.0
    pack_contigs: bool = False
    max_length: int = 1024
    rc_aug: bool = False
    soft_mask_weight: float = 1.0
    split: SplitConfig = field(default_factory=SplitConfig)

    @property
    def unit(self) -> str:
        """What one position of a window holds."""
        return "byte" if self.text else "base"

    def with_absolute_paths(self) -> "DataConfig":
        """The same data, to be found from any working directory."""
        split = self.split
        if split.bed:
            split = replace(split, bed=str(Path(split.bed).absolute()))
        paths: dict[str, Any] = {
            name: str(Path(getattr(self, name)).absolute())
            for name in ("genome", "text", "track", "aliases", "regions")
            if getattr(self, name)
        }
        return replace(self, split=split, **paths)


@dataclass(frozen=True)
class TrainConfig:
    """The recipe.

    Attributes
    ----------
    seed
        Fixes initial weights and the order of the windows.
    max_steps
        Optimiser steps.
    global_batch_size
        Windows per optimiser step.
    micro_batch_size
        Windows per forward pass of all devices together; 0 chooses a size for the device.
        Gradients accumulate over the micro-batches of a step. The ratio loss looks at one
        micro-batch at a time, so this, not the number of devices, is part of the result.
    lr
        Peak learning rate of the modules at base resolution.
    lr_multipliers
        Learning rate of each stage over `lr`; empty uses the H-Net formula relative to
        stage 0.
    ratio_weight
        Weight of the ratio loss, one for all chunking stages or one each.
    balance_weight
        Weight of the load-balancing loss of each mixture of experts.
    weight_decay
        AdamW's decay; norms, biases, embeddings and state-space parameters have none.
    beta1
        AdamW's first moment.
    beta2
        AdamW's second moment.
    gradient_clip
        Largest norm of the gradient; 0 never clips.
    schedule
        "wsd": linear warm-up, constant, then 1 - sqrt decay to zero; "cosine": linear
        warm-up, then a half cosine to a tenth.
    warmup_fraction
        Share of the steps spent warming up.
    decay_fraction
        Share of the steps spent decaying (wsd).
    precision
        "float32", or "bfloat16" autocast with float32 weights, scans, routing and losses.
    matmul_precision
        torch's precision of float32 matrix products; "medium" lets them use bfloat16 inside.
    valid_every
        Steps between validations; 0 is a twentieth of the run.
    valid_windows
        Validation windows scored each time, spread evenly; 0 is all.
    checkpoint_every
        Steps between checkpoints to resume from; 0 follows valid_every.
    keep_every
        Steps between checkpoints of the stable phase (wsd) that stay for good, so that
        `genomenet branch` can start from them; 0 keeps the one before the decay alone.
    async_checkpoints
        Write checkpoints in a thread while training goes on, from a copy of the tensors (ddp).
    accelerator
        "auto" takes a GPU when there is one.
    devices
        GPUs, or processes on a CPU, that share every micro-batch on a machine.
    nodes
        Machines.
    strategy
        "ddp": every device holds the whole model; "fsdp": weights, gradients and the optimiser's
        state are sharded over all devices (FSDP2). One device needs neither.
    activation_checkpointing
        Work activations within layers out anew in the backward pass instead of keeping them:
        less memory, about a third more computation.
    compile
        Compile MLPs with torch.compile: the first steps take much longer.
    static_shapes
        Give every row room for as many chunks as the model's limits on boundaries let it have, so
        that no shape depends on the data and no forward pass waits for the device. Needs
        model.max_boundary_share below 1 and model.boundary_at_n false. Results stay, the main
        network works on the padding as well.
    threads
        CPU threads; 0 leaves torch's choice.
    workers
        Threads that read windows ahead; 0 reads in between, which a memory map affords.
    trackers
        "wandb" and "mlflow": where metrics go beside the tables and TensorBoard. Their own
        environment variables say where and how: WANDB_MODE, MLFLOW_TRACKING_URI.
    tracking_project
        Project (W&B) or experiment (MLflow).
    tracking_name
        What the trackers call the run; empty is the name of its folder.
    """

    seed: int = 0
    max_steps: int = 1000
    global_batch_size: int = 8
    micro_batch_size: int = 0
    lr: float = 3e-3
    lr_multipliers: list[float] = field(default_factory=list)
    ratio_weight: float | list[float] = 0.03
    balance_weight: float = 0.01
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    gradient_clip: float = 1.0
    schedule: Literal["wsd", "cosine"] = "wsd"
    warmup_fraction: float = 0.1
    decay_fraction: float = 0.2
    precision: Literal["float32", "bfloat16"] = "float32"
    matmul_precision: Literal["highest", "high", "medium"] = "highest"
    valid_every: int = 0
    valid_windows: int = 64
    checkpoint_every: int = 0
    keep_every: int = 0
    async_checkpoints: bool = False
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: Literal["ddp", "fsdp"] = "ddp"
    activation_checkpointing: bool = False
    compile: bool = False
    static_shapes: bool = False
    threads: int = 0
    workers: int = 0
    trackers: list[str] = field(default_factory=list)
    tracking_project: str = "genomenet"
    tracking_name: str = ""

    @property
    def world_size(self) -> int:
        """Processes that train together."""
        return self.devices * self.nodes

    @property
    def warmup_steps(self) -> int:
        """Steps of warm-up."""
        return round(self.max_steps * self.warmup_fraction)

    @property
    def decay_start(self) -> int:
        """First step of the decay, which under "cosine" begins with the end of the warm-up."""
        if self.schedule == "cosine":
            return self.warmup_steps
        return self.max_steps - round(self.max_steps * self.decay_fraction)

    @property
    def decays_from_stable(self) -> bool:
        """Whether a decay follows a stable phase, so that there are weights from before it."""
        return self.schedule == "wsd" and self.warmup_steps < self.decay_start < self.max_steps

    @property
    def steps_between_validations(self) -> int:
        """Steps from one validation to the next."""
        return self.valid_every or max(1, self.max_steps // 20)

    @property
    def steps_between_checkpoints(self) -> int:
        """Steps from one checkpoint to the next."""
        return self.checkpoint_every or self.steps_between_validations

    def phase(self, step: int) -> Literal["warmup", "stable", "decay"]:
        """The part of the schedule that `step` steps lead into: warmup, stable or decay."""
        if step < self.warmup_steps:
            return "warmup"
        return "stable" if self.schedule == "wsd" and step <= self.decay_start else "decay"


@dataclass(frozen=True)
class RunConfig:
    """A training run.

    Attributes
    ----------
    model
        The architecture.
    data
        The bases.
    train
        The recipe.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def check(self) -> "RunConfig":
        """Return self after making sure that the fields agree.

        Raises
        ------
        UserError
            Naming the field, what is wrong with it and what would be right.
        """
        check_run(self)
        return self

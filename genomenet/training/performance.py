"""What training gets out of the machine: bases, FLOPs and memory, beside what there is."""

import resource
import sys
import time

import lightning as L
import torch

from genomenet.models.flops import flops_per_base
from genomenet.ops.linear import linear
from genomenet.training.config import RunConfig
from genomenet.training.module import GenomeModule

ROUNDS = 4


def matmul_flops_per_second(device: torch.device, dtype: torch.dtype) -> float:
    """FLOPs per second of a product of square matrices: what no model will reach.

    Parameters
    ----------
    device : torch.device
        Where; the threads are torch's.
    dtype : torch.dtype
        Of the matrices.

    Returns
    -------
    float
        Of the best of a few rounds; they take about a tenth of a second.
    """
    width = 4096 if device.type == "cuda" else 768
    matrix = torch.ones(width, width, device=device, dtype=dtype)
    seconds = []
    for _ in range(ROUNDS):
        _wait_for(device)
        begin = time.perf_counter()
        linear(matrix, matrix)
        _wait_for(device)
        seconds.append(time.perf_counter() - begin)
    return 2 * width**3 / min(seconds)


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory held so far: of the device if it is a GPU, or by this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Performance(L.Callback):
    """Log what training gets out of the machine; validation stops the clock.

    - `perf/bases_per_second`: training bases of all devices.
    - `perf/flops_per_second`: FLOPs that the model takes for them, forward and backward, at the
      chunk rate that the step achieved. Work that is done over again isn't counted.
    - `perf/model_flops_utilisation`: these over what the devices reach in a product of large
      matrices.
    - `perf/peak_memory_bytes`: the most that the first process held, of its GPU's memory or else
      of the machine's.

    Parameters
    ----------
    config : RunConfig
        The run.
    """

    def __init__(self, config: RunConfig):
        self.config = config
        self.bases_per_step = config.train.global_batch_size * config.data.max_length
        self.seconds = 0.0
        self.steps = 0
        self._since = (0.0, 0)  # seconds and steps at the last log
        self._clock: float | None = None  # None while it stands
        self._reachable: float | None = None

    @property
    def bases_per_second(self) -> float:
        """Mean over the whole run, resumed parts included."""
        return self.steps * self.bases_per_step / self.seconds if self.seconds else 0.0

    def state_dict(self) -> dict:
        """The clock, kept in checkpoints."""
        return {"seconds": self.seconds, "steps": self.steps}

    def load_state_dict(self, state_dict: dict) -> None:
        """Continue from a checkpoint's clock."""
        self.seconds, self.steps = state_dict["seconds"], state_dict["steps"]
        self._since = (self.seconds, self.steps)

    def on_train_start(self, trainer, pl_module) -> None:
        """Start the clock."""
        self._start()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Count a finished step, and log at the trainer's pace."""
        if trainer.global_step == self.steps:
            return
        self._stop()
        self._start()
        self.steps = trainer.global_step
        if self.steps % trainer.log_every_n_steps == 0:
            seconds, steps = self.seconds - self._since[0], self.steps - self._since[1]
            self._log(pl_module, steps * self.bases_per_step / seconds)
            self._since = (self.seconds, self.steps)

    def on_validation_start(self, trainer, pl_module) -> None:
        """Stop the clock."""
        self._stop()

    def on_validation_end(self, trainer, pl_module) -> None:
        """Go on, unless training is over."""
        if trainer.training:
            self._start()

    def on_train_end(self, trainer, pl_module) -> None:
        """Stop the clock for good."""
        self._stop()

    def _start(self) -> None:
        self._clock = time.perf_counter()

    def _stop(self) -> None:
        if self._clock is not None:
            self.seconds += time.perf_counter() - self._clock
            self._clock = None

    def _log(self, module: GenomeModule, bases_per_second: float) -> None:
        config = self.config
        flops = flops_per_base(config.model, config.data.max_length, module.rates).training
        if self._reachable is None:
            half = config.train.precision == "bfloat16"
            dtype = torch.bfloat16 if half else torch.float32
            self._reachable = matmul_flops_per_second(module.device, dtype)
        reachable = self._reachable * config.train.world_size
        module.log("perf/bases_per_second", bases_per_second)
        module.log("perf/flops_per_second", bases_per_second * flops)
        module.log("perf/model_flops_utilisation", bases_per_second * flops / reachable)
        module.log("perf/peak_memory_bytes", float(peak_memory_bytes(module.device)))

"""What happens around the training loop: throughput, checkpoints, the progress bar."""

import math
import time
from pathlib import Path
from typing import ClassVar

import lightning as L
from tqdm import tqdm

from genomenet.training.config import TrainConfig

LAST, BEST, BEFORE_DECAY = "last.ckpt", "best.ckpt", "before_decay.ckpt"


class Throughput(L.Callback):
    """Log bases per second of training; validation stops the clock.

    Parameters
    ----------
    bases_per_step : int
        Bases of one optimiser step.
    """

    def __init__(self, bases_per_step: int):
        self.bases_per_step = bases_per_step
        self.seconds = 0.0
        self.steps = 0
        self._since = (0.0, 0)  # seconds and steps at the last log
        self._clock: float | None = None  # None while it stands

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
            pl_module.log("perf/bases_per_second", steps * self.bases_per_step / seconds)
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


class Checkpoints(L.Callback):
    """Keep three checkpoints: the last, the best by validation, and the one before the decay.

    Parameters
    ----------
    folder : Path
        Where they go.
    config : TrainConfig
        When they are due.
    """

    def __init__(self, folder: Path, config: TrainConfig):
        self.folder = folder
        self.config = config
        self.best_loss = math.inf

    def state_dict(self) -> dict:
        """The best validation loss so far, kept in checkpoints."""
        return {"best_loss": self.best_loss}

    def load_state_dict(self, state_dict: dict) -> None:
        """Continue from a checkpoint's best."""
        self.best_loss = state_dict["best_loss"]

    @property
    def last(self) -> Path | None:
        """The checkpoint to resume from, if there is one."""
        path = self.folder / LAST
        return path if path.exists() else None

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Save what is due after an optimiser step; a validation due now comes first."""
        step = trainer.global_step
        if trainer.fit_loop.epoch_loop._should_accumulate():
            return
        if step == self.config.decay_start and self.config.decays_from_stable:
            trainer.save_checkpoint(self.folder / BEFORE_DECAY)
        validates = step % self.config.steps_between_validations == 0
        if self._due(step) and not validates:
            trainer.save_checkpoint(self.folder / LAST)

    def on_validation_end(self, trainer, pl_module) -> None:
        """Save the best, and the last when it is due."""
        loss = float(trainer.callback_metrics["val/loss"])
        if loss < self.best_loss:
            self.best_loss = loss
            trainer.save_checkpoint(self.folder / BEST, weights_only=True)
        if self._due(trainer.global_step):
            trainer.save_checkpoint(self.folder / LAST)

    def _due(self, step: int) -> bool:
        return step % self.config.steps_between_checkpoints == 0 or step == self.config.max_steps


class Progress(L.Callback):
    """One bar over optimiser steps with loss, bits per base, bases per second and per chunk."""

    SHOWN: ClassVar[dict[str, str]] = {
        "train/loss": "loss",
        "train/bits_per_base": "bits/base",
        "perf/bases_per_second": "bases/s",
        "chunk/bases_per_chunk/stage0": "bases/chunk",
        "val/perplexity": "valid ppl",
    }

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def on_train_start(self, trainer, pl_module) -> None:
        """Draw the bar from where the run stands."""
        self._bar = tqdm(
            total=trainer.max_steps,
            initial=trainer.global_step,
            unit="step",
            dynamic_ncols=True,
            mininterval=0.5,
        )

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        """Move on with every step."""
        assert self._bar is not None
        self._bar.update(trainer.global_step - self._bar.n)
        if trainer.global_step % trainer.log_every_n_steps == 0:
            self._show(trainer)

    def on_validation_end(self, trainer, pl_module) -> None:
        """Show the new perplexity."""
        self._show(trainer)

    def teardown(self, trainer, pl_module, stage: str) -> None:
        """Leave the finished bar on the screen."""
        if self._bar is not None:
            self._bar.close()

    def _show(self, trainer) -> None:
        if self._bar is None:  # resumed with nothing left to do but the last validation
            return
        newest = trainer.logged_metrics
        shown = {
            short: f"{float(newest[name]):.4g}"
            for name, short in self.SHOWN.items()
            if name in newest
        }
        self._bar.set_postfix(shown, refresh=False)

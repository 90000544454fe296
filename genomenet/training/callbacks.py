"""What happens around the training loop: checkpoints, and the progress bar."""

import math
from pathlib import Path
from typing import ClassVar

import lightning as L
from lightning.pytorch.trainer.states import TrainerFn
from tqdm import tqdm

from genomenet.training.checkpoint_folder import BEFORE_DECAY, BEST, LAST, kept_checkpoint
from genomenet.training.config import TrainConfig
from genomenet.training.events import EventLogger
from genomenet.training.signals import StopSignals
from genomenet.training.tables import TableLogger


class Checkpoints(L.Callback):
    """Keep the last checkpoint, the best by validation, the one before the decay, and some more.

    Where a scheduler has asked for an end, save and stop, though no checkpoint be due.

    Parameters
    ----------
    folder : Path
        Where they go.
    config : TrainConfig
        When they are due.
    signals : StopSignals
        Whether to stop.
    """

    def __init__(self, folder: Path, config: TrainConfig, signals: StopSignals):
        self.folder = folder
        self.config = config
        self.signals = signals
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
        """Save what is due after an optimiser step, unless a validation due now comes first.

        Raises
        ------
        Stopped
            When a signal asked for it and the step is saved.
        """
        if trainer.fit_loop.epoch_loop._should_accumulate():
            return
        if trainer.global_step % self.config.steps_between_validations:
            self._save_due(trainer)

    def on_validation_end(self, trainer, pl_module) -> None:
        """Save the best, and what else is due.

        Raises
        ------
        Stopped
            When a signal asked for it and the step is saved.
        """
        loss = float(trainer.callback_metrics["val/loss"])
        if loss < self.best_loss:
            self.best_loss = loss
            trainer.save_checkpoint(self.folder / BEST, weights_only=True)
        if trainer.state.fn == TrainerFn.FITTING:  # a validation of its own follows the last step
            self._save_due(trainer)

    def _save_due(self, trainer) -> None:
        step, config = trainer.global_step, self.config
        at_end = step == config.max_steps
        # The end is as near as a stop could be.
        stops = self.signals.agreed(trainer) and not at_end
        decays = step == config.decay_start and config.decays_from_stable
        kept = config.keep_every and step % config.keep_every == 0
        kept = kept and config.phase(step) == "stable" and not decays
        due = step % config.steps_between_checkpoints == 0 or at_end or stops
        if trainer.training and (decays or kept or due):
            _write_metrics(trainer)
        if decays:
            trainer.save_checkpoint(self.folder / BEFORE_DECAY)
        if kept:
            trainer.save_checkpoint(self.folder / kept_checkpoint(step))
        if due:
            trainer.save_checkpoint(self.folder / LAST)
        if stops:
            raise self.signals.stopped(trainer, "that step is saved")


def _write_metrics(trainer) -> None:
    """Write the step's metrics to the run's own tables, before they would be.

    Lightning does so after the callbacks. A process killed in between would go on from the
    checkpoint without them. Tables take a step twice; what else listens hears of it once.
    """
    listening = trainer.loggers
    trainer.loggers = [one for one in listening if isinstance(one, TableLogger | EventLogger)]
    trainer._logger_connector.update_train_step_metrics()
    trainer.loggers = listening


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

    def on_exception(self, trainer, pl_module, exception) -> None:
        """Leave the bar, and the line below it to what is said of the exception."""
        self.teardown(trainer, pl_module, "fit")

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

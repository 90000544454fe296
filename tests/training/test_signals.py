"""Schedulers' signals: whenever one comes, the run saves, says so, and goes on bit for bit."""

import os
import signal
import threading

import pytest
import torch
from torch import distributed

from genomenet.cli.main import main
from genomenet.errors import Stopped
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.module import GenomeModule
from genomenet.training.run import resume, train
from genomenet.training.signals import SIGNALS, StopAtOnce, StopSignals
from tests.training.kills import differences

STEPS = 8


def signal_when(monkeypatch, method: str, when, number=signal.SIGTERM) -> None:
    """Send this process a signal at the beginning of a module's method."""
    original = getattr(GenomeModule, method)
    sent = []

    def sending(self, *arguments, **named):
        if not sent and when(self):
            sent.append(number)
            os.kill(os.getpid(), number)
        return original(self, *arguments, **named)

    monkeypatch.setattr(GenomeModule, method, sending)


@pytest.fixture(scope="module")
def whole(request, tmp_path_factory):
    """Undisturbed runs, by micro-batch size."""
    made = {}

    def run(config):
        size = config.train.micro_batch_size
        if size not in made:
            made[size] = tmp_path_factory.mktemp("whole") / "run"
            train(config, made[size], "", progress=False)
        return made[size]

    return run


@pytest.fixture
def config(make_config):
    return make_config(max_steps=STEPS, checkpoint_every=5)


@pytest.mark.parametrize(
    ("number", "method", "step", "stopped_at"),
    [
        (signal.SIGTERM, "on_train_batch_start", 0, 1),  # within the first step
        (signal.SIGUSR1, "training_step", 1, 2),  # where nothing else is due
        (signal.SIGTERM, "validation_step", 3, 3),  # the validation is finished first
        (signal.SIGUSR1, "training_step", 4, 5),  # where a checkpoint is due
        (signal.SIGTERM, "training_step", 5, 6),  # where a validation and the decay are due
    ],
)
def test_a_signal_saves_and_the_run_goes_on_bit_for_bit(
    config, whole, tmp_path, monkeypatch, number, method, step, stopped_at
):
    handlers = [signal.getsignal(one) for one in SIGNALS]
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        signal_when(patch, method, lambda module: module.global_step == step, number)
        with pytest.raises(Stopped) as stop:
            train(config, run, "", progress=False)
    assert str(stop.value) == (
        f"stopped by {number.name} at step {stopped_at}; that step is saved, and "
        f"`genomenet resume {run}` goes on from there"
    )
    assert [signal.getsignal(one) for one in SIGNALS] == handlers
    assert load_checkpoint(run / "checkpoints/last.ckpt")["global_step"] == stopped_at
    assert not (run / "summary.json").exists()
    resume(run, progress=False)
    assert differences(whole(config), run) == []


@pytest.mark.parametrize("background", [False, True])
def test_steps_end_with_their_last_micro_batch(
    make_config, whole, tmp_path, monkeypatch, background
):
    config = make_config(
        max_steps=STEPS, checkpoint_every=5, micro_batch_size=1, async_checkpoints=background
    )
    with monkeypatch.context() as patch:
        signal_when(patch, "training_step", lambda module: module.global_step == 3)
        with pytest.raises(Stopped, match="at step 4"):
            train(config, tmp_path / "run", "", progress=False)
    assert load_checkpoint(tmp_path / "run/checkpoints/last.ckpt")["global_step"] == 4
    resume(tmp_path / "run", progress=False)
    assert differences(whole(config), tmp_path / "run") == []


def test_before_the_first_step_there_is_nothing_to_save(config, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        signal_when(patch, "configure_optimizers", lambda module: True)
        with pytest.raises(Stopped, match="at step 0; no step was made since"):
            train(config, tmp_path / "run", "", progress=False)
    assert not (tmp_path / "run/checkpoints").exists()
    with monkeypatch.context() as patch:  # nor after one that has been saved
        signal_when(patch, "training_step", lambda module: module.global_step == 1)
        with pytest.raises(Stopped, match="at step 2"):
            resume(tmp_path / "run", progress=False)
    before = (tmp_path / "run/checkpoints/last.ckpt").read_bytes()
    with monkeypatch.context() as patch:
        signal_when(patch, "configure_optimizers", lambda module: True)
        with pytest.raises(Stopped, match="at step 2; no step was made since"):
            resume(tmp_path / "run", progress=False)
    assert (tmp_path / "run/checkpoints/last.ckpt").read_bytes() == before
    resume(tmp_path / "run", progress=False)
    assert differences(whole(config), tmp_path / "run") == []


@pytest.mark.parametrize("method", ["training_step", "validation_step"])
def test_after_the_last_step_the_run_is_finished(config, whole, tmp_path, monkeypatch, method):
    last = STEPS - (method == "training_step")
    with monkeypatch.context() as patch:
        signal_when(patch, method, lambda module: module.trainer.global_step == last)
        assert train(config, tmp_path / "run", "", progress=False).step == STEPS
    assert differences(whole(config), tmp_path / "run") == []


def test_the_command_exits_with_75(tmp_path, monkeypatch, capsys):
    small = ["--data.mock", "--model.layout", "T1", "--model.d_model", "16", "--model.head_dim",
             "8", "--data.max_length", "128", "--train.max_steps", "4", "--train.threads", "1",
             "--train.valid_windows", "2", "--train.accelerator", "cpu"]  # fmt: skip
    run = str(tmp_path / "run")
    with monkeypatch.context() as patch:
        signal_when(patch, "training_step", lambda module: module.global_step == 1)
        assert main(["train", *small, "--quiet", "--out", run]) == 75
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"genomenet: stopped by SIGTERM at step 2; that step is saved, and `genomenet resume {run}`"
        " goes on from there"
    ]
    with monkeypatch.context() as patch:
        patch.setattr(
            "genomenet.training.run.GenomeDataModule",
            lambda *arguments: os.kill(os.getpid(), signal.SIGUSR1),
        )
        assert main(["resume", "--quiet", run]) == 75
    assert capsys.readouterr().err == (
        "genomenet: stopped by SIGUSR1; nothing is lost: run the same command again\n"
    )
    assert main(["resume", "--quiet", run]) == 0


@pytest.fixture
def heard_ctrl_c():
    """A shell that starts the tests in the background has them ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_ctrl_c")
def test_ctrl_c_is_what_it_was(config, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        signal_when(patch, "training_step", lambda module: module.global_step == 1, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt, match="stopped at step 1; go on from the last"):
            train(config, tmp_path / "run", "", progress=False)


class OtherRank:
    """A group of two, of which the other has or has not been sent a signal."""

    def __init__(self, monkeypatch, asked: int):
        self.asked = asked
        self.calls = 0
        monkeypatch.setattr(distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
        monkeypatch.setattr(distributed, "all_reduce", self.all_reduce)

    def all_reduce(self, flag, op):
        assert op == distributed.ReduceOp.MAX
        self.calls += 1
        flag.clamp_(min=self.asked)


class Trainer:
    global_step = 7
    default_root_dir = "run"

    class strategy:
        root_device = torch.device("cpu")


@pytest.mark.parametrize("other", [0, 1])
def test_a_signal_to_one_rank_stops_all(monkeypatch, other):
    group = OtherRank(monkeypatch, other)
    with StopSignals() as signals:
        assert signals.agreed(Trainer) == bool(other)
        assert "stopped by a signal to another process at step 7" in str(
            signals.stopped(Trainer, "")
        )
        os.kill(os.getpid(), signal.SIGUSR1)
        assert signals.agreed(Trainer)
    assert group.calls == 2, "all ranks ask together, whether or not they were sent a signal"


def test_only_the_first_signal_is_remembered():
    with StopSignals() as signals:
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGTERM):
            os.kill(os.getpid(), number)
    assert signals.received == signal.SIGUSR1


def test_threads_leave_handlers_alone():
    found = []

    def work():
        with StopSignals(), StopAtOnce(""):
            found.extend(signal.getsignal(one) for one in SIGNALS)

    before = [signal.getsignal(one) for one in SIGNALS]
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == before


def be_stopped_twice():
    with StopAtOnce("come again"):
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # does not cut the clearing up short


def test_what_has_nothing_to_save_stops_at_once():
    before = [signal.getsignal(one) for one in SIGNALS]
    with pytest.raises(Stopped, match=r"stopped by SIGUSR1; come again"):
        be_stopped_twice()
    assert [signal.getsignal(one) for one in SIGNALS] == before

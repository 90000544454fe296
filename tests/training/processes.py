"""Commands of genomenet in processes of their own, which start at once and may be killed."""

import contextlib
import io
import multiprocessing
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


def context() -> ForkServerContext:
    """Processes that have imported what training needs already: a start takes no seconds."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["genomenet.training.requeue"])
    return made


def start(words: Sequence[str]) -> ForkServerProcess:
    """Begin a command whose words are to nobody's interest."""
    process = context().Process(target=_run, args=(words, None, None))
    process.start()
    return process


def run(words: Sequence[str], before: Callable[[], object] | None = None) -> Done:
    """Run a command to its end.

    Parameters
    ----------
    words : sequence of str
        What follows `genomenet`.
    before : callable, optional
        A function of a module to call first, in the process.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    process = context().Process(target=_run, args=(words, there, before))
    process.start()
    there.close()
    out, err = here.recv()
    process.join()
    assert process.exitcode is not None
    return Done(process.exitcode, out, err)


def _run(
    words: Sequence[str], tell: Connection | None, before: Callable[[], object] | None
) -> None:
    from genomenet.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        if before is not None:
            before()
        code = main(words)
    if tell is not None:
        tell.send((out.getvalue(), err.getvalue()))
    os._exit(code)

"""Fetch files in parallel; each resumes after a break and lands verified or not at all."""

import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genomenet import __version__
from genomenet.errors import UserError
from genomenet.recipes.offline import check_offline, copy_in, offline_source
from genomenet.recipes.partial import Partial, claim
from genomenet.recipes.remote import Digests, Fetched, RemoteFile, digest_file, mismatch
from genomenet.recipes.transfer import Break, transfer

Progress = Callable[[RemoteFile, int, int | None], None]

# A break after this much new data counts as the first again: long files may break often.
HEADWAY_BYTES = 1 << 20
LONGEST_WAIT_S = 600
LONGEST_OWN_WAIT_S = 60
POLL_S = 0.2


class _Stopped(Exception):
    """Another thread asked this one to end."""


@dataclass
class _Run:
    """What the threads of one download share."""

    retries: int
    timeout_s: float
    progress: Progress | None
    offline_dir: Path | None
    pause: Callable[[float], object] | None
    stop: threading.Event = field(default_factory=threading.Event)
    talking: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        if self.stop.is_set():
            raise _Stopped

    def report(self, file: RemoteFile, have: int, total: int | None) -> None:
        self.check()
        if self.progress:
            with self.talking:
                self.progress(file, have, total)

    def wait(self, seconds: float) -> None:
        (self.pause or self.stop.wait)(seconds)
        self.check()


def download(
    files: Sequence[RemoteFile],
    parallel: int = 4,
    retries: int = 5,
    timeout_s: float = 30,
    progress: Progress | None = None,
    offline_dir: Path | None = None,
    pause: Callable[[float], object] | None = None,
) -> list[Fetched]:
    """Fetch files; each ends whole and verified at its path, or there is an error.

    What has arrived of an unfinished file stays beside it as `.NAME.part`; the next call goes on
    from there if the server still has the same version. A whole file that is in place is only
    verified. If some files fail, the others are finished before the error is raised.

    Parameters
    ----------
    files : sequence of RemoteFile
        What to fetch.
    parallel : int
        Files at a time.
    retries : int
        Tries after the first that may fail in a row, for each file. A try that brought a mebibyte
        of new data begins a new row.
    timeout_s : float
        Longest silence of a server, in seconds, before the try counts as failed.
    progress : callable
        Called as `progress(file, have_bytes, size_bytes)` whenever data has arrived, by one thread
        at a time. `have_bytes` counts from the start of the file, and falls when a file starts
        over; `size_bytes` is None while unknown.
    offline_dir : Path
        Take the files from this folder, by the name of the target or of the URL, and ask no server.
    pause : callable
        Waits so many seconds between tries; by default it does so in earnest.

    Returns
    -------
    list of Fetched
        In the order of `files`.

    Raises
    ------
    UserError
        When a file could not be had, in one sentence with its URL or path.
    """
    if parallel < 1:
        raise UserError(f"{parallel} downloads at a time is too few; give 1 or more")
    _check_targets(files)
    if offline_dir is not None:
        check_offline(files, offline_dir)
    run = _Run(retries, timeout_s, progress, offline_dir, pause)
    fetched: dict[int, Fetched] = {}
    failed: dict[int, UserError] = {}
    crashed: list[BaseException] = []
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(files)):
        todo.put(index)

    def work() -> None:
        while not run.stop.is_set():
            try:
                index = todo.get_nowait()
            except queue.Empty:
                return
            try:
                fetched[index] = _fetch(files[index], run)
            except UserError as error:
                failed[index] = error
            except _Stopped:
                return
            except BaseException as error:
                crashed.append(error)
                run.stop.set()

    # Daemons: after Ctrl-C a thread that waits for a silent server must not hold up the exit. What
    # it leaves is what a killed process leaves, and can be resumed.
    threads = [
        threading.Thread(target=work, name=f"download {n}", daemon=True)
        for n in range(min(parallel, len(files)))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        run.stop.set()
        for thread in threads:
            if thread.is_alive():
                thread.join(POLL_S)
        raise
    if crashed:
        raise crashed[0]
    if failed:
        first, *others = sorted(failed)
        also = ", ".join(files[index].path.name for index in others)
        raise UserError(f"{failed[first]}{f' (also failed: {also})' if also else ''}")
    return [fetched[index] for index in range(len(files))]


def _check_targets(files: Sequence[RemoteFile]) -> None:
    """Raise if two files would land in one place."""
    urls: dict[Path, str] = {}
    for file in files:
        if urls.setdefault(file.path.absolute(), file.url) != file.url:
            raise UserError(
                f"{file.path}: {urls[file.path.absolute()]} and {file.url} would both land there; "
                "give one of them another name"
            )


def _fetched(file: RemoteFile, digests: Digests, downloaded: bool) -> Fetched:
    return Fetched(file.path, file.url, digests.size_bytes, digests.sha256, digests.md5, downloaded)


def _in_place(file: RemoteFile, run: _Run) -> Fetched | None:
    """The file if it is there already; an error if it is there and wrong."""
    if not os.path.lexists(file.path):
        return None
    if not file.path.is_file():
        raise UserError(f"{file.path}: there is something that is no file; move it away")
    size_bytes = file.path.stat().st_size
    try:
        digests = digest_file(
            file.path, bool(file.md5), lambda have: run.report(file, have, size_bytes)
        )
    except OSError as error:
        raise UserError(
            f"{file.path}: cannot be read ({error.strerror}); make it readable"
        ) from None
    if wrong := mismatch(file, digests):
        raise UserError(f"{file.path}: {wrong} of {file.url}; delete the file to download it again")
    return _fetched(file, digests, downloaded=False)


def _fetch(file: RemoteFile, run: _Run) -> Fetched:
    if done := _in_place(file, run):
        return done

    def waiting(have: int) -> None:
        run.report(file, have, file.size_bytes)
        run.stop.wait(POLL_S)

    source = offline_source(file, run.offline_dir) if run.offline_dir else None
    origin = str(source) if source else file.url
    with claim(file.path, origin, bool(file.md5), waiting) as partial:
        # Another process may have finished it while this one waited.
        if done := _in_place(file, run):
            partial.discard()
            return done
        if source:
            copy_in(source, partial, lambda have, total: run.report(file, have, total))
        else:
            _persist(file, partial, run)
        if wrong := mismatch(file, partial.digests):
            partial.discard()
            advice = (
                "put the right file there"
                if source
                else "run again, and if it stays wrong, the file has changed at its source"
            )
            raise UserError(f"{origin}: {wrong}; what arrived was deleted, {advice}")
        partial.finish()
        return _fetched(file, partial.digests, downloaded=source is None)


def _persist(file: RemoteFile, partial: Partial, run: _Run) -> None:
    """Try until the file is whole or too many tries in a row have failed."""
    import requests

    failures = 0
    furthest = partial.size_bytes
    with requests.Session() as session:
        session.headers["User-Agent"] = f"genomenet/{__version__}"
        while True:
            try:
                transfer(
                    session,
                    file,
                    partial,
                    run.timeout_s,
                    lambda have, total: run.report(file, have, total),
                )
                return
            except Break as broken:
                if partial.size_bytes >= furthest + HEADWAY_BYTES:
                    failures, furthest = 0, partial.size_bytes
                failures += 1
                if failures > run.retries:
                    kept = (
                        f"; {partial.size_bytes:,} bytes are kept, run again to go on from there"
                        if partial.size_bytes and partial.lasting
                        else "; try again later"
                    )
                    tries = "1 try" if failures == 1 else f"{failures} tries"
                    raise UserError(
                        f"{file.url}: {broken}, and so gave up after {tries}{kept}"
                    ) from None
                own_wait_s = min(2.0 ** (failures - 1), LONGEST_OWN_WAIT_S)
                run.wait(min(max(own_wait_s, broken.wait_s), LONGEST_WAIT_S))

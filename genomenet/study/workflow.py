"""The door to the Snakemake workflow of a study: finds it, and hands it to Snakemake."""

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from genomenet.errors import UserError, nearest
from genomenet.locks import only_process
from genomenet.study.record import lock_file
from genomenet.study.sweep import among

INSTALL = 'pip install "genomenet[pipelines]"'


def pipeline_folder() -> Path:
    """The folder of the workflow: inside an installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_pipelines"
    return installed if installed.is_dir() else package.parent / "pipelines"


def find_profile(name: str) -> Path:
    """The folder of a profile, given as such or by the name of a shipped one.

    Raises
    ------
    UserError
        When there is neither.
    """
    shipped = {path.parent.name: path.parent for path in _shipped_profiles()}
    if name in shipped:
        return shipped[name]
    if (Path(name) / "config.yaml").is_file():
        return Path(name).absolute()
    raise UserError(
        f"there is no profile '{name}': give a folder with a config.yaml, or a shipped one"
        + (nearest(name, shipped) or among(shipped))
    )


def require_snakemake() -> None:
    """Make sure that Snakemake is there.

    Raises
    ------
    UserError
        With the command that installs it.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise UserError(f"Snakemake is not installed; install it with {INSTALL}")


def snakemake_words(folder: Path, profile: Path, more: Sequence[str]) -> list[str]:
    """The command that runs the workflow of the study in a folder.

    Parameters
    ----------
    folder : Path
        The study's folder, claimed.
    profile : Path
        Of Snakemake.
    more : sequence of str
        Further options of Snakemake.
    """
    return [
        *(sys.executable, "-m", "snakemake"),
        *("--snakefile", str(pipeline_folder() / "Snakefile")),
        *("--directory", str(folder.absolute())),
        *("--profile", str(profile)),
        # A killed Snakemake leaves its lock behind; ours goes with the process that has it.
        "--nolock",
        "--rerun-incomplete",
        *more,
    ]


def run_workflow(folder: Path, words: Sequence[str]) -> int:
    """Run Snakemake for the study in a folder, alone, and wait for it.

    Interrupts reach Snakemake too, which ends its jobs, or leaves those of a cluster.

    Returns
    -------
    int
        Snakemake's exit code.

    Raises
    ------
    UserError
        When another process runs the workflow of this study.
    """
    with only_process(
        lock_file(folder, "workflow"),
        f"another process runs the workflow of {folder}; wait until it has ended",
    ) as lock:
        process = subprocess.Popen(words, pass_fds=[lock.fileno()])
        before = signal.signal(signal.SIGINT, lambda *_: None)
        terminated = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
            signal.signal(signal.SIGTERM, terminated)


def _shipped_profiles() -> list[Path]:
    return sorted((pipeline_folder() / "profiles").glob("*/config.yaml"))

"""A real Slurm of one node on this machine, as root, with everything it writes in one folder."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

COMMANDS = ("sbatch", "srun", "scancel", "scontrol", "squeue", "sinfo", "sacct")
DAEMONS = ("munged", "slurmctld", "slurmd")
PATIENCE_SECONDS = 60

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credential has expired.
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# Neither cgroups nor binding to cores: containers have no say over these.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
KillWait=2
MinJobAge=600
ReturnToService=2
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus} RealMemory={mb}
PartitionName=main Nodes=node Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=5
PartitionName=urgent Nodes=node PriorityTier=10 PreemptMode=OFF
"""


class LocalSlurm:
    """The Slurm, while it runs.

    Parameters
    ----------
    folder : Path
        Where its configuration is; sockets limit the length of the path to about 90 letters.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}

    def run(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def jobs(self, states: str = "all", comment: str = "") -> list[str]:
        """Numbers of jobs in some states, of those whose comment holds a text."""
        rows = self.run("squeue", "--noheader", "--states", states, "--format", "%A|%k").split("\n")
        found = [row.split("|", 1) for row in rows if row]
        return [number for number, text in found if comment in text]

    def node_state(self) -> str:
        """Such as idle, mixed, draining or down."""
        return self.run("sinfo", "--noheader", "--format", "%T", "--partition", "main")


@contextmanager
def local_slurm(folder: Path, cpus: int = 2, mb: int = 8000) -> Iterator[LocalSlurm]:
    """Start a Slurm, and end all of its processes with the block, however that ends."""
    slurm = LocalSlurm(folder)
    _configure(slurm, cpus, mb)
    with ExitStack() as stack:
        # Tests that are told to end clear up too.
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped by SIGTERM"))
        stack.callback(signal.signal, signal.SIGTERM, before)
        munge = folder / "munge"
        _daemon(stack, slurm, "munged", "--foreground", "--force", f"--key-file={munge}/key",
                f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--log-file={munge}/log",
                f"--seed-file={munge}/seed")  # fmt: skip
        _wait(lambda: (munge / "socket").exists(), "munged has no socket")
        _daemon(stack, slurm, "slurmctld", "-D", "-f", slurm.environment["SLURM_CONF"])
        _daemon(stack, slurm, "slurmd", "-D", "-N", "node", "-f", slurm.environment["SLURM_CONF"])
        _wait(lambda: _answers(slurm) and slurm.node_state() == "idle", "no node is idle")
        try:
            yield slurm
        finally:
            for job in slurm.jobs("PENDING,RUNNING,COMPLETING,SUSPENDED"):
                subprocess.run(["scancel", job], env=slurm.environment, check=False)
            _wait(lambda: not slurm.jobs("RUNNING,COMPLETING"), "jobs do not end")
            _end_strays(slurm)


def _configure(slurm: LocalSlurm, cpus: int, mb: int) -> None:
    folder = slurm.folder
    for name in ("state", "spool", "munge", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "munge").chmod(0o755)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    host = socket.gethostname().split(".")[0]
    control_port, node_port = _free_ports(2)
    (folder / "slurm.conf").write_text(
        CONF.format(
            folder=folder,
            host=host,
            cpus=cpus,
            mb=mb,
            control_port=control_port,
            node_port=node_port,
        )
    )
    # Snakemake's job steps drop SLURM_CONF from the environment, but keep PATH.
    for command in COMMANDS:
        shim = folder / "bin" / command
        real = shutil.which(command)
        shim.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {real} "$@"\n')
        shim.chmod(0o755)


def _daemon(stack: ExitStack, slurm: LocalSlurm, *words: str) -> None:
    log = stack.enter_context((slurm.folder / f"{words[0]}.out").open("w"))
    program = shutil.which(words[0]) or f"/usr/sbin/{words[0]}"
    # Whatever becomes of the tests, no daemon outlives them.
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", program, *words[1:]],
        env=slurm.environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    stack.callback(_end, process)


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_strays(slurm: LocalSlurm) -> None:
    """Kill what has slipped away from a job: without cgroups, Slurm loses orphans of orphans."""
    mark = f"SLURM_CONF={slurm.environment['SLURM_CONF']}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended meanwhile
            words = path.read_bytes().split(b"\0")
            if mark in words and any(word.startswith(b"SLURM_JOB_ID=") for word in words):
                os.kill(int(path.parent.name), signal.SIGKILL)


def _answers(slurm: LocalSlurm) -> bool:
    done = subprocess.run(["scontrol", "ping"], env=slurm.environment, capture_output=True)
    return done.returncode == 0


def _wait(condition: Callable[[], bool], complaint: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, complaint
        time.sleep(0.1)


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]

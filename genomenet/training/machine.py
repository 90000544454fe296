"""What a machine offers to GenomeNet: processor, GPUs, optional packages, cluster clients."""

import importlib
import os
import shutil
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from genomenet.ops.backend import find_packaged

KERNEL_PACKAGES = {"mamba-ssm": "ssd", "causal-conv1d": "conv", "flash-attn": "attention"}
"""The operation that each package has a CUDA kernel for, as `genomenet.ops.backend` calls it."""

OPTIONAL = {
    "transformers": ("transformers", "models of Hugging Face, and export to it"),
    "pyarrow": ("pyarrow", "tasks that come as parquet"),
    "pyBigWig": ("pyBigWig", "bigWig files"),
    "py2bit": ("py2bit", "2bit files"),
    "mappy": ("mappy", "similar sequence across splits"),
    "wandb": ("wandb", "tracking runs in Weights & Biases"),
    "mlflow-skinny": ("mlflow", "tracking runs in MLflow"),
    "snakemake": ("snakemake", "pipelines"),
}
"""Name on PyPI: the module to import, and what it is for."""

CLIENTS = ("snakemake", "sbatch", "srun", "squeue", "scontrol", "sacct", "nvidia-smi")


@dataclass(frozen=True)
class Package:
    """An optional package.

    Attributes
    ----------
    name : str
        On PyPI.
    version : str
        Empty when it is not installed.
    purpose : str
        What it is for.
    problem : str
        Why it can't be imported; empty if it can, or is not installed.
    """

    name: str
    version: str
    purpose: str
    problem: str

    @property
    def works(self) -> bool:
        """Whether it is installed and can be imported."""
        return bool(self.version) and not self.problem


@dataclass(frozen=True)
class Device:
    """A GPU that torch can use.

    Attributes
    ----------
    name : str
        As torch calls it, such as "cuda:0".
    model : str
        As its maker calls it.
    memory_bytes : int
        All of its memory.
    capability : str
        CUDA's compute capability.
    """

    name: str
    model: str
    memory_bytes: int
    capability: str


@dataclass(frozen=True)
class Processor:
    """The CPU side.

    Attributes
    ----------
    cores : int
        Cores that this process may run on.
    threads : int
        Threads that torch computes with.
    memory_bytes, free_bytes : int
        Memory of the machine, and what of it nothing uses at all.
    """

    cores: int
    threads: int
    memory_bytes: int
    free_bytes: int


def processor() -> Processor:
    """Tell of cores, threads and memory."""
    page = os.sysconf("SC_PAGE_SIZE")
    return Processor(
        cores=len(os.sched_getaffinity(0)),
        threads=torch.get_num_threads(),
        memory_bytes=page * os.sysconf("SC_PHYS_PAGES"),
        free_bytes=page * os.sysconf("SC_AVPHYS_PAGES"),
    )


def devices() -> list[Device]:
    """Tell of the GPUs that torch can use; none when torch is built for CPUs."""
    found = []
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        found.append(
            Device(
                name=f"cuda:{number}",
                model=properties.name,
                memory_bytes=properties.total_memory,
                capability=f"{properties.major}.{properties.minor}",
            )
        )
    return found


def describe_machine(on_gpus: bool) -> dict[str, Any]:
    """What a run records of the machine it starts on.

    Parameters
    ----------
    on_gpus : bool
        Whether it trains on GPUs; otherwise none is named.
    """
    cpu = processor()
    return {
        "cores": cpu.cores,
        "threads": cpu.threads,
        "memory_bytes": cpu.memory_bytes,
        "gpus": [gpu.model for gpu in devices()] if on_gpus else [],
    }


def packages() -> list[Package]:
    """Tell of the optional packages, each imported to see whether it can be."""
    found = []
    for name, operation in KERNEL_PACKAGES.items():
        _, problem = find_packaged(operation)
        found.append(Package(name, installed(name), f"CUDA kernel of {operation}", problem))
    for name, (module, purpose) in OPTIONAL.items():
        there = installed(name)
        found.append(Package(name, there, purpose, _problem(module) if there else ""))
    return found


def clients() -> dict[str, str]:
    """Tell where the programs of workflows, clusters and GPUs are; empty where they are not."""
    return {name: shutil.which(name) or "" for name in CLIENTS}


def installed(package: str) -> str:
    """The installed version of a package by its name on PyPI; empty when there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _problem(module: str) -> str:
    """Why a module can't be imported; empty if it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:  # a broken package raises what it likes; that is what is told
        return f"{type(error).__name__}: {error}"
    return ""

"""Kernels in C++ for float32 on a CPU: compiled once where there is a compiler, or done without.

The library is plain C++ behind a C interface: no header of torch or Python, so that it compiles
in seconds, and no package to build. It is kept in the user's cache by a digest of its sources,
the compiler and the processor.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Container
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

SOURCES = Path(__file__).parent
SWITCH = "GENOMENET_NATIVE"
"""Set this variable to 0 to do without."""

HALVES = (torch.float32, torch.bfloat16)
"""What attention, rotation and SwiGLU compute on."""

FLAGS = (
    "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
    "-std=c++17", "-shared", "-fPIC",
)  # fmt: skip


def serves(*tensors: Tensor, dtypes: Container[torch.dtype] = (torch.float32,)) -> bool:
    """Whether tensors are what the library computes on: float32 on a CPU, and it is there.

    Not while torch.compile traces, which makes kernels of its own of what torch would do.

    Parameters
    ----------
    *tensors : Tensor
        Inputs of an operation.
    dtypes : container of dtype
        Those that it computes on in this operation, float32 alone in most.
    """
    return (
        all(t.dtype in dtypes and t.device.type == "cpu" for t in tensors)
        and not torch.compiler.is_compiling()
        and library() is not None
    )


def call(function: str, *arguments: Tensor | int | float | None) -> int:
    """Call a function of the library on tensors, with torch's number of threads as last argument.

    Parameters
    ----------
    function : str
        Its name without ``genomenet_``.
    *arguments : Tensor, int, float or None
        As its source says; the caller answers for shapes, strides and lifetimes.
    """
    found = library()
    assert found is not None, "ask `serves` first"
    converted = [_convert(argument) for argument in arguments]
    run = getattr(found, f"genomenet_{function}")
    threads = ctypes.c_int64(torch.get_num_threads())
    # Telling the profiler takes as long as a step of decoding does in here.
    if not torch.autograd.profiler._is_profiler_enabled:
        return run(*converted, threads)
    with torch.profiler.record_function(f"genomenet::{function}"):
        return run(*converted, threads)


def is_half(tensor: Tensor) -> int:
    """Tell functions for both which of `HALVES` a tensor has."""
    return int(tensor.dtype == torch.bfloat16)


def rows_dense(tensor: Tensor) -> Tensor:
    """The tensor (B, L, ...) itself when each of its positions lies in one piece, else a copy."""
    inside = 1
    for extent, stride in zip(
        reversed(tensor.shape[2:]), reversed(tensor.stride()[2:]), strict=True
    ):
        if extent > 1 and stride != inside:
            return tensor.contiguous()
        inside *= extent
    return tensor


def rows(tensor: Tensor) -> tuple[Tensor, int, int]:
    """A tensor (B, L, ...), and how many numbers its rows and its positions lie apart."""
    return tensor, tensor.stride(0), tensor.stride(1)


def heads(*tensors: Tensor) -> list[Tensor | int]:
    """Tensors (B, L, H, P), each with how far its sequences, positions and heads lie apart.

    One whose heads don't lie in one piece is a copy.
    """
    parts: list[Tensor | int] = []
    for tensor in tensors:
        dense = tensor if tensor.stride(-1) == 1 else tensor.contiguous()
        parts += [dense, *dense.stride()[:3]]
    return parts


@cache
def constant(name: str) -> int:
    """A number that the library was compiled with, such as "padding"."""
    found = library()
    assert found is not None, "ask `serves` first"
    return int(getattr(found, f"genomenet_{name}")())


@cache
def library() -> ctypes.CDLL | None:
    """The compiled library; None where it is switched off or can't be made."""
    found, problem = find_library()
    if found is None and os.environ.get(SWITCH) != "0" and find_compiler() is not None:
        warnings.warn(
            f"kernels run in torch, at half the speed: {problem}", RuntimeWarning, stacklevel=2
        )
    return found


@cache
def find_library() -> tuple[ctypes.CDLL | None, str]:
    """The library, or why there is none."""
    if os.environ.get(SWITCH) == "0":
        return None, f"{SWITCH} is 0"
    compiler = find_compiler()
    if compiler is None:
        return None, "there is no C++ compiler (c++, g++ or clang++)"
    target = cache_folder() / f"native-{_digest(compiler)}.so"
    try:
        if not target.is_file():
            _compile(compiler, target)
        found = ctypes.CDLL(str(target))
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        return None, f"{compiler} can't make it: {detail.strip().splitlines()[-1]}"
    for name in ("padding", "conv_block", "norm_block"):
        getattr(found, f"genomenet_{name}").restype = ctypes.c_int64
    return found, ""


def find_compiler() -> str | None:
    """The first C++ compiler on the path, or the one that the variable CXX names."""
    names = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


def cache_folder() -> Path:
    """Where compiled libraries are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "genomenet"


def _digest(compiler: str) -> str:
    """Of all that decides what the compiler makes."""
    hasher = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in (".h", ".cpp"):
            hasher.update(source.read_bytes())
    version = subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout
    for part in (
        version.decode(errors="replace"),
        " ".join(FLAGS),
        _processor(),
        torch.__version__,
    ):
        hasher.update(part.encode())
    return hasher.hexdigest()[:16]


def _processor() -> str:
    """What `-march=native` looks at, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return f"{platform.machine()} {platform.processor()}"
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
    return "".join(next((x for x in lines if x.startswith(key)), "") for key in ("model", "flags"))


def _compile(compiler: str, target: Path) -> None:
    """Compile with threads where that works, else for one thread; whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sources = [str(source) for source in sorted(SOURCES.glob("*.cpp"))]
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        command = [compiler, *FLAGS, *sources, "-o", str(made)]
        for threads in (["-fopenmp", *_torch_openmp()], []):
            done = subprocess.run([*command, *threads], capture_output=True, text=True)
            if done.returncode == 0:
                break
        done.check_returncode()
        made.replace(target)


def _torch_openmp() -> list[str]:
    """Torch's own OpenMP library, so that both share one pool of threads."""
    folder = Path(torch.__file__).parent / "lib"
    return [str(path) for path in sorted(folder.glob("libgomp*.so*"))]


def _convert(argument: Tensor | int | float | None) -> object:
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    if isinstance(argument, float):
        return ctypes.c_float(argument)
    return ctypes.c_void_p(None) if argument is None else ctypes.c_int64(argument)

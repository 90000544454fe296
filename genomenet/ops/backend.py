"""Which kernels serve a device: CUDA packages or compiled C++ where they can, else torch."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable
from functools import cache

import torch
from torch import Tensor

from genomenet.ops.linear import mkl_is_slow
from genomenet.ops.native import library
from genomenet.ops.packing import Packing

# operation -> (module, function, what runs without it)
_PACKAGED = {
    "ssd": ("mamba_ssm.ops.triton.ssd_combined", "mamba_chunk_scan_combined", "torch"),
    "conv": ("causal_conv1d", "causal_conv1d_fn", "torch"),
    "attention": ("flash_attn", "flash_attn_func", "torch sdpa"),
    "norm": ("mamba_ssm.ops.triton.layernorm_gated", "rmsnorm_fn", "torch"),
}
COMPILED = ("ssd", "conv", "attention", "norm")
"""Operations that the compiled library has for a CPU (`genomenet.ops.native`)."""

_HALF = (torch.float16, torch.bfloat16)


@cache
def packaged(operation: str) -> Callable[..., Tensor] | None:
    """Find the optional package's function for `operation`, imported at the first call.

    Parameters
    ----------
    operation : {"ssd", "conv", "attention", "norm"}
        What to compute.

    Returns
    -------
    callable or None
        None when the package is not installed. A package that is installed but cannot be
        imported also gives None, with a warning that names the reason.
    """
    function, problem = find_packaged(operation)
    if function is None and problem:
        module, _, instead = _PACKAGED[operation]
        warnings.warn(
            f"{_package(module)} is installed but cannot be used, {operation} falls back to "
            f"{instead}: {problem}",
            RuntimeWarning,
            stacklevel=2,
        )
    return function


def find_packaged(operation: str) -> tuple[Callable[..., Tensor] | None, str]:
    """The optional package's function for `operation`, or why there is none.

    Parameters
    ----------
    operation : {"ssd", "conv", "attention", "norm"}
        What to compute.

    Returns
    -------
    function : callable or None
        None when the package is not installed, or cannot be imported.
    problem : str
        Why it cannot be imported; empty where it can, and where it is not installed.
    """
    module, function, _ = _PACKAGED[operation]
    try:
        return getattr(importlib.import_module(module), function), ""
    except ModuleNotFoundError as error:
        if error.name is not None and _package(error.name) == _package(module):
            return None, ""
        return None, f"{type(error).__name__}: {error}"
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        return None, f"{type(error).__name__}: {error}"


def package_of(operation: str) -> str:
    """Name of the optional package for `operation`, as it is imported."""
    return _package(_PACKAGED[operation][0])


def _package(module: str) -> str:
    return module.partition(".")[0]


def uses(operation: str, tensor: Tensor) -> bool:
    """Whether `operation` on `tensor` goes to the optional CUDA package.

    Parameters
    ----------
    operation : {"ssd", "conv", "attention", "norm"}
        What to compute.
    tensor : Tensor
        Its main input.

    Returns
    -------
    bool
        False for anything but CUDA tensors, for dtypes the package lacks, and when the package
        is missing.
    """
    if not _is_cuda(tensor) or tensor.dtype == torch.float64:
        return False
    if operation == "attention" and tensor.dtype not in _HALF:
        return False
    return packaged(operation) is not None


def _is_cuda(tensor: Tensor) -> bool:
    return tensor.device.type == "cuda"


def kernels(device: torch.device | str) -> dict[str, str]:
    """Names of the kernels used on `device`, for logs and reports.

    Parameters
    ----------
    device : torch.device or str
        Such as ``"cpu"`` or ``"cuda:0"``.

    Returns
    -------
    dict of str to str
        Operation to kernel, as in ``{"ssd": "torch", "conv": "torch", "attention": "torch sdpa",
        "norm": "torch", "ema": "torch", "linear": "torch"}``. flash-attn serves half precision
        only, the compiled library (`genomenet.ops.native`) float32 and, in attention, bfloat16.
    """
    cuda = torch.device(device).type == "cuda"
    native = not cuda and library.library() is not None
    names = {
        operation: _package(module) if cuda and packaged(operation) else instead
        for operation, (module, _, instead) in _PACKAGED.items()
    }
    names["ema"] = "torch"
    names["linear"] = "oneDNN" if not cuda and mkl_is_slow() else "torch"
    return names | (dict.fromkeys(COMPILED, "C++") if native else {})


def kernel_of(operation: str, tensor: Tensor) -> str:
    """Name of the kernel that serves one tensor, as `kernels` names those of its device.

    Parameters
    ----------
    operation : str
        As in `kernels`; of any other, torch's.
    tensor : Tensor
        Its main input.
    """
    if operation in _PACKAGED and uses(operation, tensor):
        return package_of(operation)
    if operation in COMPILED and library.serves(tensor.float()):
        return "C++"
    if operation == "linear" and tensor.dtype == torch.float32:
        return kernels(tensor.device)[operation]
    return _PACKAGED[operation][2] if operation in _PACKAGED else "torch"


def _function(operation: str) -> Callable[..., Tensor]:
    function = packaged(operation)
    if function is None:
        raise RuntimeError(f"no CUDA package for {operation} is installed")
    return function


def packs(operations: Iterable[str], device: torch.device, dtype: torch.dtype) -> bool:
    """Whether rows of different lengths are packed: all that looks back must go to the packages.

    Parameters
    ----------
    operations : iterable of {"ssd", "conv", "attention"}
        What will run on the rows.
    device : torch.device
        Where.
    dtype : torch.dtype
        Of the numbers that matrix products give.
    """
    like = torch.empty(0, dtype=dtype, device=device)
    return all(uses(operation, like) for operation in operations)


def mamba_ssd(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLN: Tensor,
    C_BLN: Tensor,
    D_H: Tensor,
    packing: Packing | None = None,
) -> Tensor:
    """Run the scan of `genomenet.ops.ssd_scan` by mamba-ssm.

    Parameters
    ----------
    x_BLHP, dt_BLH, A_H, B_BLN, C_BLN, D_H, packing
        As in `genomenet.ops.ssd_scan`.

    Returns
    -------
    Tensor
        (B, L, H, P).
    """
    return _function("ssd")(
        x_BLHP,
        dt_BLH,
        A_H,
        B_BLN.unsqueeze(2),
        C_BLN.unsqueeze(2),
        chunk_size=256,  # mamba-ssm's own default for Mamba-2; rounding only
        D=D_H,
        seq_idx=None if packing is None else packing.sequence_M.unsqueeze(0),
    )


def cuda_conv_silu(
    x_BLC: Tensor, weight_CK: Tensor, bias_C: Tensor, packing: Packing | None = None
) -> Tensor:
    """Run the convolution of `genomenet.ops.causal_conv_silu` by causal-conv1d.

    Parameters
    ----------
    x_BLC, weight_CK, bias_C, packing
        As in `genomenet.ops.causal_conv_silu`.

    Returns
    -------
    Tensor
        (B, L, C).
    """
    if x_BLC.stride(1) % 8 or x_BLC.stride(0) % 8:
        # The kernel reads rows in vectors: a slice of a projection whose width is no multiple of
        # 8 (as when the number of heads isn't) has to be copied first.
        x_BLC = x_BLC.contiguous()
    y_BCL = _function("conv")(
        x_BLC.transpose(1, 2),
        weight_CK.to(x_BLC.dtype),
        bias_C.to(x_BLC.dtype),
        seq_idx=None if packing is None else packing.sequence_M.unsqueeze(0),
        activation="silu",
    )
    return y_BCL.transpose(1, 2)


def flash_attention(
    q_BLHP: Tensor, k_BLHP: Tensor, v_BLHP: Tensor, window: int, packing: Packing | None = None
) -> Tensor:
    """Run the attention of `genomenet.ops.causal_attention` by flash-attn.

    Parameters
    ----------
    q_BLHP, k_BLHP, v_BLHP : Tensor
        As in `genomenet.ops.causal_attention`, in half precision.
    window : int
        -1 for global.
    packing : Packing, optional
        As in `genomenet.ops.causal_attention`.

    Returns
    -------
    Tensor
        (B, L, H, P).
    """
    sides = (-1, -1) if window < 0 else (window, 0)
    if packing is None:
        return _function("attention")(q_BLHP, k_BLHP, v_BLHP, causal=True, window_size=sides)
    varlen = importlib.import_module(_PACKAGED["attention"][0]).flash_attn_varlen_func
    starts, longest = packing.start_B, packing.longest
    q, k, v = (t.squeeze(0) for t in (q_BLHP, k_BLHP, v_BLHP))
    y_MHP = varlen(q, k, v, starts, starts, longest, longest, causal=True, window_size=sides)
    return y_MHP.unsqueeze(0)


def cuda_rms_norm(x: Tensor, weight: Tensor, eps: float, gate: Tensor | None = None) -> Tensor:
    """Run `genomenet.ops.rms_norm`, or with a gate `gated_rms_norm`, by mamba-ssm in one pass.

    Parameters
    ----------
    x, weight : Tensor
        (..., D) and (D,).
    eps : float
        Added to the mean square.
    gate : Tensor, optional
        (..., D); it is applied before the norm.

    Returns
    -------
    Tensor
        Shape and dtype of `x`.
    """
    return _function("norm")(x, weight, None, z=gate, eps=eps, norm_before_gate=False)

"""What GPUs can do at most, from their makers' data sheets, and how much of it is assumed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A GPU.

    Attributes
    ----------
    name : str
        In full.
    half_flops, tf32_flops, float_flops : float
        FLOPs per second of dense matrix products in bfloat16 and in TF32, and of float32
        arithmetic outside tensor cores.
    memory_bytes_per_second : float
        Bandwidth of its memory.
    memory_bytes : float
        Size of its memory.
    source : str
        Where the figures are from. Those printed with sparsity are halved.
    """

    name: str
    half_flops: float
    tf32_flops: float
    float_flops: float
    memory_bytes_per_second: float
    memory_bytes: float
    source: str


DEVICES = {
    "H100": Device(
        "NVIDIA H100 SXM 80 GB", 989.5e12, 494.5e12, 67e12, 3.35e12, 80e9,
        "NVIDIA H100 Tensor Core GPU data sheet",
    ),
    "A100": Device(
        "NVIDIA A100 SXM 80 GB", 312e12, 156e12, 19.5e12, 2.039e12, 80e9,
        "NVIDIA A100 Tensor Core GPU data sheet",
    ),
}  # fmt: skip

REACHED = {"product": 0.6, "attention": 0.4, "scan": 0.25, "float32": 0.6, "memory": 0.7}
"""Share of the peak that each class of operation is assumed to reach. Nothing here was measured:
large products reach more, and flash-attn and mamba-ssm are told to do so too on long sequences."""

USABLE_MEMORY = 0.9
"""Share of a GPU's memory that tensors are assumed to fill: the rest is CUDA's and the
allocator's."""

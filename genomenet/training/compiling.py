"""The parts of layers that torch.compile fuses."""

from torch import nn

from genomenet.nn.mlp import SwiGLU


def compile_layers(model: nn.Module, backend: str = "inductor") -> None:
    """Compile MLPs in place, each by itself; names of weights stay.

    All else is fused already, or would lose by it: scans, convolutions, norms and rotations have
    kernels with a backward pass of their own that the compiler takes apart, attention is one
    call, and mixtures split by numbers that it can't see. Compilation happens at the first call,
    and once more when the number of chunks changes.

    Parameters
    ----------
    model : Module
        Any module that holds layers.
    backend : str
        Of torch.compile.
    """
    for module in model.modules():
        if isinstance(module, SwiGLU):
            module.compile(backend=backend)

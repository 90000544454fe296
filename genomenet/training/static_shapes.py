"""Shapes that no longer depend on where boundaries fall, for compilers and CUDA graphs."""

from genomenet.errors import UserError
from genomenet.models.chunking_network import ChunkingNetwork
from genomenet.models.language_model import LanguageModel
from genomenet.nn.moe import MixtureOfExperts


def fix_shapes(model: LanguageModel, length_bp: int) -> None:
    """Give every row of every stage room for as many chunks as it may have.

    Parameters
    ----------
    model : LanguageModel
        Changed in place; isotropic models have such shapes already.
    length_bp : int
        Window length in bases.

    Raises
    ------
    UserError
        When a stage has no limit on its boundaries, or shapes depend on more than boundaries.
    """
    if model.config.tokeniser != "none":
        raise UserError(
            f"train.static_shapes needs to know how many positions there are, but model.tokeniser "
            f"{model.config.tokeniser} cuts windows into different numbers of tokens; leave it out"
        )
    if any(isinstance(module, MixtureOfExperts) for module in model.modules()):
        raise UserError(
            "train.static_shapes needs layers of fixed shapes, but mixtures of experts (E in "
            "model.layout) share positions out by their values; leave it out"
        )
    length, network = length_bp, model.backbone
    for stage in range(model.config.networks().stages):
        assert isinstance(network, ChunkingNetwork)
        room = network.guards.most(length)
        if room >= length:
            raise UserError(_no_limit(network, stage, length))
        network.static_shapes = True
        length, network = room, network.main_network


def _no_limit(network: ChunkingNetwork, stage: int, length: int) -> str:
    said = f"train.static_shapes needs a limit on the boundaries of stage {stage}"
    if network.guards.at_n:
        return f"{said}, but runs of N force as many as there are: set model.boundary_at_n to false"
    share = network.guards.max_boundary_share
    return (
        f"{said} below its {length:,} positions, but model.max_boundary_share {share:g} and "
        f"model.max_chunk {network.guards.max_chunk} allow that many; lower the share or lengthen "
        "the windows"
    )

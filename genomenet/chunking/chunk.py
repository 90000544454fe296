"""From positions to chunks: the vector at each boundary stands for its chunk."""

from dataclasses import dataclass

import torch
from torch import Tensor

from genomenet.ops.packing import Packing

PADDING_MULTIPLE = 64
"""Few different lengths: kernels are compiled and cached for every shape they meet."""


@dataclass(frozen=True)
class Chunks:
    """Where the chunks of a batch begin.

    Attributes
    ----------
    start_BS : Tensor of int64
        Position at which each chunk begins; arbitrary in the padding.
    valid_BS : Tensor of bool
        Whether the row has that many chunks; False is right padding.
    packing : Packing, optional
        Of the rows of chunks.
    """

    start_BS: Tensor
    valid_BS: Tensor
    packing: Packing | None = None

    def select(self, x_BLD: Tensor) -> Tensor:
        """The vectors (B, S, D) of the positions at which chunks begin."""
        return x_BLD.gather(1, self.start_BS.unsqueeze(-1).expand(-1, -1, x_BLD.shape[-1]))


def find_chunks(boundary_BL: Tensor, room: int | None = None, pack: bool = False) -> Chunks:
    """List the boundaries of every row, padded on the right to the longest row or a bit more.

    Causal mixers need no mask for right padding: what follows can't reach back.
    Source: github.com/goombalab/hnet.

    Parameters
    ----------
    boundary_BL : Tensor of bool
        Whole sequences have at least one per row. What is read behind a prefix may have none,
        and there is still room for a chunk.
    room : int, optional
        At least as many as any row can have: rows are padded to it whatever they hold, so that
        the host need not wait for the device to count. The longest row's when left out.
    pack : bool
        Tell how to put the rows of chunks together without padding; not with `room`.
    """
    length = boundary_BL.shape[1]
    count_B = boundary_BL.sum(1)
    total = 0
    if room is not None:
        most = room
    elif pack:  # both numbers at once: the host waits for the device once a stage
        most, total = torch.stack([count_B.max(), count_B.sum()]).tolist()
    else:
        most = max(1, int(count_B.max()))
    longest = min(length, -(-most // PADDING_MULTIPLE) * PADDING_MULTIPLE)
    position_L = torch.arange(length, device=boundary_BL.device)
    # Boundaries keep their order and come before everything else.
    key_BL = position_L + length * ~boundary_BL
    start_BS = key_BL.sort(dim=1).values[:, :longest] % length
    packing = Packing.of(count_B, longest, most, total) if pack and room is None else None
    return Chunks(start_BS, position_L[:longest] < count_B.unsqueeze(1), packing)

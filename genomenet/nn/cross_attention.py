"""Cross-attention between positions and the chunk they belong to: pooling and reading."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genomenet.nn.linear import Linear
from genomenet.nn.norm import RMSNorm
from genomenet.ops.attention import attend
from genomenet.ops.segments import segment_attention, segment_max, slot_attention, spread


@dataclass
class OpenChunks:
    """The positions of each row since its last boundary.

    Attributes
    ----------
    x_BLD : Tensor
        Their vectors, left-aligned, with room to grow.
    count_B : Tensor of int64
        How many there are.
    """

    x_BLD: Tensor
    count_B: Tensor


class ChunkPooling(nn.Module):
    """The positions of a chunk become a few vectors: its slots.

    The largest value of every channel is projected to as many queries as there are slots, each
    of which attends to the positions of the chunk and is added to what it finds. Source: Byte
    Latent Transformer (arXiv:2412.09871) section 3.2.2. No rotary positions.

    Parameters
    ----------
    d_model : int
        Width of the positions and of a slot.
    slots : int
        K, vectors per chunk.
    head_dim : int
        Width of an attention head; divides `d_model`.
    doubled : bool
        Add the queries twice, as the published code does.
    """

    def __init__(self, d_model: int, slots: int, head_dim: int, doubled: bool = False):
        super().__init__()
        self.slots, self.head_dim = slots, head_dim
        self.residual = 2 if doubled else 1
        self.slot_proj = Linear(d_model, slots * d_model, bias=False)
        self.norm_q, self.norm_kv = RMSNorm(d_model), RMSNorm(d_model)
        self.Wq = Linear(d_model, d_model, bias=False)
        self.Wkv = Linear(d_model, 2 * d_model, bias=False)
        self.out_proj = Linear(d_model, d_model, bias=False)

    def forward(self, x_BLD: Tensor, chunk_BL: Tensor, chunks: int) -> Tensor:
        """Pool positions.

        Parameters
        ----------
        x_BLD : Tensor
            Positions.
        chunk_BL : Tensor of int64
            Chunk of every position, 0 to `chunks` - 1; whatever else is left out.
        chunks : int
            S, chunks a row has room for.

        Returns
        -------
        Tensor
            (B, S, K D), the slots of a chunk one after the other; a chunk without positions has
            what its zeros become.
        """
        slots_BSKD = self.slot_proj(segment_max(x_BLD, chunk_BL, chunks))
        slots_BSKD = slots_BSKD.unflatten(-1, (self.slots, -1))
        q_BSKHP = self.Wq(self.norm_q(slots_BSKD)).unflatten(-1, (-1, self.head_dim))
        kv_BL2HP = self.Wkv(self.norm_kv(x_BLD)).unflatten(-1, (2, -1, self.head_dim))
        k_BLHP, v_BLHP = kv_BL2HP.unbind(2)
        y_BSKHP = segment_attention(q_BSKHP, k_BLHP, v_BLHP, chunk_BL)
        return (self.residual * slots_BSKD + self.out_proj(y_BSKHP.flatten(3))).flatten(2)

    def new_state(self, batch_size: int, device: torch.device) -> OpenChunks:
        """Empty chunks of `batch_size` sequences."""
        weight = self.norm_kv.weight
        x_BLD = torch.zeros(batch_size, 16, len(weight), dtype=weight.dtype, device=device)
        return OpenChunks(x_BLD, torch.zeros(batch_size, dtype=torch.int64, device=device))

    def step(self, x_RD: Tensor, state: OpenChunks, rows_R: Tensor) -> None:
        """Add one more position to the open chunks of the rows named."""
        count_R = state.count_B[rows_R]
        if int(count_R.max()) == state.x_BLD.shape[1]:
            state.x_BLD = torch.cat([state.x_BLD, torch.zeros_like(state.x_BLD)], 1)
        state.x_BLD[rows_R, count_R] = x_RD.to(state.x_BLD.dtype)
        state.count_B[rows_R] = count_R + 1

    def close(self, state: OpenChunks, rows_R: Tensor) -> Tensor:
        """Pool the open chunks of the rows named, (R, K D), and begin new ones."""
        count_R = state.count_B[rows_R]
        longest = int(count_R.max())
        inside_RL = torch.arange(longest, device=rows_R.device) < count_R.unsqueeze(1)
        h_RD = self(state.x_BLD[rows_R, :longest], inside_RL.long() - 1, 1)[:, 0]
        state.count_B[rows_R] = 0
        return h_RD

    def read(
        self, x_BLD: Tensor, mask_BL: Tensor, valid_BL: Tensor, chunks: int, state: OpenChunks
    ) -> Tensor:
        """Many positions behind the state: pool the chunks that close, keep what stays open.

        Parameters
        ----------
        x_BLD : Tensor
            The next positions of every row, right-padded.
        mask_BL : Tensor of bool
            Where chunks close; never at padding.
        valid_BL : Tensor of bool
            False at padding.
        chunks : int
            S, closing chunks a row has room for.
        state : OpenChunks
            Brought up to date in place.

        Returns
        -------
        Tensor
            (B, S, K D), the chunks that close.
        """
        held = int(state.count_B.max())
        held_BT = torch.arange(held, device=x_BLD.device) < state.count_B.unsqueeze(1)
        joined_BTD = torch.cat([state.x_BLD[:, :held].to(x_BLD.dtype), x_BLD], 1)
        closed_BL = mask_BL.cumsum(1)
        closed_B1 = closed_BL[:, -1:]
        # What was open belongs to the chunk that closes first; what lies behind the last
        # boundary has a number that no chunk of its row has.
        chunk_BT = torch.cat([torch.zeros_like(held_BT).long(), closed_BL - mask_BL.long()], 1)
        there_BT = torch.cat([held_BT, valid_BL], 1)
        open_BT = there_BT & (chunk_BT == closed_B1)
        chunk_BT = torch.where(there_BT & ~open_BT, chunk_BT, -1)
        h_BSX = self(joined_BTD, chunk_BT, chunks)

        rows_V, places_V = open_BT.nonzero(as_tuple=True)
        count_B = open_BT.sum(1)
        room = max(state.x_BLD.shape[1], int(count_B.max()))
        kept_BLD = state.x_BLD.new_zeros(len(x_BLD), room, x_BLD.shape[2])
        kept_BLD[rows_V, open_BT.cumsum(1)[rows_V, places_V] - 1] = joined_BTD[rows_V, places_V].to(
            kept_BLD.dtype
        )
        state.x_BLD, state.count_B = kept_BLD, count_B
        return h_BSX


class ChunkReading(nn.Module):
    """Every position attends to the slots of one chunk, and adds what it finds.

    Source: Byte Latent Transformer (arXiv:2412.09871) section 3.3.1. No rotary positions. A
    single slot is read whatever the query says, so that there are no queries then.

    Parameters
    ----------
    d_model : int
        Width of the positions and of a slot.
    slots : int
        K, vectors per chunk.
    head_dim : int
        Width of an attention head; divides `d_model`.
    doubled : bool
        Add the positions twice, as the published code does.
    """

    def __init__(self, d_model: int, slots: int, head_dim: int, doubled: bool = False):
        super().__init__()
        self.slots, self.head_dim = slots, head_dim
        self.residual = 2 if doubled else 1
        self.norm_kv = RMSNorm(d_model)
        self.norm_q: RMSNorm | None = None
        self.Wq: nn.Module | None = None
        if slots > 1:
            self.norm_q = RMSNorm(d_model)
            self.Wq = Linear(d_model, d_model, bias=False)
        self.Wkv = Linear(d_model, (2 if slots > 1 else 1) * d_model, bias=False)
        self.out_proj = Linear(d_model, d_model, bias=False)

    def forward(
        self,
        x_BLD: Tensor,
        slots_BSKD: Tensor,
        chunk_BL: Tensor,
        confidence_BL: Tensor | None = None,
    ) -> Tensor:
        """Read.

        Parameters
        ----------
        x_BLD : Tensor
            Positions.
        slots_BSKD : Tensor
            Slots of S chunks.
        chunk_BL : Tensor of int64
            The chunk that each position reads; whatever is no chunk reads nothing.
        confidence_BL : Tensor, optional
            Weight of what each position finds.

        Returns
        -------
        Tensor
            (B, L, D).
        """
        return self.recall(x_BLD, self.remember(slots_BSKD), chunk_BL, confidence_BL)

    def remember(self, slots_BSKD: Tensor) -> Tensor:
        """What is read of chunks later: their keys and values, (..., K, 2 D), or (..., 1, D)."""
        return self.Wkv(self.norm_kv(slots_BSKD))

    def step(self, x_RD: Tensor, memory_RKE: Tensor, confidence_R: Tensor | None = None) -> Tensor:
        """One more position of some rows, reading their chunks as `remember` left them."""
        if self.Wq is None or self.norm_q is None:
            y_RD = self.out_proj(memory_RKE.squeeze(1))
        else:
            # One chunk a row: plain attention to its slots.
            q_RHP = self.Wq(self.norm_q.step(x_RD)).unflatten(-1, (-1, self.head_dim))
            k_RKHP, v_RKHP = memory_RKE.unflatten(-1, (2, -1, self.head_dim)).unbind(2)
            found_RHP = attend(q_RHP, k_RKHP.transpose(1, 2), v_RKHP.transpose(1, 2))
            y_RD = self.out_proj(found_RHP.flatten(1))
        if confidence_R is not None:
            y_RD = y_RD * confidence_R.unsqueeze(-1)
        return self.residual * x_RD + y_RD

    def recall(
        self, x_BLD: Tensor, memory_BSKE: Tensor, chunk_BL: Tensor, confidence_BL: Tensor | None
    ) -> Tensor:
        """As `forward`, of chunks as `remember` left them."""
        if self.Wq is None or self.norm_q is None:
            # Projected before it is spread: there are fewer chunks than positions.
            y_BLD = spread(self.out_proj(memory_BSKE.squeeze(2)), chunk_BL)
        else:
            q_BLHP = self.Wq(self.norm_q(x_BLD)).unflatten(-1, (-1, self.head_dim))
            k_BSKHP, v_BSKHP = memory_BSKE.unflatten(-1, (2, -1, self.head_dim)).unbind(3)
            y_BLHP = slot_attention(q_BLHP, k_BSKHP, v_BSKHP, chunk_BL)
            y_BLD = self.out_proj(y_BLHP.flatten(2))
        if confidence_BL is not None:
            y_BLD = y_BLD * confidence_BL.unsqueeze(-1)
        return self.residual * x_BLD + y_BLD

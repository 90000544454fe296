"""Keys and values that attention remembers when sequences grow one position at a time."""

import torch
from torch import Tensor

from genomenet.nn.rows import take_rows

GROWTH = 256
"""Slots are added in steps of at least so many, and of at least as many as there are."""


class KVCache:
    """Keys and values of a batch whose rows advance at different times.

    With a window, slots are reused in turn, so that a row never holds more keys than its next
    query may see.

    Parameters
    ----------
    batch_size : int
        Rows.
    device : torch.device
        Where the cache lives.
    window : int
        Positions seen beside the current one; -1 is all.
    """

    def __init__(self, batch_size: int, device: torch.device, window: int):
        self.position_B = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self._slots = window + 1 if window >= 0 else None
        self._keys: Tensor | None = None  # (B, H, T, P), made when a first key shows its shape
        self._values: Tensor | None = None

    def add(
        self, k_RHP: Tensor, v_RHP: Tensor, rows_R: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Add the keys and values of one more position of some rows.

        Parameters
        ----------
        k_RHP, v_RHP : Tensor
            Of the position that `position_B` gives for each row.
        rows_R : Tensor of int64
            Rows, as in `take_rows`.

        Returns
        -------
        tuple of Tensor
            All keys and values of these rows, (R, H, T, P), and which of them the new position
            sees, (R, T), or None when that is all of them.
        """
        position_R = take_rows(self.position_B, rows_R)
        # Both in one go: on a GPU each would wait for it.
        first, last = torch.stack(position_R.aminmax()).tolist()
        used = last + 1
        if self._slots is not None:
            used = min(used, self._slots)
        self._keys = self._grown(self._keys, k_RHP, used)
        self._values = self._grown(self._values, v_RHP, used)
        if first == last and len(rows_R) == len(self.position_B):
            # All rows at one position: no row needs to be looked up, and all see the same.
            slot = last if self._slots is None else last % self._slots
            self._keys[:, :, slot] = k_RHP
            self._values[:, :, slot] = v_RHP
            self.position_B += 1
            return self._keys[:, :, :used], self._values[:, :, :used], None
        slot_R = position_R if self._slots is None else position_R % self._slots
        self._keys[rows_R, :, slot_R] = k_RHP
        self._values[rows_R, :, slot_R] = v_RHP
        seen_RT = None
        if first + 1 < used:
            seen_RT = torch.arange(used, device=rows_R.device) <= position_R.unsqueeze(1)
        self.position_B[rows_R] = position_R + 1
        return (
            take_rows(self._keys[:, :, :used], rows_R),
            take_rows(self._values[:, :, :used], rows_R),
            seen_RT,
        )

    def past(self, like_BHLP: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values that the next position of each row may see, in order.

        Parameters
        ----------
        like_BHLP : Tensor
            New keys, for dtype and shape.

        Returns
        -------
        tuple of Tensor
            Keys and values (B, H, T, P), where the last stands right before the next position;
            and (B,) how many of the first T a row doesn't have.
        """
        longest = int(self.position_B.max())
        reach = longest if self._slots is None else min(longest, self._slots - 1)
        missing_B = (reach - self.position_B).clamp(min=0)
        if self._keys is None or self._values is None or not reach:
            none = like_BHLP[:, :, :0]
            return none, none, missing_B
        before_T = torch.arange(-reach, 0, device=self.position_B.device)
        slot_BT = (self.position_B.unsqueeze(1) + before_T).clamp_(min=0)
        if self._slots is not None:
            slot_BT %= self._slots
        _, heads, _, width = self._keys.shape
        index = slot_BT[:, None, :, None].expand(-1, heads, -1, width)
        keys, values = (t.gather(2, index) for t in (self._keys, self._values))
        return keys.to(like_BHLP.dtype), values.to(like_BHLP.dtype), missing_B

    def extend(self, k_BHLP: Tensor, v_BHLP: Tensor, valid_BL: Tensor) -> None:
        """Add the keys and values of the valid positions, which come first in every row."""
        count_B1 = valid_BL.sum(1, keepdim=True)
        place_L = torch.arange(valid_BL.shape[1], device=valid_BL.device)
        kept_BL = valid_BL
        slot_BL = self.position_B.unsqueeze(1) + place_L
        used = int((self.position_B + count_B1[:, 0]).max())
        if self._slots is not None:
            # Of several positions that would share a slot the last one counts.
            kept_BL = valid_BL & (place_L >= count_B1 - self._slots)
            slot_BL, used = slot_BL % self._slots, min(used, self._slots)
        if used:
            self._keys = self._grown(self._keys, k_BHLP[:, :, 0], used)
            self._values = self._grown(self._values, v_BHLP[:, :, 0], used)
            rows_V, places_V = kept_BL.nonzero(as_tuple=True)
            at = (rows_V, slice(None), slot_BL[rows_V, places_V])
            self._keys[at] = k_BHLP[rows_V, :, places_V].to(self._keys.dtype)
            self._values[at] = v_BHLP[rows_V, :, places_V].to(self._values.dtype)
        self.position_B += count_B1[:, 0]

    def _grown(self, cache: Tensor | None, like_RHP: Tensor, used: int) -> Tensor:
        have = 0 if cache is None else cache.shape[2]
        if cache is not None and used <= have:
            return cache
        slots = max(have + max(GROWTH, have), used)
        if self._slots is not None:
            slots = min(slots, self._slots)
        _, heads, width = like_RHP.shape
        # Zeros: whatever is not seen gets the weight 0, and 0 times nan would be nan.
        larger = like_RHP.new_zeros(len(self.position_B), heads, slots, width)
        if cache is not None:
            larger[:, :, :have] = cache
        return larger

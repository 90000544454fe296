"""The Mamba-2 mixer."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genomenet.nn.linear import Linear
from genomenet.nn.norm import EPSILON, GatedRMSNorm
from genomenet.nn.rows import latest, put_rows, take_rows
from genomenet.ops import backend
from genomenet.ops.conv import causal_conv_silu, conv_silu_step
from genomenet.ops.native import library
from genomenet.ops.native.mamba2 import NativeMamba2
from genomenet.ops.packing import Packing
from genomenet.ops.ssd import ssd_scan, ssd_step_
from genomenet.ops.ssd_prefix import ssd_read_

DT_MIN, DT_MAX, DT_FLOOR = 1e-3, 1e-1, 1e-4
A_MIN, A_MAX = 1.0, 16.0


@dataclass
class Mamba2State:
    """What Mamba-2 remembers of a prefix.

    Attributes
    ----------
    conv_BTC : Tensor
        The inputs of the convolution at the d_conv - 1 positions before, oldest first.
    ssm_BHPN : Tensor
        State of the scan; never below float32.
    """

    conv_BTC: Tensor
    ssm_BHPN: Tensor


class Mamba2(nn.Module):
    """Selective state space mixer with one group of B and C and a gated RMSNorm.

    Parameter names and layouts are those of mamba_ssm's Mamba2, so its weights fit.
    Source: Mamba-2 (arXiv 2405.21060).

    Parameters
    ----------
    d_model, d_inner : int
        Width outside and inside.
    head_dim : int
        Width of a head; divides d_inner.
    d_state : int
        State size of a head.
    d_conv : int
        Taps of the causal convolution.
    """

    def __init__(self, d_model: int, d_inner: int, head_dim: int, d_state: int, d_conv: int):
        super().__init__()
        self.d_inner, self.d_state, self.head_dim = d_inner, d_state, head_dim
        heads = d_inner // head_dim
        channels = d_inner + 2 * d_state
        self.in_proj = Linear(d_model, d_inner + channels + heads, bias=False)
        # Only the parameters of this layer are used; its name is the one in published weights.
        self.conv1d = nn.Conv1d(channels, channels, d_conv, groups=channels)
        dt = torch.exp(torch.empty(heads).uniform_(math.log(DT_MIN), math.log(DT_MAX)))
        dt = dt.clamp(min=DT_FLOOR)
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))  # softplus inverse
        self.A_log = nn.Parameter(torch.empty(heads).uniform_(A_MIN, A_MAX).log())
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = GatedRMSNorm(d_inner)
        self.out_proj = Linear(d_inner, d_model, bias=False)

    def forward(self, x_BLD: Tensor, packing: Packing | None = None) -> Tensor:
        """Mix positions, of packed rows within their sequences; returns (B, L, D)."""
        projected_BLE = self.in_proj(x_BLD)
        assert self.conv1d.bias is not None
        weight_CK = self.conv1d.weight.squeeze(1)
        if packing is None and self._is_native(projected_BLE):
            y_BLI = NativeMamba2.apply(
                projected_BLE.float(),
                weight_CK,
                self.conv1d.bias,
                self.dt_bias,
                -torch.exp(self.A_log),
                self.D,
                self.norm.weight,
                (self.d_inner, self.d_state, self.head_dim),
                EPSILON,
            )
            return self.out_proj(y_BLI)
        z_BLI, xBC_BLC, dt_BLH = self._split(projected_BLE)
        xBC_BLC = causal_conv_silu(xBC_BLC, weight_CK, self.conv1d.bias, packing)
        x_BLI, B_BLN, C_BLN = xBC_BLC.split([self.d_inner, self.d_state, self.d_state], dim=-1)
        y_BLHP = ssd_scan(
            x_BLI.unflatten(-1, (-1, self.head_dim)),
            self._step_sizes(dt_BLH),
            -torch.exp(self.A_log),
            B_BLN,
            C_BLN,
            self.D,
            matmul_dtype=_autocast_dtype(x_BLD),
            packing=packing,
        )
        return self.out_proj(self.norm(y_BLHP.flatten(2), z_BLI))

    def _is_native(self, projected_BLE: Tensor) -> bool:
        """Whether the compiled library does all between the projections."""
        taps = self.conv1d.weight.shape[-1]
        return (
            2 <= taps <= 4
            and library.serves(self.dt_bias, self.norm.weight)
            and not backend.uses("ssd", projected_BLE)
        )

    def _split(self, projected: Tensor) -> tuple[Tensor, ...]:
        """The gate, what is convolved, and the raw step sizes, of (..., E)."""
        widths = [self.d_inner, self.d_inner + 2 * self.d_state, self.dt_bias.numel()]
        return projected.split(widths, dim=-1)

    def _step_sizes(self, dt: Tensor) -> Tensor:
        """Positive step sizes; they decide over exponents, so never below float32."""
        exact = torch.promote_types(dt.dtype, torch.float32)
        return F.softplus(dt.to(exact) + self.dt_bias)

    def new_state(self, batch_size: int, device: torch.device) -> Mamba2State:
        """The state of `batch_size` empty sequences."""
        channels, _, taps = self.conv1d.weight.shape
        dtype = torch.promote_types(self.dt_bias.dtype, torch.float32)
        heads = (self.dt_bias.numel(), self.head_dim, self.d_state)
        return Mamba2State(
            torch.zeros(batch_size, taps - 1, channels, dtype=dtype, device=device),
            torch.zeros(batch_size, *heads, dtype=dtype, device=device),
        )

    def step(self, x_RD: Tensor, state: Mamba2State, rows_R: Tensor) -> Tensor:
        """One more position of the rows named; equals `forward` at that position."""
        z_RI, xBC_RC, dt_RH = self._split(self.in_proj(x_RD))
        past_RTC = take_rows(state.conv_BTC, rows_R)
        assert self.conv1d.bias is not None
        conv_RC = conv_silu_step(past_RTC, xBC_RC, self.conv1d.weight.squeeze(1), self.conv1d.bias)
        put_rows(state.conv_BTC, rows_R, torch.cat([past_RTC, xBC_RC.unsqueeze(1)], 1)[:, 1:])
        x_RI, B_RN, C_RN = conv_RC.split([self.d_inner, self.d_state, self.d_state], dim=-1)
        y_RHP = ssd_step_(
            state.ssm_BHPN,
            x_RI.unflatten(-1, (-1, self.head_dim)),
            self._step_sizes(dt_RH),
            -torch.exp(self.A_log),
            B_RN,
            C_RN,
            self.D,
            None if len(rows_R) == len(state.ssm_BHPN) else rows_R,
        )
        return self.out_proj(self.norm.step(y_RHP.flatten(1), z_RI))

    def read(self, x_BLD: Tensor, valid_BL: Tensor, state: Mamba2State) -> Tensor:
        """Many positions behind the state; equals a loop of `step` over the valid ones."""
        z_BLI, xBC_BLC, dt_BLH = self._split(self.in_proj(x_BLD))
        past = state.conv_BTC.shape[1]
        joined_BTC = torch.cat([state.conv_BTC.to(xBC_BLC.dtype), xBC_BLC], 1)
        assert self.conv1d.bias is not None
        conv_BLC = causal_conv_silu(joined_BTC, self.conv1d.weight.squeeze(1), self.conv1d.bias)
        x_BLI, B_BLN, C_BLN = conv_BLC[:, past:].split(
            [self.d_inner, self.d_state, self.d_state], dim=-1
        )
        state.conv_BTC.copy_(latest(joined_BTC, valid_BL.sum(1), past))
        y_BLHP = ssd_read_(
            state.ssm_BHPN,
            x_BLI.unflatten(-1, (-1, self.head_dim)),
            # No step at padding: the state stays as it is.
            self._step_sizes(dt_BLH) * valid_BL.unsqueeze(-1),
            -torch.exp(self.A_log),
            B_BLN,
            C_BLN,
            self.D,
            matmul_dtype=_autocast_dtype(x_BLD),
        )
        return self.out_proj(self.norm(y_BLHP.flatten(2), z_BLI))


def _autocast_dtype(x: Tensor) -> torch.dtype | None:
    """The dtype that autocast asks of the scan's matrix products.

    None on a CPU, whose float32 products are faster than casting (benchmarks/ops.py).
    """
    kind = x.device.type
    if kind == "cpu" or not torch.is_autocast_enabled(kind):
        return None
    return torch.get_autocast_dtype(kind)

"""What a model is: one frozen dataclass, readable without torch."""

from dataclasses import dataclass, field
from typing import Literal

from genomenet.errors import UserError
from genomenet.nn.layout import Layout, parse_layout
from genomenet.nn.stage import StageConfig


@dataclass(frozen=True)
class ModelConfig:
    """A causal language model on nucleotides.

    A field given per stage is one number shared by all stages, or a list from the outermost
    stage (base resolution) inwards, one longer than the list of targets.

    Attributes
    ----------
    layout
        Networks from outside in, such as "m2 + T7 + m1": m and M are Mamba-2 layers, t and T
        causal attention, upper case has an MLP; one network is an isotropic model.
    notation
        "code" reads the layout as above; "paper" reads M in encoders and decoders as Mamba-2
        without an MLP, as the H-Net paper prints it.
    d_model
        Width per stage; it may only grow inwards.
    targets
        Wanted positions per chunk, one a chunking stage.
    router
        Where boundaries fall: "learned" (H-Net's routing) or "fixed" (a grid of the target).
    mlp_width_attention
        Hidden width of the MLP after attention per stage; 0 is 8/3 of d_model.
    mlp_width_mamba
        Hidden width of the MLP after Mamba-2 per stage; 0 is 8/3 of d_model.
    head_dim
        Width of an attention head per stage.
    rotary_dim
        Rotated dimensions of each attention head per stage; 0 is half of head_dim.
    window
        Positions that attention sees back per stage, beside its own; -1 is all.
    d_state
        State size of Mamba-2.
    d_conv
        Taps of Mamba-2's causal convolution.
    expand
        Inner width of Mamba-2 over d_model.
    mamba_head_dim
        Width of a Mamba-2 head.
    vocab_size
        Rows of the embedding and of the head; A, C, G, T, N are 0 to 4.
    source
        Where the model comes from.
    guessed
        Fields that the source does not state.
    """

    layout: str = "m2 + T7 + m1"
    notation: Literal["code", "paper"] = "code"
    d_model: int | list[int] = 128
    targets: float | list[float] = 3.0
    router: Literal["learned", "fixed"] = "learned"
    mlp_width_attention: int | list[int] = 0
    mlp_width_mamba: int | list[int] = 0
    head_dim: int | list[int] = 64
    rotary_dim: int | list[int] = 0
    window: int | list[int] = -1
    d_state: int = 128
    d_conv: int = 4
    expand: int = 2
    mamba_head_dim: int = 64
    vocab_size: int = 8
    source: str = ""
    guessed: list[str] = field(default_factory=list)

    def networks(self) -> Layout:
        """The parsed layout."""
        return parse_layout(self.layout, self.notation)

    def target(self, stage: int) -> float:
        """Wanted positions per chunk of a chunking stage."""
        return float(self._of_stage("targets", stage))

    def stage(self, stage: int) -> "StageConfig":
        """The numbers of one stage; the innermost is `networks().stages`."""
        d_model = int(self._of_stage("d_model", stage))
        head_dim = int(self._of_stage("head_dim", stage))
        default_mlp = -(-8 * d_model // 3)
        return StageConfig(
            d_model=d_model,
            mlp_width_attention=_round_up(
                int(self._of_stage("mlp_width_attention", stage)) or default_mlp, MLP_MULTIPLE
            ),
            mlp_width_mamba=_round_up(
                int(self._of_stage("mlp_width_mamba", stage)) or default_mlp, MLP_MULTIPLE
            ),
            head_dim=head_dim,
            rotary_dim=int(self._of_stage("rotary_dim", stage)) or head_dim // 2,
            window=int(self._of_stage("window", stage)),
            d_state=self.d_state,
            d_conv=self.d_conv,
            d_inner=self.expand * d_model,
            mamba_head_dim=self.mamba_head_dim,
        )

    def _of_stage(self, name: str, stage: int) -> float:
        value = getattr(self, name)
        return value[0 if len(value) == 1 else stage] if isinstance(value, list) else value

    def check(self) -> "ModelConfig":
        """Return self after making sure that the fields agree.

        Raises
        ------
        UserError
            Naming the field, what is wrong with it and what would be right.
        """
        layout = self.networks()
        stages = layout.stages
        per_stage = ("d_model", "mlp_width_attention", "mlp_width_mamba", "head_dim")
        for name in (*per_stage, "rotary_dim", "window", "targets"):
            value = getattr(self, name)
            wanted = stages if name == "targets" else stages + 1
            if isinstance(value, list) and len(value) not in {1, wanted} and wanted > 0:
                raise UserError(
                    f"model.{name} has {len(value)} values, but layout '{self.layout}' has "
                    f"{stages} chunking stage(s); give one value or {wanted}"
                )
        for name in ("d_state", "d_conv", "expand", "mamba_head_dim"):
            if getattr(self, name) < 1:
                raise UserError(f"model.{name} is {getattr(self, name)}; give a number from 1")
        if self.vocab_size < 5:
            raise UserError(f"model.vocab_size is {self.vocab_size}; A, C, G, T and N need 5")
        width = 0
        for stage in range(stages + 1):
            numbers = self.stage(stage)
            if numbers.d_model < max(width, 1):
                raise UserError(
                    f"model.d_model must grow inwards, but stage {stage} has {numbers.d_model} "
                    f"after {width}"
                )
            width = numbers.d_model
            letters = _letters_of_stage(layout, stage)
            if "t" in letters.lower() and (numbers.head_dim < 1 or width % numbers.head_dim):
                raise UserError(
                    f"model.head_dim {numbers.head_dim} does not divide d_model {width} of "
                    f"stage {stage}"
                )
            if numbers.rotary_dim % 2 or not 0 <= numbers.rotary_dim <= numbers.head_dim:
                raise UserError(
                    f"model.rotary_dim {numbers.rotary_dim} of stage {stage} must be even and at "
                    f"most head_dim {numbers.head_dim}"
                )
            if "m" in letters.lower() and numbers.d_inner % numbers.mamba_head_dim:
                raise UserError(
                    f"model.mamba_head_dim {numbers.mamba_head_dim} does not divide "
                    f"expand * d_model = {numbers.d_inner} of stage {stage}"
                )
            if min(numbers.mlp_width_attention, numbers.mlp_width_mamba) < 1:
                raise UserError(
                    f"a negative MLP width in stage {stage}: give model.mlp_width_attention "
                    "and model.mlp_width_mamba 0 for the default, or more"
                )
            if numbers.window < -1:
                raise UserError(f"model.window {numbers.window}: use -1 for all, or a length")
        for stage in range(stages):
            target = self.target(stage)
            if not target > 1:
                raise UserError(f"model.targets: {target:g} positions per chunk; give more than 1")
            if self.router == "fixed" and target != int(target):
                raise UserError(f"model.targets: a fixed grid needs a whole number, not {target:g}")
        return self


def _letters_of_stage(layout: Layout, stage: int) -> str:
    if stage == layout.stages:
        return layout.main
    return layout.encoders[stage] + layout.decoders[stage]


MLP_MULTIPLE = 32
"""MLP widths are rounded up to a multiple of this, so that matrices stay aligned."""


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple

"""GenomeNet models for transformers, around the installed `genomenet`; weights keep their names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedModel
from transformers.utils import ModelOutput

from genomenet.errors import UserError
from genomenet.genome.alphabet import ALPHABETS
from genomenet.models.config import ModelConfig
from genomenet.models.hidden_layers import read_layers
from genomenet.models.hidden_states import HiddenLayer
from genomenet.models.language_model import LanguageModel, LanguageModelOutput
from genomenet.models.patcher import read_patcher
from genomenet.models.tokenised import make_language_model

from .configuration_genomenet import GenomeNetConfig


@dataclass
class GenomeNetModelOutput(ModelOutput):
    """What the layers make of a batch.

    Attributes
    ----------
    last_hidden_state : Tensor, shape (B, L, D)
        What the head reads.
    hidden_states : tuple of Tensor, optional
        Vectors of every layer, from the first encoder inwards and out again; those within a stage
        of chunks stand at chunks, (B, S, D).
    hidden_positions, hidden_valid : tuple of Tensor, optional
        For each layer, the position (B, S) in the input that each vector stands at, and whether
        there is one; padding else.
    boundaries : tuple of Tensor of bool, shape (B, L) outermost
        Where the network within steps, one a chunking stage.
    """

    last_hidden_state: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    hidden_positions: tuple[Tensor, ...] | None = None
    hidden_valid: tuple[Tensor, ...] | None = None
    boundaries: tuple[Tensor, ...] | None = None


@dataclass
class GenomeNetCausalLMOutput(ModelOutput):
    """What the model says of a batch.

    Attributes
    ----------
    loss : Tensor, optional
        Mean nats of the labels that are scored.
    logits : Tensor, shape (B, L, V)
        Scores of the token after every position.
    hidden_states, hidden_positions, hidden_valid, boundaries
        As in `GenomeNetModelOutput`.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    hidden_positions: tuple[Tensor, ...] | None = None
    hidden_valid: tuple[Tensor, ...] | None = None
    boundaries: tuple[Tensor, ...] | None = None


class GenomeNetPreTrainedModel(PreTrainedModel):
    """A `genomenet` language model whose networks are this model's own, under the same names."""

    config_class = GenomeNetConfig
    main_input_name = "input_ids"
    embeddings: nn.Module
    lm_head: nn.Module
    _made: LanguageModel
    _tables: dict[str, Tensor]

    def __init__(self, config: GenomeNetConfig):
        super().__init__(config)
        # Transformers builds models on the meta device. What genomenet computes while it builds one
        # (tables of patchers) is in no checkpoint, so it has to be made for real.
        with torch.device("cpu"):
            made = make_language_model(config.model_config())
        for name, child in made.named_children():
            self.add_module(name, child)
        object.__setattr__(self, "_made", made)  # no child of this one: its children are
        saved = set(made.state_dict())
        self._tables = {
            name: table.clone() for name, table in made.named_buffers() if name not in saved
        }
        self.post_init()

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, name: Any, *arguments: Any, **options: Any
    ) -> Any:
        """Load as transformers does, all weights or none.

        Raises
        ------
        UserError
            When weights are missing, which transformers would draw at random; or are to be in
            half precision, which scans can't do with.
        """
        told = options.pop("output_loading_info", False)
        loaded: Any = super().from_pretrained(name, *arguments, output_loading_info=True, **options)
        model, info = loaded
        if info["missing_keys"]:
            raise UserError(
                f"{name} lacks weights of its model, such as {sorted(info['missing_keys'])[0]}; "
                "export or download it again"
            )
        if model.dtype not in (torch.float32, torch.float64):
            raise UserError(
                f"the weights of {name} can't be {model.dtype}: leave dtype out, and run the model "
                "under torch.autocast for products in bfloat16"
            )
        for path, table in model._tables.items():
            module, _, buffer = path.rpartition(".")
            owner = model.get_submodule(module)
            setattr(owner, buffer, table.to(model.device))
        return (model, info) if told else model

    def save_pretrained(  # type: ignore[override]
        self, folder: Any, *arguments: Any, **options: Any
    ) -> None:
        """Save as transformers does, and the patcher with it."""
        # These are other weights, maybe: the digest of the exported ones says nothing of them.
        self.config.weights = None
        super().save_pretrained(folder, *arguments, **options)
        if self._made.config.patcher and not (Path(folder) / "patcher").exists():
            read_patcher(self._made.config.patcher).copy_to(Path(folder) / "patcher")

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing: genomenet draws initial weights where it builds a model."""

    def get_input_embeddings(self) -> nn.Module:
        """The embeddings of tokens."""
        return self.embeddings

    @property
    def language_model(self) -> LanguageModel:
        """The model of genomenet, with the networks that this one has now."""
        for name, child in self.named_children():
            self._made.add_module(name, child)
        return self._made

    def _read(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None,
        soft_mask: Tensor | None,
        scores: Tensor | None,
        layers: bool,
    ) -> tuple[LanguageModelOutput, list[HiddenLayer]]:
        """The model's output; also what its layers made, if they are asked for."""
        valid_BL = torch.ones_like(input_ids, dtype=torch.bool)
        if attention_mask is not None:
            valid_BL = attention_mask.bool()
            if valid_BL.shape != input_ids.shape or (valid_BL[:, 1:] & ~valid_BL[:, :-1]).any():
                raise UserError(
                    f"the attention mask has the shape {tuple(valid_BL.shape)} or ones behind "
                    "zeros; pad on the right, with padding_side='right' of the tokenizer"
                )
        given = {"masked_BL": soft_mask, "scores_BL": scores}
        if not layers:
            return self.language_model(input_ids, valid_BL, **given), []
        position_BL = torch.arange(input_ids.shape[1], device=input_ids.device)
        position_BL = position_BL.expand_as(input_ids)
        return read_layers(self.language_model, input_ids, valid_BL, position_BL, **given)

    def _wants_layers(self, output_hidden_states: bool | None) -> bool:
        if output_hidden_states is None:
            return bool(self.config.output_hidden_states)
        return output_hidden_states


class GenomeNetModel(GenomeNetPreTrainedModel):
    """Vectors of bases: what AutoModel gives."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        soft_mask: Tensor | None = None,
        scores: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> GenomeNetModelOutput | tuple:
        """Read a batch.

        Parameters
        ----------
        input_ids : Tensor of int64, shape (B, L)
            Tokens, the start token first.
        attention_mask : Tensor, shape (B, L), optional
            0 at right padding.
        soft_mask : Tensor of bool, shape (B, L), optional
            Soft mask of each base, for chunkers that read it.
        scores : Tensor of float32, shape (B, L), optional
            Score of each base, for chunkers that read a track.
        output_hidden_states, return_dict : bool, optional
            As in transformers.
        """
        output, layers = self._read(input_ids, attention_mask, soft_mask, scores, layers=True)
        found = GenomeNetModelOutput(
            last_hidden_state=layers[-1].vectors,
            boundaries=tuple(decided.mask for decided in output.boundaries),
            **(_hidden(layers) if self._wants_layers(output_hidden_states) else {}),
        )
        return found if return_dict is not False else found.to_tuple()


class GenomeNetForCausalLM(GenomeNetPreTrainedModel, GenerationMixin):
    """Scores of the next base: what AutoModelForCausalLM gives."""

    def get_output_embeddings(self) -> nn.Module:
        """The head."""
        return self.lm_head

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        soft_mask: Tensor | None = None,
        scores: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> GenomeNetCausalLMOutput | tuple:
        """Score the token after every position.

        Parameters
        ----------
        input_ids, attention_mask, soft_mask, scores, output_hidden_states, return_dict
            As in `GenomeNetModel`.
        labels : Tensor of int64, shape (B, L), optional
            Tokens, usually `input_ids`; shifted here. -100, N, start tokens and padding are not
            scored.
        """
        wanted = self._wants_layers(output_hidden_states)
        output, layers = self._read(input_ids, attention_mask, soft_mask, scores, wanted)
        found = GenomeNetCausalLMOutput(
            loss=None if labels is None else self._loss(output.logits, labels, attention_mask),
            logits=output.logits,
            boundaries=tuple(decided.mask for decided in output.boundaries),
            **(_hidden(layers) if wanted else {}),
        )
        return found if return_dict is not False else found.to_tuple()

    def prepare_inputs_for_generation(  # type: ignore[override]
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **others: Any
    ) -> dict[str, Any]:
        """The whole sequence, each time: there is no cache here."""
        return {"input_ids": input_ids, "attention_mask": attention_mask}

    def _loss(self, logits_BLV: Tensor, labels: Tensor, attention_mask: Tensor | None) -> Tensor:
        targets_BL = labels[:, 1:]
        scored_BL = _is_scored(self._made.config, targets_BL)
        if attention_mask is not None:
            scored_BL = scored_BL & attention_mask[:, 1:].bool()
        exact = torch.promote_types(logits_BLV.dtype, torch.float32)
        return F.cross_entropy(
            logits_BLV[:, :-1].to(exact).transpose(1, 2),
            targets_BL.masked_fill(~scored_BL, -100),
        )


def _hidden(layers: list[HiddenLayer]) -> dict[str, tuple]:
    return {
        "hidden_states": tuple(layer.vectors for layer in layers),
        "hidden_positions": tuple(layer.position for layer in layers),
        "hidden_valid": tuple(layer.valid for layer in layers),
    }


def _is_scored(config: ModelConfig, targets: Tensor) -> Tensor:
    alphabet = ALPHABETS[config.alphabet]
    known = (targets >= 0) & (targets != alphabet.start_code)
    if config.tokeniser == "none":
        return known & (targets < alphabet.scored_codes)
    return known & (targets != alphabet.start_code + 1)  # N and the start of tokens

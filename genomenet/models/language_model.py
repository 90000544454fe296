"""The causal language model: embedding, network, head."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genomenet.chunking.boundaries import Boundaries, Positions
from genomenet.chunking.patch_lengths import mask_from_patch_lengths
from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.models.initialise import initialise
from genomenet.models.nats import Scores, next_base_nats
from genomenet.models.network import make_network
from genomenet.models.ngrams import make_ngrams
from genomenet.nn.linear import Linear


@dataclass(frozen=True)
class LanguageModelOutput:
    """What the model says about a batch.

    Attributes
    ----------
    logits : Tensor, shape (B, L, V)
        Scores of the next base at every position.
    boundaries : tuple of Boundaries
        Boundary probabilities and decisions, one a chunking stage, outermost first.
    """

    logits: Tensor
    boundaries: tuple[Boundaries, ...]


@dataclass
class LanguageModelState:
    """What the model remembers of prefixes that grow one position at a time.

    Attributes
    ----------
    backbone : object
        The network's state.
    ngrams : Tensor, optional
        The last tokens of each row, where n-grams are embedded.
    """

    backbone: Any
    ngrams: Tensor | None = None

    @property
    def steps(self) -> tuple[int, ...]:
        """Positions seen by all rows, one number a stage, outermost first."""
        return self.backbone.steps


class LanguageModel(nn.Module):
    """Predict every base from the ones before it.

    Parameters
    ----------
    config : ModelConfig
        The model; initialised from torch's global random state.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config.check()
        d_model = config.stage(0).d_model
        self.embeddings = nn.Embedding(config.vocab_size, d_model)
        self.ngrams = make_ngrams(config)
        self.backbone: Any = make_network(config)
        self.lm_head = Linear(d_model, config.vocab_size, bias=False)
        initialise(self.embeddings, self.backbone, self.lm_head)

    def forward(
        self,
        tokens_BL: Tensor,
        valid_BL: Tensor | None = None,
        *,
        masked_BL: Tensor | None = None,
        scores_BL: Tensor | None = None,
        patch_lengths: Tensor | None = None,
    ) -> LanguageModelOutput:
        """Score the base after every position.

        Parameters
        ----------
        tokens_BL : Tensor of int64
            Codes; right-padded where rows differ in length.
        valid_BL : Tensor of bool, optional
            False at padding; all positions count when left out.
        masked_BL : Tensor of bool, optional
            Soft mask of the base at each position, for chunkers that read it; none when left
            out.
        scores_BL : Tensor of float32, optional
            External score of the base at each position, for chunkers that read it.
        patch_lengths : Tensor of int64, shape (B, P), optional
            BLT's way to impose the boundaries of the outermost stage: lengths of the patches
            of each row, the first 1, adding up to L + 1, padded with zeros at the right.

        Raises
        ------
        UserError
            When `patch_lengths` break that rule, or the model has no patches.
        """
        if valid_BL is None:
            valid_BL = torch.ones_like(tokens_BL, dtype=torch.bool)
        if masked_BL is None:
            masked_BL = torch.zeros_like(valid_BL)
        given_BL = None
        if patch_lengths is not None:
            if not self.config.networks().stages:
                raise UserError(f"layout '{self.config.layout}' has no patches to give lengths of")
            if patch_lengths.ndim != 2 or len(patch_lengths) != len(tokens_BL):
                raise UserError(
                    f"patch_lengths have the shape {tuple(patch_lengths.shape)}; give a row of "
                    f"lengths for each of the {len(tokens_BL)} row(s) of tokens"
                )
            given_BL = mask_from_patch_lengths(patch_lengths, tokens_BL.shape[1])
        positions = Positions(valid_BL, tokens_BL, masked_BL, scores_BL, given_BL)
        x_BLD = self.embeddings(tokens_BL)
        if self.ngrams is not None:
            x_BLD = x_BLD + self.ngrams(tokens_BL)
        x_BLD, boundaries = self.backbone(x_BLD, positions)
        return LanguageModelOutput(self.lm_head(x_BLD), boundaries)

    def score(
        self,
        tokens_BL: Tensor,
        targets_BL: Tensor,
        valid_BL: Tensor,
        *,
        masked_BL: Tensor | None = None,
        scores_BL: Tensor | None = None,
    ) -> Scores:
        """Nats of every base: what models are trained on and compared by.

        Parameters
        ----------
        tokens_BL, valid_BL, masked_BL, scores_BL
            As in `forward`.
        targets_BL : Tensor of int64
            The base after every position; -1 where nothing is scored.
        """
        output = self(tokens_BL, valid_BL, masked_BL=masked_BL, scores_BL=scores_BL)
        return Scores(next_base_nats(output.logits, targets_BL), output.boundaries)

    def new_state(self, batch_size: int, device: torch.device | str) -> LanguageModelState:
        """The state of `batch_size` empty sequences, for `step`."""
        device = torch.device(device)
        ngrams = None if self.ngrams is None else self.ngrams.new_state(batch_size, device)
        return LanguageModelState(self.backbone.new_state(batch_size, device), ngrams)

    def step(
        self,
        tokens_R: Tensor,
        state: LanguageModelState,
        rows_R: Tensor | None = None,
        *,
        masked_R: Tensor | None = None,
        scores_R: Tensor | None = None,
    ) -> Tensor:
        """Read one more token in some rows; equals `forward` at that position.

        Parameters
        ----------
        tokens_R : Tensor of int64
            Codes; the first of a sequence is the start symbol.
        state : LanguageModelState
            From `new_state`; brought up to date in place.
        rows_R : Tensor of int64, optional
            The rows that step: different ones, in ascending order; all when left out.
        masked_R, scores_R : Tensor, optional
            As in `forward`.

        Returns
        -------
        Tensor
            (R, V) scores of the next base.
        """
        if rows_R is None:
            rows_R = torch.arange(len(tokens_R), device=tokens_R.device)
        if masked_R is None:
            masked_R = torch.zeros_like(tokens_R, dtype=torch.bool)
        position = Positions(
            torch.ones_like(tokens_R, dtype=torch.bool).unsqueeze(1),
            tokens_R.unsqueeze(1),
            masked_R.unsqueeze(1),
            None if scores_R is None else scores_R.unsqueeze(1),
        )
        x_RD = self.embeddings(tokens_R)
        if self.ngrams is not None and state.ngrams is not None:
            x_RD = x_RD + self.ngrams.step(tokens_R, state.ngrams, rows_R)
        return self.lm_head(self.backbone.step(x_RD, position, state.backbone, rows_R))

    @torch.no_grad()
    def read(
        self,
        tokens_BL: Tensor,
        state: LanguageModelState,
        valid_BL: Tensor | None = None,
        *,
        masked_BL: Tensor | None = None,
        scores_BL: Tensor | None = None,
    ) -> LanguageModelOutput:
        """Read many more tokens of all rows at once, behind what the state has read.

        Equals a loop of `step` over the valid positions, and the slice of `forward` over the
        whole. Has no gradients.

        Parameters
        ----------
        tokens_BL : Tensor of int64
            Codes, right-padded; the first of a sequence is the start symbol.
        state : LanguageModelState
            From `new_state`, of as many rows; brought up to date in place, each row to its last
            valid position. `genomenet.nn.rows.copy_rows` makes copies of its rows.
        valid_BL : Tensor of bool, optional
            False at padding; all positions count when left out. A row may have none.
        masked_BL, scores_BL : Tensor, optional
            As in `forward`.

        Returns
        -------
        LanguageModelOutput
            Of these positions. Boundaries of a stage within are of its new chunks.
        """
        if valid_BL is None:
            valid_BL = torch.ones_like(tokens_BL, dtype=torch.bool)
        if masked_BL is None:
            masked_BL = torch.zeros_like(valid_BL)
        x_BLD = self.embeddings(tokens_BL)
        if self.ngrams is not None and state.ngrams is not None:
            x_BLD = x_BLD + self.ngrams.read(tokens_BL, valid_BL, state.ngrams)
        positions = Positions(valid_BL, tokens_BL, masked_BL, scores_BL)
        x_BLD, boundaries = self.backbone.read(x_BLD, positions, state.backbone)
        return LanguageModelOutput(self.lm_head(x_BLD), boundaries)

"""The language model over tokens longer than a base, scored per base like every other model."""

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Boundaries
from genomenet.chunking.chunk import find_chunks
from genomenet.genome.alphabet import N_CODE
from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel
from genomenet.models.nats import Scores, next_base_nats
from genomenet.models.tokeniser import START_TOKEN, make_tokeniser


class TokenisedLanguageModel(LanguageModel):
    """Predict every token from the ones before it.

    `forward`, and stepping, are those of a language model whose positions are tokens: see
    `genomenet.models.tokeniser` for their ids. `score` takes the windows of bases that every
    model is trained and evaluated on.

    Parameters
    ----------
    config : ModelConfig
        With a `tokeniser`; its `patcher` folder is read for byte-pair encoding.

    Raises
    ------
    UserError
        When the tokeniser is missing, or has more tokens than the model.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        self.tokeniser = make_tokeniser(config)

    def score(
        self,
        tokens_BL: Tensor,
        targets_BL: Tensor,
        valid_BL: Tensor,
        *,
        masked_BL: Tensor | None = None,
        scores_BL: Tensor | None = None,
    ) -> Scores:
        """Nats of every base: those of its token, shared out evenly over the token's bases.

        A window's sum is minus the log-probability of its *canonical* token sequence, the one
        that the tokeniser cuts. The same bases can be written as other sequences of tokens too,
        and what the model gives to these is lost. So the sum is an upper bound on minus the
        log-probability of the bases. The bound is loose by whatever probability the model gives
        to tokens that cannot come next in a canonical sequence: for k-mers these are single
        bases before the tail, and words where the tail begins; for byte-pair encoding also words
        that would have been merged with a neighbour. Within a window the sum is exact, but how it
        is spread over the bases of a token is a convention. It matters where some of these are
        left out or weighed: soft-masked ones, for instance.

        Tokens of N are read and not scored.

        Parameters
        ----------
        tokens_BL : Tensor of int64
            Not used: the windows are known from their targets.
        targets_BL : Tensor of int64
            The bases; -1 for N and padding.
        valid_BL : Tensor of bool
            False at right padding.
        masked_BL, scores_BL : Tensor, optional
            Not used.

        Returns
        -------
        Scores
            Its only boundaries are those of tokens: in the words of `Boundaries` the network
            steps once a token ends, and at the start.
        """
        bases_BL = torch.where(targets_BL < 0, N_CODE, targets_BL)
        cut = self.tokeniser.cut(bases_BL, valid_BL)
        chunks = find_chunks(cut.ends_BL)
        targets_BS = cut.token_BL.gather(1, chunks.start_BS)
        tokens_BS = torch.full_like(targets_BS, START_TOKEN)
        tokens_BS[:, 1:] = targets_BS[:, :-1]
        output = self(tokens_BS, chunks.valid_BS)
        scored_BS = chunks.valid_BS & (targets_BS != N_CODE)
        nats_BS = next_base_nats(output.logits, targets_BS.masked_fill(~scored_BS, -1))
        # Where a row has no token of that number its place is arbitrary; so is its length.
        before_BS = torch.nn.functional.pad(chunks.start_BS[:, :-1], (1, 0), value=-1)
        length_BS = (chunks.start_BS - before_BS).clamp(min=1)
        number_BL = (cut.ends_BL.cumsum(1) - cut.ends_BL.long()).clamp(max=nats_BS.shape[1] - 1)
        nats_BL = (nats_BS / length_BS).gather(1, number_BL) * (targets_BL >= 0)
        steps_BL = torch.ones_like(cut.ends_BL)
        steps_BL[:, 1:] = cut.ends_BL[:, :-1] & valid_BL[:, 1:]
        boundaries = Boundaries(steps_BL.to(nats_BL.dtype), steps_BL, valid_BL)
        return Scores(nats_BL, (boundaries,))


def make_language_model(config: ModelConfig) -> LanguageModel:
    """The model of a config, over bases or over tokens; drawn from torch's global random state."""
    return (LanguageModel if config.tokeniser == "none" else TokenisedLanguageModel)(config)

"""Models of transformers that score windows of bases as ours do: causal ones and masked ones."""

import inspect
import math
from typing import Any

import torch
from torch import Tensor, nn

from genomenet.errors import UserError
from genomenet.genome.alphabet import N_CODE
from genomenet.interop.hf_words import Tokens, Words
from genomenet.models.hidden_states import HiddenLayer
from genomenet.models.nats import Scores, next_base_nats

MASKED_GROUPS = 8
"""Every eighth token is hidden at once: close to the 15 % that masked models are trained with."""


def positions_of(network: Any) -> int:
    """How many tokens a model of transformers reads at most, by its config; 0 when it says none."""
    for key in ("max_position_embeddings", "n_positions", "max_seqlen", "max_seq_len"):
        limit = getattr(network.config, key, None)
        if isinstance(limit, int) and limit > 0:
            return limit
    return 0


class PeerModel(nn.Module):
    """What causal and masked models share: windows to tokens, nats of tokens to nats of bases.

    Parameters
    ----------
    network : torch.nn.Module
        A language model of transformers.
    words : Words
        What its tokens spell.
    """

    def __init__(self, network: nn.Module, words: Words) -> None:
        super().__init__()
        self.network: Any = network
        self.words = words
        self.dna_ids: Tensor
        self.register_buffer("dna_ids", torch.tensor(sorted(words.spelling)), persistent=False)
        self.most_tokens = positions_of(network)
        self._takes_mask = "attention_mask" in inspect.signature(network.forward).parameters

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

        Probabilities are over the tokens that spell A, C, G and T. A base in a token that the
        vocabulary lacks, or that nothing stands before, costs log 4.

        Parameters
        ----------
        tokens_BL : Tensor of int64
            The start code, then all bases but the last.
        targets_BL : Tensor of int64
            The bases; -1 where nothing is scored.
        valid_BL : Tensor of bool
            False at right padding.
        masked_BL, scores_BL : Tensor, optional
            Not used.
        """
        # Position i reads base i - 1: a base that isn't scored is known from the next position.
        read_BL = nn.functional.pad(tokens_BL[:, 1:], (0, 1), value=N_CODE)
        bases_BL = torch.where(targets_BL < 0, read_BL, targets_BL)
        tokens = self.words.cut(bases_BL, valid_BL)
        nats_BS, asked_BS = self.token_nats(tokens)
        nats_BS = torch.where(asked_BS, nats_BS, tokens.length_BS * math.log(4))
        nats_BL = tokens.to_bases(nats_BS, targets_BL.shape[1])
        return Scores(nats_BL * (targets_BL >= 0), ())

    def hidden_states(
        self, tokens_BL: Tensor, valid_BL: Tensor, masked_BL: Tensor | None = None
    ) -> list[HiddenLayer]:
        """Vectors at tokens, of the embedding and of every layer.

        Parameters
        ----------
        tokens_BL : Tensor of int64
            The start code, then bases, right-padded with anything.
        valid_BL : Tensor of bool
            False at padding.
        masked_BL : Tensor of bool, optional
            Not used.

        Returns
        -------
        list of HiddenLayer
            None of the vectors stands at the start or at another special token.
        """
        tokens = self.words.cut(tokens_BL[:, 1:], valid_BL[:, 1:])
        before = self._before()
        output = self._run(tokens, tokens.id_BS, hidden=True)
        place_BS = tokens.length_BS.cumsum(1)
        size = tokens.id_BS.shape[1]
        names = ["embeddings", *(f"layer {i}" for i in range(1, len(output)))]
        return [
            HiddenLayer(name, x_BTD[:, before : before + size], tokens.valid_BS, place_BS)
            for name, x_BTD in zip(names, output, strict=True)
        ]

    def _before(self) -> int:
        """Special tokens in front of a window."""
        raise NotImplementedError

    def token_nats(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Nats of every token, and which tokens the model was asked for, both (B, S)."""
        raise NotImplementedError

    def _run(self, tokens: Tokens, id_BS: Tensor, hidden: bool = False) -> Any:
        raise NotImplementedError

    def _forward(self, id_BT: Tensor, valid_BT: Tensor, hidden: bool) -> Any:
        """Logits (B, T, V), or a tuple of hidden states (B, T, D)."""
        if self.most_tokens and id_BT.shape[1] > self.most_tokens:
            raise UserError(
                f"a window takes {id_BT.shape[1]:,} tokens, but the model reads at most "
                f"{self.most_tokens:,}; name shorter windows with --max_length"
            )
        options: dict[str, Any] = {"output_hidden_states": hidden}
        if self._takes_mask:
            options["attention_mask"] = valid_BT.long()
        output = self.network(input_ids=id_BT, **options)
        return output.hidden_states if hidden else output.logits

    def _nats(self, logits_BSV: Tensor, id_BS: Tensor, scored_BS: Tensor) -> Tensor:
        """Nats of tokens among those that spell bases; 0 where nothing is scored."""
        rank_BS = torch.searchsorted(self.dna_ids, id_BS.contiguous()).clamp(
            max=len(self.dna_ids) - 1
        )
        targets_BS = torch.where(scored_BS, rank_BS, -1)
        return next_base_nats(logits_BSV[..., self.dna_ids], targets_BS)


class CausalPeer(PeerModel):
    """Predict every token from the ones before it.

    Parameters
    ----------
    network, words
        As in `PeerModel`.
    start : int or None
        Token in front of a window; without one, the first token is not predicted.
    """

    def __init__(self, network: nn.Module, words: Words, start: int | None) -> None:
        super().__init__(network, words)
        self.start = start

    def _before(self) -> int:
        return int(self.start is not None)

    def token_nats(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """One pass; without a start token the first token is not asked for."""
        logits_BTV = self._run(tokens, tokens.id_BS)
        # The last position of a window predicts what is behind it.
        logits_BSV = logits_BTV[:, :-1]
        if self.start is not None:
            return self._nats(logits_BSV, tokens.id_BS, tokens.known_BS), tokens.known_BS
        asked_BS = tokens.known_BS.clone()
        asked_BS[:, 0] = False
        nats_BS = self._nats(logits_BSV, tokens.id_BS[:, 1:], asked_BS[:, 1:])
        return nn.functional.pad(nats_BS, (1, 0)), asked_BS

    def _run(self, tokens: Tokens, id_BS: Tensor, hidden: bool = False) -> Any:
        valid_BT = tokens.valid_BS
        if self.start is not None:
            id_BS = nn.functional.pad(id_BS, (1, 0), value=self.start)
            valid_BT = nn.functional.pad(valid_BT, (1, 0), value=True)
        return self._forward(id_BS, valid_BT, hidden)


class MaskedPeer(PeerModel):
    """Predict every token from all others but those hidden with it: a pseudo-likelihood.

    Parameters
    ----------
    network, words
        As in `PeerModel`.
    mask : int
        The token that hides others.
    """

    def __init__(self, network: nn.Module, words: Words, mask: int) -> None:
        super().__init__(network, words)
        self.mask = mask

    def _before(self) -> int:
        return len(self.words.prefix)

    def token_nats(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """A pass for each group of tokens that are hidden at once."""
        nats_BS = torch.zeros(tokens.id_BS.shape, device=tokens.id_BS.device)
        place_S = torch.arange(tokens.id_BS.shape[1], device=tokens.id_BS.device)
        first = self._before()
        for group in range(min(MASKED_GROUPS, len(place_S))):
            # N is never hidden, for it is never asked for.
            hidden_BS = (place_S % MASKED_GROUPS == group) & tokens.known_BS
            logits_BTV = self._run(tokens, torch.where(hidden_BS, self.mask, tokens.id_BS))
            logits_BSV = logits_BTV[:, first : first + len(place_S)]
            nats_BS = nats_BS + self._nats(logits_BSV, tokens.id_BS, hidden_BS)
        return nats_BS, tokens.known_BS

    def _run(self, tokens: Tokens, id_BS: Tensor, hidden: bool = False) -> Any:
        prefix, suffix = self.words.prefix, self.words.suffix
        size_B = tokens.valid_BS.sum(1)
        columns = len(prefix) + id_BS.shape[1] + len(suffix)
        id_BT = id_BS.new_zeros(len(id_BS), columns)
        id_BT[:, : len(prefix)] = id_BS.new_tensor(prefix)
        id_BT[:, len(prefix) : len(prefix) + id_BS.shape[1]] = id_BS
        for i, token in enumerate(suffix):
            end_B1 = (len(prefix) + size_B + i).unsqueeze(1)
            id_BT.scatter_(1, end_B1, token)
        length_B = size_B + len(prefix) + len(suffix)
        place_T = torch.arange(columns, device=id_BS.device)
        valid_BT = place_T < length_B.unsqueeze(1)
        if self._takes_mask:
            return self._forward(id_BT, valid_BT, hidden)
        # Without an attention mask padding would be read: each row on its own.
        rows = []
        for row, length in enumerate(length_B.tolist()):
            one = slice(row, row + 1)
            found = self._forward(id_BT[one, :length], valid_BT[one, :length], hidden)
            fill = (0, 0, 0, columns - length)
            found = found if hidden else (found,)
            rows.append([nn.functional.pad(layer, fill) for layer in found])
        joined = tuple(torch.cat(layers) for layers in zip(*rows, strict=True))
        return joined if hidden else joined[0]

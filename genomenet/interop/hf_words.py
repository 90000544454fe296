"""How the tokens of a model of elsewhere spell bases: single ones, k-mers, or byte-pair words."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from genomenet.errors import UserError
from genomenet.genome.alphabet import N_CODE, decode

Kind = Literal["bases", "k-mers", "words"]

RUNS = re.compile("[ACGT]+|N")
_PROBE_BP = 840  # whole k-mers for every k up to 8


@dataclass(frozen=True)
class Tokens:
    """Windows cut into tokens; S tokens at most.

    Attributes
    ----------
    id_BS : Tensor of int64
        Token ids; 0 at right padding.
    length_BS : Tensor of int64
        Bases of each token; 0 at padding.
    known_BS : Tensor of bool
        Whether the token spells its bases, so that the model can be asked for it.
    """

    id_BS: Tensor
    length_BS: Tensor
    known_BS: Tensor

    @property
    def valid_BS(self) -> Tensor:
        """False at padding."""
        return self.length_BS > 0

    def to_bases(self, nats_BS: Tensor, length: int) -> Tensor:
        """Share the nats of each token out evenly over its bases, shape (B, `length`)."""
        ends_BS = self.length_BS.cumsum(1)
        base_BL = torch.arange(length, device=ends_BS.device).expand(len(ends_BS), -1).contiguous()
        number_BL = torch.searchsorted(ends_BS, base_BL, right=True)
        number_BL = number_BL.clamp(max=nats_BS.shape[1] - 1)
        return (nats_BS / self.length_BS.clamp(min=1)).gather(1, number_BL)


class Words:
    """The DNA tokens of a tokenizer.

    Parameters
    ----------
    tokenizer : object
        Of transformers.
    name : str
        Of the model, for messages.

    Attributes
    ----------
    kind : {"bases", "k-mers", "words"}
        What the tokens are.
    k : int
        Longest token in bases.
    spelling : dict of int to str
        The bases of each token, for all that spell bases of A, C, G and T.
    n_id : int
        What is read in place of N.
    prefix, suffix : list of int
        What the tokenizer puts around a sequence.

    Raises
    ------
    UserError
        When the tokenizer does not cut bases into tokens of which each base is in exactly one.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer = tokenizer
        letters = np.random.default_rng(0).integers(0, 4, _PROBE_BP).astype(np.uint8)
        probe = decode(letters)
        self._lower = self._cut_text(probe) is None and self._cut_text(probe.lower()) is not None
        pieces = self._cut_text(self._cased(probe))
        if pieces is None:
            raise UserError(self._refusal(name, probe))
        lengths = {len(_bare(tokenizer.convert_ids_to_tokens(one))) for one in pieces}
        self.kind: Kind = "words" if len(lengths) > 1 else "k-mers"
        self.k = max(lengths)
        singles = [self._cut_text(self._cased(letter)) or [] for letter in "ACGT"]
        self._single = [one[0] if len(one) == 1 else None for one in singles]
        if lengths == {1}:
            self.kind = "bases"
            self.spelling = dict(zip([one[0] for one in singles], "ACGT", strict=True))
        else:
            self.spelling = self._spellings()
        around = self._ids(self._cased(probe), special=True)
        inner = next(
            (i for i in range(len(around)) if around[i : i + len(pieces)] == pieces), len(around)
        )
        self.prefix = around[:inner] if inner < len(around) else []
        self.suffix = around[inner + len(pieces) :]
        self.n_id = self._id_of_n(name)
        self._base_ids = torch.tensor([one or 0 for one in self._single] + [self.n_id])

    def cut(self, bases_BL: Tensor, valid_BL: Tensor) -> Tokens:
        """Cut codes A0 C1 G2 T3 N4, int64; `valid_BL` is False at right padding.

        Runs between N are cut each for itself, and each N is a token. A tail of a run that is
        shorter than a k-mer is cut into single bases where the vocabulary has them.
        """
        if self.kind == "bases":
            ids_BS = self._base_ids.to(bases_BL.device)[bases_BL]
            return Tokens(
                torch.where(valid_BL, ids_BS, 0), valid_BL.long(), valid_BL & (bases_BL < N_CODE)
            )
        rows = []
        codes_BL = bases_BL.to("cpu", torch.uint8).numpy()
        for codes, length in zip(codes_BL, valid_BL.sum(1).tolist(), strict=True):
            row: list[tuple[int, int, bool]] = []
            for run in RUNS.finditer(decode(codes[:length])):
                row += self._run(run[0])
            rows.append(row)
        longest = max(1, *(len(row) for row in rows))
        filled = [row + [(0, 0, False)] * (longest - len(row)) for row in rows]
        table_BS3 = torch.tensor(filled, device=bases_BL.device).long()
        return Tokens(table_BS3[..., 0], table_BS3[..., 1], table_BS3[..., 2].bool())

    def _run(self, letters: str) -> list[tuple[int, int, bool]]:
        """Id, bases and knownness of the tokens of a run without N, or of one N."""
        if letters == "N":
            return [(self.n_id, 1, False)]
        whole = self._cut_text(self._cased(letters))
        if whole is not None:
            return [(one, len(self.spelling[one]), True) for one in whole]
        size = len(letters) // self.k * self.k if self.kind == "k-mers" else 0
        row = [
            (one, len(self.spelling[one]), True)
            for one in self._cut_text(self._cased(letters[:size])) or []
        ]
        # What the tokenizer does not spell, such as a short tail, goes base by base.
        for letter in letters[sum(bases for _, bases, _ in row) :]:
            single = self._single["ACGT".index(letter)]
            row.append((self.n_id if single is None else single, 1, single is not None))
        return row

    def _cut_text(self, text: str) -> list[int] | None:
        """Token ids of bases, or None unless the tokens spell the bases one after the other."""
        ids = self._ids(text)
        spelt = "".join(_bare(self._tokenizer.convert_ids_to_tokens(one)) for one in ids)
        return ids if spelt == text else None

    def _ids(self, text: str, special: bool = False) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=special)["input_ids"])

    def _cased(self, text: str) -> str:
        return text.lower() if self._lower else text

    def _spellings(self) -> dict[int, str]:
        special = set(self._tokenizer.all_special_ids)
        letters = "acgt" if self._lower else "ACGT"
        found = {}
        for word, id_ in self._tokenizer.get_vocab().items():
            if id_ not in special and re.fullmatch(f"[{letters}]+", _bare(word)):
                found[id_] = _bare(word).upper()
        return found

    def _id_of_n(self, name: str) -> int:
        ids = self._ids(self._cased("N"))
        tokenizer = self._tokenizer
        if len(ids) == 1 and _bare(tokenizer.convert_ids_to_tokens(ids[0])).upper() == "N":
            return ids[0]
        for one in (tokenizer.unk_token_id, tokenizer.pad_token_id, tokenizer.mask_token_id):
            if one is not None:
                return int(one)
        raise UserError(
            f"the tokenizer of {name} has no token for N, and none for what is unknown; add an "
            "unk_token to it"
        )

    def _refusal(self, name: str, probe: str) -> str:
        words = {_bare(word).upper() for word in self._tokenizer.get_vocab()}
        for k in range(2, 9):
            if all(probe[i : i + k] in words for i in range(40)):
                return (
                    f"{name} reads overlapping {k}-mers, or k-mers that it doesn't cut itself: a "
                    "base would be in several tokens, and what it costs can't be told; such models "
                    "are not scored"
                )
        return (
            f"{name} has no DNA vocabulary: its tokenizer does not cut a sequence of A, C, G and T "
            "into tokens that spell it"
        )


def _bare(token: Any) -> str:
    """A token without the marks that tokenizers put on its ends."""
    text = token.decode("latin-1") if isinstance(token, bytes) else str(token)
    return text.removeprefix("##").strip("▁Ġ ")

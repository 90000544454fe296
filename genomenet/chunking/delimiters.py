"""Boundaries at what can be seen in the bases: repeats, N, motifs, stop codons, words of text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genomenet.chunking.boundaries import Positions
from genomenet.chunking.chunker import Chunker
from genomenet.chunking.recent import Recent, base_tokens, recent
from genomenet.errors import UserError, nearest
from genomenet.genome.alphabet import N_CODE

IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "U": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT",
    "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
STOP_CODONS = ("TAA", "TAG", "TGA")
NAMES = (
    "soft_mask", "n", "stop_codon", "stop_codon:0", "stop_codon:1", "stop_codon:2",
    "motif:TATAWAW", "motif_both:TATAWAW", "space",
)  # fmt: skip
"""How delimiters are written; motifs are examples."""


@dataclass(frozen=True)
class Delimiter:
    """One kind of delimiter.

    Attributes
    ----------
    reach : int
        Tokens it looks at.
    found : callable
        From the last `reach` tokens (..., K), the last two of the soft mask (..., 2) and the
        position (...) to bool (...).
    alphabet : {"dna", "bytes"}
        Where it makes sense.
    """

    reach: int
    found: Callable[[Tensor, Tensor, Tensor], Tensor]
    alphabet: str = "dna"


class DelimiterChunker(Chunker):
    """A boundary where any of some delimiters stands; each is a rule of BLT's or SpaceByte's kind.

    - ``soft_mask``: the base is soft-masked and the one before is not, or the other way round;
    - ``n``: the base is an N and the one before is not, or the other way round;
    - ``stop_codon``: the base completes TAA, TAG or TGA; ``stop_codon:1`` only those whose first
      base is number 1, 4, 7, ... of the window, counted from 0;
    - ``motif:TATAWAW``: the base completes the motif, in IUPAC letters, on the strand that is
      read; ``motif_both:TATAWAW``: or its reverse complement;
    - ``space``: the byte is no letter, digit or continuation of UTF-8, and the one before is.
      Source: SpaceByte (arXiv 2404.14408) and BLT (arXiv 2412.09871).

    Parameters
    ----------
    names : sequence of str
        The delimiters.
    alphabet : {"dna", "bytes"}
        What the tokens are.

    Raises
    ------
    UserError
        An unknown delimiter, or one of another alphabet.
    """

    def __init__(self, names: Sequence[str], alphabet: str = "dna"):
        super().__init__()
        self.delimiters = [parse_delimiter(name) for name in names]
        for name, delimiter in zip(names, self.delimiters, strict=True):
            if delimiter.alphabet != alphabet:
                raise UserError(
                    f"model.delimiters: '{name}' is for model.alphabet {delimiter.alphabet}, but "
                    f"this model reads {alphabet}"
                )
        self.reads_mask = "soft_mask" in names
        self.reach = max(delimiter.reach for delimiter in self.delimiters)

    def forward(self, x_BLD: Tensor, positions: Positions) -> Tensor:
        """Look at every position; 1 or 0."""
        tokens_BL = base_tokens(positions.tokens_BL, "delimiter")
        position_L = torch.arange(tokens_BL.shape[1], device=tokens_BL.device)
        found_BL = self._find(
            recent(tokens_BL, self.reach), recent(self._mask(positions), 2), position_L
        )
        return found_BL.to(torch.promote_types(x_BLD.dtype, torch.float32))

    def new_state(self, batch_size: int, device: torch.device) -> tuple[Recent, Recent]:
        """Remember the last tokens, and the mask of the last."""
        return Recent.new(batch_size, self.reach, device), Recent.new(batch_size, 2, device)

    def step(
        self, x_RD: Tensor, position: Positions, state: tuple[Recent, Recent], rows_R: Tensor
    ) -> Tensor:
        """Look at one position."""
        tokens_R = base_tokens(position.tokens_BL, "delimiter")[:, 0]
        recent_RK, position_R = state[0].push(tokens_R, rows_R)
        masked_R2, _ = state[1].push(self._mask(position)[:, 0], rows_R)
        found_R = self._find(recent_RK, masked_R2, position_R)
        return found_R.to(torch.promote_types(x_RD.dtype, torch.float32))

    def read(self, x_BLD: Tensor, positions: Positions, state: tuple[Recent, Recent]) -> Tensor:
        """Look at many positions."""
        tokens_BL = base_tokens(positions.tokens_BL, "delimiter")
        recent_BLK, position_BL = state[0].extend(tokens_BL, positions.valid_BL)
        masked_BL2, _ = state[1].extend(self._mask(positions), positions.valid_BL)
        found_BL = self._find(recent_BLK, masked_BL2, position_BL)
        return found_BL.to(torch.promote_types(x_BLD.dtype, torch.float32))

    def _mask(self, positions: Positions) -> Tensor:
        if positions.masked_BL is not None:
            return positions.masked_BL
        if self.reads_mask:
            raise UserError(
                "the delimiter soft_mask needs to know which bases are soft-masked; give the mask "
                "along with the bases"
            )
        return torch.zeros_like(positions.valid_BL)

    def _find(self, recent_K: Tensor, masked_2: Tensor, position: Tensor) -> Tensor:
        found = torch.zeros_like(recent_K[..., 0], dtype=torch.bool)
        for delimiter in self.delimiters:
            found = found | delimiter.found(recent_K[..., -delimiter.reach :], masked_2, position)
        return found


def parse_delimiter(name: str) -> Delimiter:
    """The delimiter of a name.

    Raises
    ------
    UserError
        When there is none of that name.
    """
    kind, _, what = name.partition(":")
    if name == "soft_mask":
        return Delimiter(1, lambda tokens, masked, t: (masked[..., 0] != masked[..., 1]) & (t > 0))
    if name == "n":
        return Delimiter(2, _n_begins_or_ends)
    if name == "space":
        return Delimiter(2, _word_ends, "bytes")
    if kind == "stop_codon" and what in {"", "0", "1", "2"} and name != "stop_codon:":
        return _motifs(STOP_CODONS, frame=int(what) if what else None)
    if kind in {"motif", "motif_both"} and what:
        strange = sorted(set(what.upper()) - set(IUPAC))
        if strange:
            raise UserError(
                f"model.delimiters: '{name}' holds '{strange[0]}', which is no IUPAC letter of "
                "nucleotides"
            )
        motif = what.upper()
        return _motifs((motif, _other_strand(motif)) if kind == "motif_both" else (motif,))
    raise UserError(
        f"model.delimiters: there is no '{name}'"
        + (nearest(name, NAMES) or f"; choose of {', '.join(NAMES)}")
    )


def _n_begins_or_ends(tokens_2: Tensor, masked_2: Tensor, position: Tensor) -> Tensor:
    n_2 = tokens_2 == N_CODE
    # The start symbol is an N too, but no base.
    return (n_2[..., 0] != n_2[..., 1]) & (position > 1)


def _word_ends(tokens_2: Tensor, masked_2: Tensor, position: Tensor) -> Tensor:
    spacelike_2 = _spacelike(tokens_2)
    return spacelike_2[..., 1] & ~spacelike_2[..., 0]


def _spacelike(byte: Tensor) -> Tensor:
    """Neither letter nor digit nor a continuation of UTF-8; nothing at all is spacelike."""
    letter = ((byte >= ord("A")) & (byte <= ord("Z"))) | ((byte >= ord("a")) & (byte <= ord("z")))
    digit = (byte >= ord("0")) & (byte <= ord("9"))
    continuation = (byte >= 0x80) & (byte < 0xC0)
    return ~(letter | digit | continuation)


def _other_strand(motif: str) -> str:
    """The reverse complement of IUPAC letters."""
    return motif.upper().translate(str.maketrans("ACGTURYKMBVDH", "TGCAAYRMKVBHD"))[::-1]


def _motifs(motifs: Sequence[str], frame: int | None = None) -> Delimiter:
    """Any of some motifs of one length, ending here, or only in one frame of the window."""
    length = len(motifs[0])
    allowed = [[[base in IUPAC[letter] for base in "ACGT"] for letter in motif] for motif in motifs]

    def found(tokens_K: Tensor, masked_2: Tensor, position: Tensor) -> Tensor:
        table = torch.tensor(allowed, device=tokens_K.device)
        base_K = (tokens_K >= 0) & (tokens_K < N_CODE)
        hit = torch.zeros_like(tokens_K[..., 0], dtype=torch.bool)
        for one in table:
            matches = base_K.all(-1)
            for j in range(length):
                matches = matches & one[j][tokens_K[..., j].clamp(0, 3)]
            hit = hit | matches
        # Position t reads base t - 1, so the first base of the motif is base t - length.
        return hit if frame is None else hit & ((position - length) % 3 == frame)

    return Delimiter(length, found)

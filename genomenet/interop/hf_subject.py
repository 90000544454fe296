"""A DNA model of Hugging Face's transformers as a subject of every evaluation."""

from contextlib import nullcontext
from pathlib import Path

import torch

from genomenet.errors import UserError
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import DNA
from genomenet.interop.hf_loading import Peer, load_peer, untrained_peer
from genomenet.interop.hf_models import (
    MASKED_GROUPS,
    CausalPeer,
    MaskedPeer,
    PeerModel,
    positions_of,
)
from genomenet.interop.hf_words import Words

PASS_BP = 8192
"""Bases in a forward pass when nothing is said."""


def hf_subject(
    name: str, length_bp: int, batch_size: int = 0, trust_remote_code: bool = False
) -> Subject:
    """Load a model and make it score windows of bases.

    Parameters
    ----------
    name : str
        A folder as `save_pretrained` writes it, or a model in the local cache.
    length_bp : int
        Length of the windows to score.
    batch_size : int
        Windows in a forward pass; about `PASS_BP` bases when 0.
    trust_remote_code : bool
        Whether Python code that comes with the model may run.

    Returns
    -------
    Subject
        Its note says how its likelihood is to be read. It is not comparable when the model is a
        masked one.

    Raises
    ------
    UserError
        As `load_peer` and `Words`; and when the model reads fewer positions, knows fewer tokens
        than its tokenizer, or reads ahead although it is called causal.
    """
    return _subject(load_peer(name, trust_remote_code), Path(name).name, length_bp, batch_size)


def _subject(peer: Peer, name: str, length_bp: int, batch_size: int) -> Subject:
    words = Words(peer.tokenizer, peer.name)
    _check_rows(peer, words)
    model, note = _causal(peer, words) if peer.objective == "causal" else _masked(peer, words)
    _check_length(peer, words, length_bp)
    model.requires_grad_(False)
    if isinstance(model, CausalPeer):
        _require_causal(model, peer.name, min(length_bp, 48))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Subject(
        name=name,
        arm=name,
        seed=0,
        model=model.to(device).eval(),
        alphabet=DNA,
        length_bp=length_bp,
        batch_size=batch_size or max(1, PASS_BP // length_bp),
        parameters=sum(p.numel() for p in peer.network.parameters()),
        precision=nullcontext,
        flops=None,
        note=note,
        comparable=peer.objective == "causal",
        causal=peer.objective == "causal" and words.kind == "bases",
        untrained=lambda seed: _subject(
            untrained_peer(peer, seed), f"{name}, untrained", length_bp, batch_size
        ),
    )


def _causal(peer: Peer, words: Words) -> tuple[PeerModel, str]:
    own = words.prefix[-1:]
    start = own[0] if own else peer.tokenizer.bos_token_id
    parts = [
        "a causal model of transformers; probabilities are taken over the tokens that spell A, C, "
        "G and T, for all else can't stand at a scored base: no worse than over its whole "
        "vocabulary"
    ]
    if start is None:
        parts.append("it has no start token, so each window's first token costs log 4 a base")
    elif not own:
        parts.append("windows begin with its bos token, which its tokenizer does not add itself")
    parts += _of_words(words)
    return CausalPeer(peer.network, words, start), "; ".join(parts)


def _masked(peer: Peer, words: Words) -> tuple[PeerModel, str]:
    mask = peer.tokenizer.mask_token_id
    if mask is None:
        raise UserError(f"{peer.name} is a masked model, but its tokenizer has no mask_token")
    parts = [
        "pseudo-likelihood, not comparable: a masked model reads both sides of a base; every "
        f"{MASKED_GROUPS}th token is hidden at once, in {MASKED_GROUPS} passes",
        *_of_words(words),
    ]
    return MaskedPeer(peer.network, words, mask), "; ".join(parts)


def _of_words(words: Words) -> list[str]:
    if words.kind == "bases":
        return []
    what = f"{words.k}-mers" if words.kind == "k-mers" else "byte-pair words"
    return [
        f"its tokens are {what}: the nats of a token are spread evenly over its bases, and the "
        "sum is an upper bound, for other cuts of the same bases are left out"
    ]


def _check_rows(peer: Peer, words: Words) -> None:
    embeddings = peer.network.get_input_embeddings()
    rows = embeddings.weight.shape[0] if embeddings is not None else None
    largest = max([*words.spelling, words.n_id, *words.prefix, *words.suffix])
    if rows is not None and largest >= rows:
        raise UserError(
            f"the tokenizer of {peer.name} has the token {largest}, but the model only {rows} "
            "rows; they don't belong together"
        )


def _check_length(peer: Peer, words: Words, length_bp: int) -> None:
    limit = positions_of(peer.network)
    # A special token or two around the window, and the single bases of a tail.
    around = len(words.prefix) + len(words.suffix) + words.k
    if limit and words.kind != "words" and length_bp / words.k + around > limit:
        raise UserError(
            f"{peer.name} reads at most {limit:,} tokens, and windows of {length_bp:,} bases take "
            f"more; name a shorter window with --max_length {max(1, (limit - around) * words.k)}"
        )


@torch.no_grad()
def _require_causal(model: CausalPeer, name: str, length_bp: int) -> None:
    """Change what comes later; what was said before must stay."""
    generator = torch.Generator().manual_seed(0)
    bases_1L = torch.randint(0, 4, (1, length_bp), generator=generator)
    half = length_bp // 2
    # A k-mer or word that reaches over the border may change, and so may those next to it.
    other_1L = torch.cat([bases_1L[:, :half], 3 - bases_1L[:, half:]], 1)
    valid_1L = torch.ones_like(bases_1L, dtype=torch.bool)
    tokens = [model.words.cut(one, valid_1L) for one in (bases_1L, other_1L)]
    shared = 0
    for one, two in zip(tokens[0].id_BS[0].tolist(), tokens[1].id_BS[0].tolist(), strict=False):
        if one != two:
            break
        shared += 1
    nats = [model.token_nats(one)[0][0, :shared] for one in tokens]
    if not torch.allclose(nats[0], nats[1], atol=1e-3, equal_nan=True):
        raise UserError(
            f"{name} is called causal, but what it predicts changes with bases that come later; "
            "its likelihood would be too good to be true"
        )

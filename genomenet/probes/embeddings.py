"""Frozen embeddings of sequences: every layer, every pooling, both strands."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from genomenet.errors import UserError
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import reverse_complement
from genomenet.models.hidden_layers import hidden_layers
from genomenet.models.hidden_states import HiddenLayer
from genomenet.probes.alike import find_alike, hidden_of_alike
from genomenet.probes.pooling import POOLINGS, pool
from genomenet.probes.task import Codes

Features = Mapping[str, npt.NDArray[np.float32]]
"""From the name of a layer and pooling to vectors, shape (rows, width)."""


def embed(
    subject: Subject,
    sequences: Sequence[Codes],
    layers: int = 6,
    max_length: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, npt.NDArray[np.float32]]:
    """Embed sequences with a model that stays as it is.

    Parameters
    ----------
    subject : Subject
        The model.
    sequences : sequence of ndarray of uint8
        Codes, none of them empty.
    layers : int
        How many layers to keep, evenly spread with the first and the last among them; 0 is all.
    max_length : int
        Longer sequences are cut to their middle bases; the length that the model was trained on
        when 0.
    progress : callable, optional
        Called with the number of sequences just embedded.

    Returns
    -------
    dict of str to ndarray of float32
        "LAYER, POOLING" to (rows, width): the mean of the embeddings of both strands. In the
        order of the sequences; batches and padding change nothing.

    Raises
    ------
    UserError
        When the model doesn't read DNA alone.
    """
    require_plain_dna(subject)
    cut = [_middle(codes, max_length or subject.length_bp) for codes in sequences]
    found: dict[str, npt.NDArray[np.float32]] = {}
    strands = told = 0
    for strand in (cut, [reverse_complement(codes) for codes in cut]):
        for rows, vectors in _embed_strand(subject, strand, layers):
            for name, vectors_RD in vectors.items():
                if name not in found:
                    found[name] = np.zeros((len(cut), vectors_RD.shape[1]), dtype=np.float32)
                found[name][rows] += vectors_RD / 2
            strands += len(rows)
            if progress is not None:
                progress(strands // 2 - told)
                told = strands // 2
    return found


def require_plain_dna(subject: Subject) -> None:
    """Make sure that sequences alone are what a model reads.

    Raises
    ------
    UserError
        When it reads text, or scores of bases.
    """
    if subject.reads_scores:
        raise UserError(
            f"{subject.name} reads a score for every base, and the sequences of tasks have none; "
            "leave it out"
        )
    if not subject.alphabet.complementable:
        raise UserError(f"{subject.name} reads text, and tasks are of DNA; leave it out")


@torch.no_grad()
def _embed_strand(
    subject: Subject, sequences: Sequence[Codes], layers: int
) -> Iterator[tuple[list[int], dict[str, npt.NDArray[np.float32]]]]:
    """Rows and their vectors, pass by pass; sequences that begin alike are read from a state."""
    groups = find_alike(sequences) if subject.resumes else []
    grouped = {row for group in groups for row in group.rows}
    order = [row for row in range(len(sequences)) if row not in grouped]
    order.sort(key=lambda row: len(sequences[row]))
    last = len(order)
    # The longest first: what doesn't fit into memory shows at once.
    while last > 0:
        first = max(0, last - subject.windows_a_pass(len(sequences[order[last - 1]])))
        rows = order[first:last]
        hidden = _hidden_of_whole(subject, [sequences[row] for row in rows])
        yield rows, _pooled(hidden, [len(sequences[row]) for row in rows], layers)
        last = first
    for rows, hidden in hidden_of_alike(subject, groups):
        yield rows, _pooled(hidden, [len(sequences[row]) for row in rows], layers)


def _hidden_of_whole(subject: Subject, sequences: Sequence[Codes]) -> list[HiddenLayer]:
    lengths = [len(codes) for codes in sequences]
    tokens_BL = torch.full((len(lengths), max(lengths) + 1), subject.alphabet.start_code)
    valid_BL = torch.zeros_like(tokens_BL, dtype=torch.bool)
    for row, codes in enumerate(sequences):
        tokens_BL[row, 1 : 1 + len(codes)] = torch.from_numpy(codes.astype(np.int64))
        valid_BL[row, : 1 + len(codes)] = True
    with subject.precision():
        return hidden_layers(
            subject.model, tokens_BL.to(subject.device), valid_BL.to(subject.device)
        )


def _pooled(
    hidden: Sequence[HiddenLayer], lengths: Sequence[int], layers: int
) -> dict[str, npt.NDArray[np.float32]]:
    chosen = _spread(hidden, layers)
    bases_B = torch.tensor(lengths, device=chosen[0].vectors.device)
    return {
        f"{layer.name}, {pooling}": vectors.cpu().numpy()
        for layer in chosen
        for pooling, vectors in pool(layer, bases_B).items()
    }


def _spread(hidden: Sequence[HiddenLayer], layers: int) -> list[HiddenLayer]:
    if not layers or len(hidden) <= layers:
        return list(hidden)
    chosen = np.unique(np.linspace(0, len(hidden) - 1, max(layers, 1)).round().astype(int))
    return [hidden[number] for number in (chosen if layers > 1 else [len(hidden) - 1])]


def _middle(codes: Codes, length_bp: int) -> Codes:
    first = max(0, (len(codes) - length_bp) // 2)
    return codes[first : first + length_bp]


def describe(max_length: int) -> str:
    """How sequences become embeddings, in a sentence for notes."""
    length = f"{max_length:,} bases" if max_length else "the length that each model was trained on"
    return (
        f"Embeddings: {', '.join(POOLINGS)} of each layer, averaged over both strands; sequences "
        f"longer than {length} are cut to their middle; no soft mask is given."
    )

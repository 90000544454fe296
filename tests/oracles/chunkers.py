"""Chunkers once more: one sequence, plain Python, written from what they are said to do."""

import math
import re

IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT",
    "K": "GT", "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip


def rule_starts(values, theta, rise, kind, parity=False):
    """Positions that ask, by BLT's rule read as a sentence (arXiv 2412.09871)."""
    asks = [True]
    for t in range(1, len(values)):
        step = values[t] - values[t - 1]
        if kind == "threshold":
            asks.append(values[t] > theta)
        elif kind == "difference":
            asks.append(t == 1 or step > theta)
        else:
            both = values[t] > theta and step > rise and not (parity and t == 2)
            asks.append(t == 1 or both)
    return asks


def patch_lengths(asks, include_next):
    """Lengths of the patches that start one position after those that ask, and at 0."""
    end = len(asks) + include_next
    starts = [0] + [t + 1 for t, asked in enumerate(asks) if asked and t + 1 < end]
    return [b - a for a, b in zip(starts, [*starts[1:], end], strict=True)]


def with_max_chunk(lengths, longest):
    """Every patch longer than the longest, cut into pieces of it and a rest."""
    cut = []
    for length in lengths:
        while length > longest:
            cut.append(longest)
            length -= longest
        cut.append(length)
    return cut


def markov_entropy(tokens, t, tables, reset=0):
    """Entropy after position t: the longest context of known bases since start, N or reset."""
    begin = t - t % reset if reset else 0
    if t > begin and tokens[t] == 4:
        return 0.0
    context = []
    for i in range(t, begin, -1):
        if tokens[i] == 4 or len(context) == len(tables) - 1:
            break
        context.insert(0, tokens[i])
    row = 0
    for base in context:
        row = 4 * row + base
    return float(tables[len(context)][row])


def bpe_begins(tokens, words):
    """Where a chunk begins, extending it while it is a prefix of a word."""
    begins, chunk = [False], "N"
    for token in tokens[1:]:
        letter = "ACGTN"[token]
        longer = chunk + letter
        if (letter == "N" and chunk == "N") or any(word.startswith(longer) for word in words):
            begins.append(False)
            chunk = longer if letter != "N" else "N"
        else:
            begins.append(True)
            chunk = letter
    return begins


def entropy(logits):
    """Entropy in nats of a softmax."""
    top = max(logits)
    weights = [math.exp(value - top) for value in logits]
    total = sum(weights)
    return -sum(w / total * math.log(w / total) for w in weights)


def delimited(tokens, masked, names):
    """Positions at which a delimiter stands: transitions, or a motif that ends there."""
    letters = "".join("ACGTN"[token] for token in tokens)
    asks = [False] * len(tokens)
    for t in range(1, len(tokens)):
        for name in names:
            kind, _, what = name.partition(":")
            if kind == "soft_mask":
                found = masked[t] != masked[t - 1]
            elif kind == "n":
                found = t > 1 and (letters[t] == "N") != (letters[t - 1] == "N")
            elif kind == "stop_codon":
                # Position t reads base t - 1, so the codon's first base is base t - 3.
                in_frame = not what or (t - 3) % 3 == int(what)
                found = in_frame and letters[: t + 1].endswith(("TAA", "TAG", "TGA"))
            else:
                motifs = [what] if kind == "motif" else [what, other_strand(what)]
                patterns = ["".join(f"[{IUPAC[letter]}]" for letter in motif) for motif in motifs]
                found = any(re.search(f"{one}$", letters[: t + 1]) for one in patterns)
            asks[t] = asks[t] or found
    return asks


def other_strand(motif):
    """Complement letter by letter, as sets of bases, backwards."""
    partner = {"A": "T", "C": "G", "G": "C", "T": "A"}
    opposite = {frozenset(bases): letter for letter, bases in IUPAC.items()}
    return "".join(
        opposite[frozenset(partner[base] for base in IUPAC[letter])] for letter in reversed(motif)
    )


def random_number(position, seed, stage, tokens=None):
    """In [0, 1): splitmix64 over position, seed, stage and a hash of the last 16 tokens."""
    word = 0
    if tokens is not None:
        for token in ([-1] * 16 + tokens)[-16:]:
            word = word * 0xD1342543DE82EF95 + token + 2
        word = _splitmix(word)
    state = _splitmix(position)
    for other in (seed, stage, word):
        state = _splitmix(state ^ other)
    return (state >> 11) * 2.0**-53


def _splitmix(x):
    whole = 2**64
    x = (x + 0x9E3779B97F4A7C15) % whole
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % whole
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % whole
    return x ^ (x >> 31)

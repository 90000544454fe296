"""Chunkers once more: one sequence, plain Python, written from what they are said to do."""

import math


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

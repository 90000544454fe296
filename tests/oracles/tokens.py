"""Slow, obvious tokenisation: one window as a string, one token after the other."""

import re
from itertools import pairwise

LETTERS = "ACGTN"


def kmer_tokens(bases: str, k: int) -> list[str]:
    """Words of k on a grid from the first base; single bases around N and at the end."""
    tokens = []
    for start in range(0, len(bases), k):
        word = bases[start : start + k]
        tokens += [word] if len(word) == k and "N" not in word else list(word)
    return tokens


def bpe_tokens(bases: str, merges: list[tuple[str, str]]) -> list[str]:
    """Merge the leftmost pair of the best rank until there is none left; N stays alone."""
    rank = {pair: number for number, pair in enumerate(merges)}
    tokens = []
    for run in re.findall("N|[ACGT]+", bases):
        words = list(run)
        while True:
            pairs = [(rank[pair], i) for i, pair in enumerate(pairwise(words)) if pair in rank]
            if not pairs:
                break
            _, i = min(pairs)
            words[i : i + 2] = [words[i] + words[i + 1]]
        tokens += words
    return tokens

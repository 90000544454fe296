"""What tokens stand for in generation: bases, bytes, k-mers and words of byte-pair encoding."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE

from genomenet.genome.alphabet import decode, encode
from genomenet.models.config import ModelConfig
from genomenet.models.generate import Start, generate
from genomenet.models.language_model import LanguageModel
from genomenet.models.sampling import Sampling
from genomenet.models.tokenised import TokenisedLanguageModel
from genomenet.models.tokeniser import BpeTokeniser
from genomenet.models.vocabulary import vocabulary_of
from tests.models.arms import SMALL


def make(**fields):
    torch.manual_seed(7)
    config = ModelConfig(**{**SMALL, "layout": "T1", **fields})
    return (LanguageModel if config.tokeniser == "none" else TokenisedLanguageModel)(config)


def bpe() -> TokenisedLanguageModel:
    """Words A, C, G, T, AC, ACG, TT, of which the last three are tokens 6 to 8."""
    vocabulary = {word: i for i, word in enumerate(["A", "C", "G", "T", "AC", "ACG", "TT"])}
    merges = [("A", "C"), ("AC", "G"), ("T", "T")]
    model = make(tokeniser="kmer", kmer=1, vocab_size=11)
    model.tokeniser = BpeTokeniser(Tokenizer(BPE(vocab=vocabulary, merges=merges)))
    return model


def words(model) -> list[str]:
    return [decode(word) for word in vocabulary_of(model).words]


def test_bases_and_bytes():
    assert words(make()) == ["A", "C", "G", "T", "", ""]
    assert vocabulary_of(make()).start == 4
    text = vocabulary_of(make(alphabet="bytes", vocab_size=260, boundary_at_n=False))
    assert [word.tolist() for word in text.words] == [[b] for b in range(256)] + [[]] * 4
    assert text.start == 254
    tokens, widths = text.cut(np.frombuffer("ß".encode(), np.uint8))
    assert tokens.tolist() == [195, 159]
    assert widths.tolist() == [1, 1]


def test_kmers():
    assert words(make(tokeniser="kmer", kmer=1, vocab_size=8)) == ["A", "C", "G", "T"] + [""] * 4
    pairs = words(make(tokeniser="kmer", kmer=2, vocab_size=24))
    assert pairs[:6] == [""] * 6
    assert pairs[6:8] == ["AA", "AC"]
    assert pairs[21:] == ["TT", "", ""]


def test_words_of_byte_pair_encoding():
    model = bpe()
    assert words(model) == ["A", "C", "G", "T", "", "", "AC", "ACG", "TT", "", ""]
    tokens, widths = vocabulary_of(model).cut(encode("ACGTTACNTTT"))
    assert tokens.tolist() == [7, 8, 6, 4, 8, 3]
    assert widths.tolist() == [3, 2, 2, 1, 2, 1]
    with torch.no_grad():
        model.lm_head.weight.zero_()
    prompt = encode("ACGTTACNTTT")
    starts = [Start(prompt, np.zeros(11, np.bool_), (i,)) for i in range(4)]
    told = []
    found = generate(model, starts, 61, Sampling(), told.append)
    assert found.codes.shape == (4, 61)
    assert set(found.codes.flatten().tolist()) == {0, 1, 2, 3}
    assert sum(told) == 4 * (11 + 61)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_an_empty_prompt_has_no_tokens(length):
    tokens, widths = vocabulary_of(bpe()).cut(np.zeros(0, np.uint8))
    assert len(tokens) == len(widths) == 0
    start = Start(np.zeros(0, np.uint8), np.zeros(0, np.bool_), (0,))
    assert generate(bpe(), [start], length, Sampling()).codes.shape == (1, length)

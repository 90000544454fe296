"""Byte-pair encoding learnt on a genome: deterministic, letters only, training split only."""

import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import whole_contigs
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.genome.mock import MockGenome
from genomenet.genome.text import TextCorpus
from genomenet.windows.bpe_training import train_bpe

GENOME = MockGenome(30_000)


def test_tokens_are_words_of_letters_and_letters_come_first():
    tokenizer = train_bpe(GENOME, whole_contigs(GENOME), 64)
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    assert [id_ for _, id_ in vocabulary] == list(range(64))
    words = [word for word, _ in vocabulary]
    assert words[:4] == list("ACGT")
    assert not set("".join(words)) - set("ACGT")
    text = "ACGTTGCA" * 9
    assert "".join(tokenizer.encode(text).tokens) == text


def test_the_same_bases_give_the_same_tokenizer():
    one, two = (train_bpe(GENOME, whole_contigs(GENOME), 100) for _ in range(2))
    assert one.to_str() == two.to_str()
    assert one.to_str() != train_bpe(GENOME, whole_contigs(GENOME), 100, sample_bp=5000).to_str()


def test_it_learns_the_pair_that_is_most_frequent_in_the_intervals(tmp_path):
    """GC rules the first half, written in both cases and cut by N; TA rules the second."""
    half = "GcNaGCCGC" * 100
    (tmp_path / "a.fa").write_text(f">a\n{half}{'TA' * 450}\n")
    genome = import_genome([tmp_path / "a.fa"], tmp_path / "a")
    first = train_bpe(genome, [Interval("a", 0, 900)], 5)
    assert first.id_to_token(4) == "GC"
    assert train_bpe(genome, [Interval("a", 900, 1800)], 5).id_to_token(4) == "TA"


def test_mistakes_are_one_sentence(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    corpus = TextCorpus(tmp_path / "a.txt")
    with pytest.raises(UserError, match="is for DNA"):
        train_bpe(corpus, whole_contigs(corpus), 50)
    with pytest.raises(UserError, match="no merges"):
        train_bpe(GENOME, whole_contigs(GENOME), 4)
    with pytest.raises(UserError, match="ask for fewer"):
        train_bpe(GENOME, [Interval("mock1", 0, 100)], 5000)

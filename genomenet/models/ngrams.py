"""The n-gram embeddings of a model, as its config asks for them."""

from genomenet.models.config import ModelConfig
from genomenet.nn.ngrams import NGramEmbedding

HASH_OFFSET = {"dna": 1, "bytes": 0}
"""Added to tokens before they are hashed: A is 0, which also stands before a sequence; published
models number bytes such that 0 is no byte."""


def make_ngrams(config: ModelConfig) -> NGramEmbedding | None:
    """Build the tables that are added to the embedding; None when the model has none."""
    if not config.ngrams:
        return None
    return NGramEmbedding(
        config.stage(0).d_model,
        config.ngrams,
        rows=config.ngram_rows if config.ngram_tables == "hashed" else 0,
        functions=config.ngram_functions,
        offset=HASH_OFFSET[config.alphabet],
    )

"""The config of a GenomeNet model as transformers reads it; needs `pip install genomenet`."""

from typing import Any

from transformers import PretrainedConfig

from genomenet.models.config import ModelConfig


class GenomeNetConfig(PretrainedConfig):
    """config.json of an exported folder.

    Parameters
    ----------
    model : dict, optional
        The fields of `genomenet.models.config.ModelConfig`; the default model when left out.
    **others
        What transformers keeps of every model, and where this one comes from.
    """

    model_type = "genomenet"

    def __init__(self, model: dict[str, Any] | None = None, **others: Any):
        self.model = dict(model or {})
        numbers = ModelConfig(**self.model)
        others.setdefault("vocab_size", numbers.vocab_size)
        others.setdefault("hidden_size", numbers.stage(0).d_model)
        others.setdefault("tie_word_embeddings", False)
        super().__init__(**others)

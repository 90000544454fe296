"""The config of a GenomeNet model as transformers reads it; needs `pip install genomenet`."""

from pathlib import Path
from typing import Any

from transformers import PretrainedConfig
from transformers.utils import cached_file

from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.models.patcher import FILES, RECORD


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

    def model_config(self) -> ModelConfig:
        """The model's own config, its patcher found beside the weights.

        Raises
        ------
        UserError
            When the patcher is not there.
        """
        fields = dict(self.model)
        if fields.get("patcher"):
            names = [RECORD, *{name for files in FILES.values() for name in files}]
            found = [
                cached_file(
                    self._name_or_path,
                    f"{fields['patcher']}/{name}",
                    _raise_exceptions_for_missing_entries=False,
                )
                for name in names
            ]
            if found[0] is None:
                raise UserError(
                    f"{self._name_or_path} has lost its {fields['patcher']}/{RECORD}; export or "
                    "download it again"
                )
            fields["patcher"] = str(Path(found[0]).parent)
        return ModelConfig(**fields).check()

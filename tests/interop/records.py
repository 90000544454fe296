"""What an export asks of a run, without a run."""

from dataclasses import replace

import torch

from genomenet.interop import folder
from genomenet.models.tokenised import make_language_model

RECORD = {
    "command": "genomenet train ...",
    "created": "2026-01-01T00:00:00+00:00",
    "versions": {"genomenet": "0.1.0"},
    "kernels": {"ssd": "torch"},
    "parameters": 1,
    "flops_per_base_nominal": 2.0,
    "data": {
        "digest": "0" * 64,
        "splits": "1" * 64,
        "split_bp": {"train": 1, "valid": 1, "test": 1},
        "leaked_bp": 0,
        "contigs": 1,
        "length_bp": 3,
    },
}


def stand_in_for_a_run(monkeypatch, config):
    """Let any folder be a run of `config`, its weights just drawn; returns the model."""
    torch.manual_seed(2)
    model = make_language_model(config.model).eval()
    monkeypatch.setattr(folder, "load_model", lambda run, checkpoint: (model, config))
    monkeypatch.setattr(folder, "read_record", lambda run: (config, RECORD))
    return model


def with_model(config, model):
    """The same run of another model, of text where that reads bytes."""
    data = config.data
    if model.alphabet == "bytes":
        data = replace(data, genome="", text="some.txt")
    return replace(config, model=model, data=data)

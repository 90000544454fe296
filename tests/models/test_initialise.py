"""Fresh weights: deviations, identities and zeros as the reference has them."""

import math

import torch

from genomenet.models.config import ModelConfig
from genomenet.models.language_model import LanguageModel


def test_deviations_and_special_starts():
    torch.manual_seed(0)
    config = ModelConfig(layout="m2T1 + M2 + m1", d_model=[128, 192], d_state=32)
    model = LanguageModel(config)
    weights = dict(model.named_parameters())
    outer, inner = 2 + 2 + 1, 2 + 2 + 1 + 4  # writes outside in: encoder + decoder, then main
    near = {
        "embeddings.weight": 1.0,
        "lm_head.weight": 0.02,
        "backbone.encoder.layers.0.mixer.in_proj.weight": 0.02,
        "backbone.encoder.layers.2.mixer.out_proj.weight": 0.02 / math.sqrt(outer),
        "backbone.encoder.layers.2.mlp.fc2.weight": 0.02 / math.sqrt(outer),
        "backbone.main_network.main_network.layers.0.mlp.fc2.weight": 0.02 / math.sqrt(inner),
        "backbone.main_network.main_network.layers.0.mlp.fc1.weight": 0.02,
    }
    for name, deviation in near.items():
        measured = weights[name].std().item()
        tolerance = 5 / math.sqrt(2 * weights[name].numel())
        assert abs(measured / deviation - 1) < tolerance, name
    assert torch.equal(weights["backbone.routing_module.q_proj_layer.weight"], torch.eye(128))
    assert not weights["backbone.residual_proj.weight"].any()
    assert weights["backbone.residual_proj.bias"].any()
    assert not weights["backbone.main_network.pad_dimension"].any()
    assert weights["backbone.main_network.pad_dimension"].shape == (64,)
    mixer = model.backbone.encoder.layers[0].mixer
    dt = torch.nn.functional.softplus(mixer.dt_bias)
    assert ((dt >= 0.99e-4) & (dt <= 0.101)).all()
    assert ((mixer.A_log >= 0) & (mixer.A_log <= math.log(16))).all()


def test_cross_attention_counts_as_writes_and_its_carriers_keep_the_size():
    torch.manual_seed(0)
    config = ModelConfig(
        layout="T1 + T2 + T3", d_model=[128, 192], pool="cross_attention", ngrams=[5]
    )
    weights = dict(LanguageModel(config).named_parameters())
    outer = 2 + 6 + 3  # encoder, decoder, readings
    near = {
        "ngrams.weight": 0.02,
        "backbone.pooling.Wq.weight": 0.02,
        "backbone.pooling.out_proj.weight": 0.02 / math.sqrt(outer),
        "backbone.readings.2.out_proj.weight": 0.02 / math.sqrt(outer),
        "backbone.main_network.main_network.layers.0.mlp.fc2.weight": 0.02 / math.sqrt(outer + 4),
        "backbone.pooling.slot_proj.weight": 128**-0.5,
        "backbone.chunk_proj.weight": 256**-0.5,
        "backbone.slot_proj.weight": 192**-0.5,
    }
    for name, deviation in near.items():
        measured = weights[name].std().item()
        tolerance = 5 / math.sqrt(2 * weights[name].numel())
        assert abs(measured / deviation - 1) < tolerance, name

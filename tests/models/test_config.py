"""ModelConfig: defaults per stage, and errors that name the field."""

import pytest

from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.models.presets import find_config


def test_stage_values():
    config = ModelConfig(layout="m1 + T1 + m1", d_model=[64, 96], window=[1023, -1], head_dim=32)
    assert [config.stage(s).d_model for s in (0, 1)] == [64, 96]
    assert [config.stage(s).window for s in (0, 1)] == [1023, -1]
    assert [config.stage(s).rotary_dim for s in (0, 1)] == [16, 16]
    assert config.stage(1).mlp_width_attention == 256
    assert config.stage(1).mamba_heads == 3


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"d_model": [64, 64, 64]}, "model.d_model has 3 values"),
        ({"d_model": [96, 64]}, "must grow inwards"),
        ({"d_model": 0}, "model.d_model of stage 0 is 0"),
        ({"patcher": "p"}, "nothing here reads it"),
        ({"delimiters": ["n"]}, "model.chunker is not delimiter"),
        ({"targets": [3, 3]}, "model.targets has 2 values"),
        ({"targets": 1.0}, "give more than 1"),
        ({"chunker": "fixed", "targets": 2.5}, "whole number"),
        ({"head_dim": 48}, "model.head_dim 48 does not divide d_model 128"),
        ({"rotary_dim": 7}, "must be even"),
        ({"rotary_dim": 128}, "at most head_dim"),
        ({"mamba_head_dim": 96}, "model.mamba_head_dim 96 does not divide"),
        ({"window": -2}, "model.window -2"),
        ({"vocab_size": 4}, "need 5"),
        ({"d_state": 0}, "model.d_state is 0"),
        ({"d_model": 0}, "model.d_model"),
        ({"layout": "m2 + T1"}, "2 networks"),
        ({"layout": "m2 + T1 + m1", "unpool": "boundary"}, "'learned' no gradient"),
    ],
)
def test_refuses(fields, says):
    with pytest.raises(UserError) as error:
        ModelConfig(**fields).check()
    assert says in str(error.value)


def test_unknown_preset_names_the_nearest():
    with pytest.raises(UserError, match="did you mean 'hg38-mamba2'"):
        find_config("hg38-mamba")

import json
import os

import pytest
import torch
from safetensors.torch import save_file

from genomenet.errors import UserError
from genomenet.interop.hnet import hnet_config, load_hnet
from tests.oracles.model import language_model

SSM = {"d_conv": 4, "expand": 2, "d_state": 128, "chunk_size": 256}


def published(layout, d_model, d_intermediate, rotary, window, heads=16, d_state=128):
    return {
        "arch_layout": layout,
        "d_model": d_model,
        "d_intermediate": d_intermediate,
        "vocab_size": 256,
        "tie_embeddings": False,
        "ssm_cfg": {**SSM, "d_state": d_state},
        "attn_cfg": {
            "num_heads": [heads] * len(d_model),
            "rotary_emb_dim": rotary,
            "window_size": window,
        },
    }


ONE = ["m4", ["T22"], "m4"]
RELEASED = {
    "1stage_L": (
        published(ONE, [1024, 1536], [0, 4096], [32, 48], [1023, -1]),
        679_405_312,
        214,
    ),
    "1stage_XL": (
        published(["m4", ["T24"], "m4"], [1024, 2048], [0, 5504], [32, 64], [1023, -1]),
        1_270_833_920,
        226,
    ),
    "2stage_L": (
        published(
            ["m4", ["T1m4", ["T26"], "m4T1"], "m4"],
            [1024, 1024, 1536],
            [0, 2816, 4096],
            [32, 32, 48],
            [1023, 1023, -1],
        ),
        874_315_264,
        328,
    ),
    "2stage_XL": (
        published(
            ["m4", ["T1m4", ["T27"], "m4T1"], "m4"],
            [1024, 1536, 2048],
            [0, 4096, 5504],
            [32, 48, 64],
            [1023, 1023, -1],
        ),
        1_603_492_224,
        335,
    ),
}
SMALL = {
    "isotropic": published(["m1T1"], [32], [100], [8], [-1], heads=2, d_state=8),
    "one stage": published(["m1", ["T2"], "m1"], [32, 48], [0, 100], [8, 12], [5, -1], 2, 8),
    "two stages": published(
        ["m1T1", ["T1m1", ["M1T1"], "m1t1"], "m1"],
        [32, 64, 96],
        [130, 90, 200],
        [8, 16, 24],
        [5, 3, -1],
        2,
        8,
    ),
}
EXPECTED = {  # layout, head widths, MLP widths
    "isotropic": ("m1T1", [16], [128]),
    "one stage": ("m1 + T2 + m1", [64, 24], [0, 128]),
    "two stages": ("m1T1 + T1m1 + M1T1 + m1t1 + m1", [16, 32, 48], [256, 128, 256]),
}


@pytest.mark.parametrize("name", RELEASED)
def test_released_configs_have_the_published_sizes(name):
    config, parameters, tensors = RELEASED[name]
    with torch.device("meta"):
        model = load_hnet(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert len(model.state_dict()) == tensors


def checkpoint(config) -> dict[str, torch.Tensor]:
    """Random weights under the published names, as the papers' tables of shapes have them."""
    generator = torch.Generator().manual_seed(3)
    n, weights = config["ssm_cfg"]["d_state"], {}

    def add(name, *shape, scale=1.0, shift=0.0):
        weights[name] = torch.randn(shape, generator=generator) * scale + shift

    def add_stack(prefix, network, d, hidden):
        letters = "".join(
            letter * int(count) for letter, count in zip(network[::2], network[1::2], strict=True)
        )
        for i, letter in enumerate(letters):
            layer = f"{prefix}.layers.{i}"
            add(f"{layer}.norm1.weight", d, scale=0.1, shift=1.0)
            if letter in "tT":
                add(f"{layer}.mixer.Wqkv.weight", 3 * d, d, scale=d**-0.5)
            else:
                heads, channels = 2 * d // 64, 2 * d + 2 * n
                add(f"{layer}.mixer.in_proj.weight", 2 * d + channels + heads, d, scale=d**-0.5)
                add(f"{layer}.mixer.conv1d.weight", channels, 1, 4, scale=0.5)
                add(f"{layer}.mixer.conv1d.bias", channels, scale=0.1)
                for name in ("dt_bias", "A_log", "D"):
                    add(f"{layer}.mixer.{name}", heads)
                add(f"{layer}.mixer.norm.weight", 2 * d, scale=0.1, shift=1.0)
            width = d if letter in "tT" else 2 * d
            add(f"{layer}.mixer.out_proj.weight", d, width, scale=width**-0.5)
            if letter.isupper():
                rounded = -(-hidden // 128) * 128
                add(f"{layer}.norm2.weight", d, scale=0.1, shift=1.0)
                add(f"{layer}.mlp.fc1.weight", 2 * rounded, d, scale=d**-0.5)
                add(f"{layer}.mlp.fc2.weight", d, rounded, scale=rounded**-0.5)
        add(f"{prefix}.rmsnorm.weight", d, scale=0.1, shift=1.0)

    def add_stage(prefix, layout, stage):
        d, hidden = config["d_model"][stage], config["d_intermediate"][stage]
        if stage and d > config["d_model"][stage - 1]:
            add(f"{prefix}.pad_dimension", d - config["d_model"][stage - 1])
        if len(layout) == 1:
            add_stack(f"{prefix}.main_network", layout[0], d, hidden)
            return
        add_stack(f"{prefix}.encoder", layout[0], d, hidden)
        add_stack(f"{prefix}.decoder", layout[2], d, hidden)
        for name in ("q_proj_layer", "k_proj_layer"):
            add(f"{prefix}.routing_module.{name}.weight", d, d, scale=d**-0.5)
        add(f"{prefix}.residual_proj.weight", d, d, scale=d**-0.5)
        add(f"{prefix}.residual_proj.bias", d)
        add_stage(f"{prefix}.main_network", layout[1], stage + 1)

    add("embeddings.weight", 256, config["d_model"][0])
    add_stage("backbone", config["arch_layout"], 0)
    add("lm_head.weight", 256, config["d_model"][0])
    return weights


def save(tensors, path):
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("name", SMALL)
def test_a_checkpoint_gives_the_oracles_logits(tmp_path, name, suffix):
    weights = checkpoint(SMALL[name])
    file = tmp_path / "config.json"
    file.write_text(json.dumps(SMALL[name]))
    model = load_hnet(file, save(weights, tmp_path / f"model{suffix}"))
    assert not model.training
    layout, head_dims, mlp_widths = EXPECTED[name]
    config = model.config
    assert (config.layout, config.head_dim, config.mlp_width_attention) == (
        layout, head_dims, mlp_widths,
    )  # fmt: skip
    assert config.window == SMALL[name]["attn_cfg"]["window_size"][: len(head_dims)] or (
        config.window == [-1, -1]  # no attention outside
    )
    tokens = torch.randint(256, (2, 40), generator=torch.Generator().manual_seed(0))
    exact = {key: value.double() for key, value in weights.items()}
    with torch.no_grad():
        output = model.double()(tokens)
    for row in range(2):
        logits, probabilities, boundaries = language_model(exact, config, tokens[row].tolist())
        torch.testing.assert_close(output.logits[row], logits, rtol=1e-9, atol=1e-9)
        for stage, found in enumerate(output.boundaries):
            valid = found.valid[row]
            assert found.mask[row][valid].tolist() == boundaries[stage]
            torch.testing.assert_close(found.probability[row][valid], probabilities[stage])
    assert len(output.boundaries) == len(boundaries)
    if boundaries:
        assert 1 < sum(boundaries[0]) < 40
        assert output.boundaries[0].probability.shape == tokens.shape


def test_half_precision_checkpoints_become_float32():
    weights = checkpoint(SMALL["one stage"])
    model = load_hnet(SMALL["one stage"], {name: t.bfloat16() for name, t in weights.items()})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert torch.equal(model.lm_head.weight, weights["lm_head.weight"].bfloat16().float())


def test_parity_rounds_the_smoothing_only():
    weights = checkpoint(SMALL["one stage"])
    tokens = torch.arange(64)[None]
    with torch.no_grad():
        exact, rounded = (
            load_hnet(SMALL["one stage"], weights, parity=parity)(tokens)
            for parity in (False, True)
        )
    assert torch.equal(exact.boundaries[0].probability, rounded.boundaries[0].probability)
    difference = (exact.logits - rounded.logits).abs().max()
    assert 0 < difference < 0.05 * exact.logits.abs().max()


@pytest.mark.parametrize("parity", [False, True])
def test_steps_are_the_whole(parity):
    model = load_hnet(SMALL["two stages"], checkpoint(SMALL["two stages"]), parity=parity).double()
    tokens = torch.randint(256, (2, 30), generator=torch.Generator().manual_seed(4))
    state = model.new_state(2, "cpu")
    with torch.no_grad():
        whole = model(tokens).logits
        steps = torch.stack([model.step(tokens[:, t], state) for t in range(30)], 1)
    # In bfloat16 the last digit of a sum decides now and then which way a number is rounded.
    bound = 0.02 * float(whole.abs().max()) if parity else 1e-9
    torch.testing.assert_close(steps, whole, rtol=0, atol=bound)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_broken_files_are_one_sentence(tmp_path, suffix):
    config, path = SMALL["one stage"], tmp_path / f"model{suffix}"
    with pytest.raises(UserError, match="does not exist"):
        load_hnet(config, path)
    save(checkpoint(config), path)
    whole = path.read_bytes()
    for length in (0, 5, 1000, len(whole) - 100):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=f"{path}.*again|{path}.*safetensors"):
            load_hnet(config, path)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_pickled_objects_are_refused_unread(tmp_path):
    torch.save({"embeddings.weight": Trap(tmp_path / "sprung")}, tmp_path / "model.pt")
    with pytest.raises(UserError, match="more than tensors"):
        load_hnet(SMALL["one stage"], tmp_path / "model.pt")
    assert not (tmp_path / "sprung").exists()
    torch.save({"model": checkpoint(SMALL["one stage"])}, tmp_path / "model.pt")
    with pytest.raises(UserError, match="not a flat state dict"):
        load_hnet(SMALL["one stage"], tmp_path / "model.pt")


def test_weights_of_another_model():
    weights = checkpoint(SMALL["one stage"])
    with pytest.raises(UserError, match=r"it lacks backbone.*; it has too many.*; it has other"):
        load_hnet(SMALL["two stages"], weights)
    del weights["lm_head.weight"]
    with pytest.raises(UserError, match=r"it lacks lm_head\.weight; give the config"):
        load_hnet(SMALL["one stage"], weights)
    weights["lm_head.weight"] = torch.zeros(256, 33)
    with pytest.raises(UserError, match=r"lm_head\.weight \(256, 33\) instead of \(256, 32\)"):
        load_hnet(SMALL["one stage"], weights)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arch_layot": 1}, "did you mean 'arch_layout'?"),
        ({"attn_cfg": {"num_head": [2, 2]}}, "'attn_cfg.num_head' is no field"),
        ({"arch_layout": ["m1", "T1", "m1"]}, "can't read arch_layout"),
        ({"arch_layout": ["m1", ["T"], "m1"]}, "can't read arch_layout"),
        ({"arch_layout": ["m1", ["x4"], "m1"]}, "can't read arch_layout"),
        ({"arch_layout": ["m1", ["T1"]]}, "can't read arch_layout"),
        ({"arch_layout": None}, "can't read arch_layout null"),
        ({"d_model": [32]}, "d_model has 1 values, but arch_layout has 2"),
        ({"d_model": [32, "a"]}, "d_model is [32, 'a']"),
        ({"d_model": [64, 32]}, "must grow inwards"),
        ({"d_intermediate": [0, 0]}, "d_intermediate of stage 1 is 0"),
        ({"tie_embeddings": True}, "tie_embeddings"),
        ({"ssm_cfg": {"d_state": [8, 16]}}, "ssm_cfg.d_state [8, 16] must be the same"),
        ({"ssm_cfg": 5}, "ssm_cfg should hold keys"),
        ({"attn_cfg": {"num_heads": 5, "rotary_emb_dim": 8, "window_size": -1}}, "num_heads 5"),
        ({"attn_cfg": {"num_heads": 2, "rotary_emb_dim": 0, "window_size": -1}}, "rotary_emb_dim"),
        ({"attn_cfg": {}}, "attn_cfg.num_heads is None"),
        ({"vocab_size": 16}, "vocab_size"),
    ],
)
def test_bad_configs_are_one_sentence(tmp_path, change, said):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**SMALL["one stage"], **change}))
    with pytest.raises(UserError) as caught:
        hnet_config(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", None])
def test_bad_config_files(tmp_path, text):
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=str(path)):
        load_hnet(path)


def test_fields_that_are_the_same_in_all_stages():
    config = {**SMALL["one stage"], "ssm_cfg": {"d_state": [8, 8]}}
    assert hnet_config(config) == hnet_config(SMALL["one stage"])

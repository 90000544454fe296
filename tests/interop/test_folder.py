import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

import genomenet
from genomenet.cli.main import main
from genomenet.errors import UserError
from genomenet.interop.folder import export
from genomenet.training.run import train
from genomenet.training.weights import load_model
from tests.interop.records import stand_in_for_a_run
from tests.models.arms import ARMS, side_inputs, some_tokens

TOKENS = torch.randint(5, (2, 100), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def run(make_config, tmp_path):
    train(make_config(max_steps=3), tmp_path / "run", "genomenet train ...", progress=False)
    return tmp_path / "run"


@pytest.mark.parametrize("checkpoint", ["final", "best", "before decay"])
def test_an_export_is_the_runs_model_bit_for_bit(run, tmp_path, checkpoint):
    export(run, tmp_path / "model", checkpoint)
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "README.md", "config.json", "model.safetensors",
    }  # fmt: skip
    expected, config = load_model(run, checkpoint)
    expected.eval()
    shutil.rmtree(run)
    model = genomenet.load(tmp_path / "model")
    assert not model.training
    assert model.config == config.model
    assert model.state_dict().keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    with torch.no_grad():
        found, wanted = model(TOKENS), expected(TOKENS)
    assert torch.equal(found.logits, wanted.logits)
    assert torch.equal(found.boundaries[0].mask, wanted.boundaries[0].mask)


@pytest.mark.parametrize("name", ARMS)
def test_models_of_every_kind_come_back(name, make_config, tmp_path, monkeypatch):
    """Without a run: only its two readers stand in between."""
    config = replace(make_config(), model=ARMS[name])
    model = stand_in_for_a_run(monkeypatch, config)
    export(tmp_path / "run", tmp_path / "model")
    back = genomenet.load(tmp_path / "model")
    assert type(back) is type(model)
    copied = str(tmp_path / "model" / "patcher") if model.config.patcher else ""
    assert back.config == replace(model.config, patcher=copied)
    tokens, more = some_tokens(2, 60), side_inputs(2, 60)
    with torch.no_grad():
        found, wanted = back(tokens, **more), model(tokens, **more)
    assert torch.equal(found.logits, wanted.logits)
    for one, other in zip(found.boundaries, wanted.boundaries, strict=True):
        assert torch.equal(one.mask, other.mask)


def test_a_run_loads_as_it_is(run):
    for checkpoint in ("final", "best"):
        expected, _ = load_model(run, checkpoint)
        model = genomenet.load(str(run), checkpoint)
        assert not model.training
        for name, value in expected.state_dict().items():
            assert torch.equal(model.state_dict()[name], value), name


def test_the_config_tells_where_it_comes_from(run, tmp_path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "model")]) == 0
    assert "genomenet.load" in capsys.readouterr().out
    content = json.loads((tmp_path / "model" / "config.json").read_text())
    record = json.loads((run / "run.json").read_text())
    assert content["genomenet"] == genomenet.__version__
    assert content["model"] == record["config"]["model"]
    assert content["data"]["digest"] == record["data"]["digest"]
    assert content["training"]["step"] == 3
    assert content["run"]["folder"] == str(run)
    assert content["run"]["checkpoint"] == "final"
    assert content["run"]["command"] == "genomenet train ..."


def test_what_is_there_is_kept(run, tmp_path, capsys):
    (tmp_path / "model").mkdir()
    export(run, tmp_path / "model")
    before = (tmp_path / "model" / "model.safetensors").read_bytes()
    assert main(["export", str(run), "--out", str(tmp_path / "model")]) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == before


def test_a_failed_export_leaves_nothing(run, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr("genomenet.interop.folder.write_json", fail)
    with pytest.raises(OSError, match="no space"):
        export(run, tmp_path / "model")
    (run / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(UserError, match=r"best\.ckpt does not exist"):
        export(run, tmp_path / "model", "best")
    with pytest.raises(UserError, match="is not a run"):
        export(tmp_path, tmp_path / "model")
    with pytest.raises(UserError, match="there is no checkpoint 'bets'; choose of final, best"):
        genomenet.load(run, "bets")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_weights_and_config_belong_together(run, make_config, tmp_path):
    export(run, tmp_path / "model")
    config_path = tmp_path / "model" / "config.json"
    whole = config_path.read_text()
    content = json.loads(whole)

    def refused(match, **change):
        config_path.write_text(json.dumps({**content, **change}))
        with pytest.raises(UserError, match=match):
            genomenet.load(tmp_path / "model")
        config_path.write_text(whole)

    refused("weights of another model", model={**content["model"], "layout": "m1 + T2 + m1"})
    refused("other shapes", model={**content["model"], "d_state": 16})
    refused("format 9", format=9)
    refused("lacks .*flux", model={**content["model"], "flux": 1})
    refused("has been changed", model={**content["model"], "d_model": "x"})
    refused("digest", weights={**content["weights"], "sha256": "0" * 64})
    train(make_config(max_steps=3, seed=5), tmp_path / "other", "", progress=False)
    export(tmp_path / "other", tmp_path / "other model")
    weights = tmp_path / "model" / "model.safetensors"
    shutil.copy(tmp_path / "other model" / "model.safetensors", weights)
    with pytest.raises(UserError, match="is not the file that"):
        genomenet.load(tmp_path / "model")
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(UserError, match="safetensors"):
        genomenet.load(tmp_path / "model")
    weights.unlink()
    with pytest.raises(UserError, match="does not exist"):
        genomenet.load(tmp_path / "model")
    with pytest.raises(UserError, match="neither an exported model nor a run"):
        genomenet.load(tmp_path)


def test_importing_the_package_imports_no_torch():
    program = (
        "import sys, genomenet\n"
        "assert genomenet.__version__ and callable(genomenet.load)\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said.stdout.split() == ["False", "False"], said.stderr

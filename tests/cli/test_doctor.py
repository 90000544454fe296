import json

import pytest
import torch

from genomenet.cli.main import main
from genomenet.ops import self_test
from genomenet.ops.linear import mkl_is_slow
from genomenet.ops.native import library
from genomenet.training import machine


@pytest.fixture(autouse=True)
def without_gpus(monkeypatch):
    monkeypatch.setattr(machine, "devices", list)


def test_a_sound_machine(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"torch {torch.__version__}" in said
    lines = [" ".join(line.split()) for line in said.splitlines()]
    own, attention = ("torch", "torch sdpa") if library.library() is None else ("C++", "C++")
    products = "oneDNN" if mkl_is_slow() else "torch"
    assert f"cpu {own} {own} {attention} {own} torch {products}" in lines
    (scan,) = [line for line in lines if line.startswith(f"scan of Mamba-2 {own} cpu float32")]
    assert scan.endswith("1e-05 pass")
    assert lines[-1] == "all 32 kernel tests passed"


def test_a_machine_without_a_compiler(capsys, monkeypatch):
    monkeypatch.setattr(library, "library", lambda: None)
    monkeypatch.setattr(library, "find_library", lambda: (None, "there is no C++ compiler"))
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "no compiled kernels for the CPU: there is no C++ compiler\n" in said
    assert "C++   " not in said


def test_json_says_the_same(capsys):
    assert main(["doctor", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["passed"] is True
    assert content["kernels"]["cpu"]["ema"] == "torch"
    assert len(content["checks"]) == 32
    assert {check["passed"] for check in content["checks"]} == {True}
    assert content["processor"]["threads"] == torch.get_num_threads()
    assert {package["name"] for package in content["packages"]} > {"mamba-ssm", "transformers"}


@pytest.fixture
def wrong_norm(monkeypatch):
    monkeypatch.setattr(self_test, "rms_norm", lambda x, weight: x * weight)


@pytest.mark.usefixtures("wrong_norm")
def test_a_kernel_that_fails_gives_exit_code_1(capsys):
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "FAIL: " in said
    assert said.splitlines()[-1] == "2 of 32 kernel tests failed: don't trust a run on that device"
    assert main(["doctor", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["passed"] is False
    failed = [check["operation"] for check in content["checks"] if not check["passed"]]
    assert failed == ["norm", "norm"]


def test_a_kernel_that_cannot_run_is_told_in_json_too(capsys, monkeypatch):
    def broken(x, weight):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(self_test, "rms_norm", broken)
    assert main(["doctor", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    problems = {check["problem"]: check["error"] for check in content["checks"]}
    assert problems["RuntimeError: out of luck"] is None


def test_what_stays_untested_is_said(capsys, monkeypatch):
    packages = [
        machine.Package("mamba-ssm", "", "", ""),
        machine.Package("causal-conv1d", "1.7.0", "", "ImportError: libcudart"),
        machine.Package("flash-attn", "2.8.3", "", ""),
        machine.Package("pyarrow", "", "", ""),
    ]
    monkeypatch.setattr(machine, "packages", lambda: packages)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "mamba-ssm: not installed; its GPU path is not tested here" in said
    assert "causal-conv1d: installed, but can't be imported (ImportError: libcudart)" in said
    assert "flash-attn: installed, but there is no GPU to run it on" in said
    assert "pyarrow:" not in said
    assert "torch's own kernels on a GPU: there is none here" in said


def test_gpus_are_listed_and_tested(capsys, monkeypatch):
    """With a device of torch's in the place of a GPU, whose name alone differs."""
    gpu = machine.Device("cpu:0", "NVIDIA A100-SXM4-40GB", 40 * 2**30, "8.0")
    monkeypatch.setattr(machine, "devices", lambda: [gpu])
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "cpu:0: NVIDIA A100-SXM4-40GB, 40.0 GiB, compute capability 8.0" in said
    assert "all 64 kernel tests passed" in said
    assert "there is none here" not in said


def test_words_that_mean_nothing_are_refused(capsys):
    assert main(["doctor", "--jsn"]) == 2
    assert "did you mean '--json'?" in capsys.readouterr().err

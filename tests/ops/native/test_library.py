"""Making the compiled library: once, whole or not at all, and done without where it can't be."""

import subprocess
import warnings

import pytest
import torch

from genomenet.ops.native import library


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """A folder of this test's own, and nothing remembered before or after it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(library.SWITCH, raising=False)
    cached = library.library, library.find_library, library.constant
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def a_compiler(folder, script):
    path = folder / "compiler"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_it_is_made_once(monkeypatch):
    if library.find_compiler() is None:
        assert library.find_library()[0] is None
        return
    found, problem = library.find_library()
    assert found is not None, problem
    (kept,) = library.cache_folder().iterdir()
    library.find_library.cache_clear()
    calls = []
    monkeypatch.setattr(library, "_compile", lambda *a: calls.append(a))
    assert library.find_library()[0] is not None
    assert calls == []
    assert list(library.cache_folder().iterdir()) == [kept]


def test_other_sources_are_another_library(monkeypatch, tmp_path):
    compiler = a_compiler(tmp_path, "echo version 1")
    monkeypatch.setattr(library, "SOURCES", tmp_path / "sources")
    (tmp_path / "sources").mkdir()
    source = tmp_path / "sources" / "kernel.cpp"
    source.write_text("int one;")
    first = library._digest(compiler)
    source.write_text("int two;")
    second = library._digest(compiler)
    a_compiler(tmp_path, "echo version 2")
    assert len({first, second, library._digest(compiler)}) == 3


def test_a_machine_without_a_compiler(monkeypatch):
    monkeypatch.setattr(library.shutil, "which", lambda name: None)
    assert library.find_library() == (None, "there is no C++ compiler (c++, g++ or clang++)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not library.serves(torch.ones(1))


def test_switched_off(monkeypatch):
    monkeypatch.setenv(library.SWITCH, "0")
    assert library.find_library() == (None, "GENOMENET_NATIVE is 0")


def test_a_compiler_that_fails_leaves_nothing(monkeypatch, tmp_path):
    compiler = a_compiler(
        tmp_path, 'if [ "$1" = --version ]; then exit 0; fi; echo no such flag >&2; exit 1'
    )
    monkeypatch.setenv("CXX", compiler)
    found, problem = library.find_library()
    assert found is None
    assert problem == f"{compiler} can't make it: no such flag"
    with pytest.warns(RuntimeWarning, match="can't make it: no such flag"):
        assert library.library() is None
    assert list(library.cache_folder().iterdir()) == []


def test_what_can_not_be_loaded(monkeypatch, tmp_path):
    # A compiler that writes nonsense to where the library belongs.
    compiler = a_compiler(
        tmp_path,
        'if [ "$1" = --version ]; then exit 0; fi\n'
        'while [ "$1" != -o ]; do shift; done; echo nonsense > "$2"',
    )
    monkeypatch.setenv("CXX", compiler)
    found, problem = library.find_library()
    assert found is None
    assert problem.startswith(f"{compiler} can't make it: ")


def test_a_cache_that_can_not_be_written(monkeypatch, tmp_path):
    if library.find_compiler() is None:
        return
    (tmp_path / "cache").write_text("a file")
    found, problem = library.find_library()
    assert found is None
    assert "cache" in problem


def test_without_openmp_it_is_made_for_one_thread(monkeypatch, tmp_path):
    real = library.find_compiler()
    if real is None:
        return
    compiler = a_compiler(
        tmp_path, f'for a in "$@"; do [ "$a" = -fopenmp ] && exit 1; done; exec {real} "$@"'
    )
    monkeypatch.setenv("CXX", compiler)
    found, problem = library.find_library()
    assert found is not None, problem
    assert library.constant("padding") in (8, 16)


def test_only_float32_on_a_cpu(monkeypatch):
    monkeypatch.setattr(library, "library", lambda: object())
    assert library.serves(torch.ones(1), torch.ones(2))
    assert not library.serves(torch.ones(1), torch.ones(2).double())
    assert not library.serves(torch.ones(1).bfloat16())
    assert not library.serves(torch.ones(1, device="meta"))


def test_sources_compile_without_warnings(tmp_path):
    compiler = library.find_compiler()
    if compiler is None:
        return
    sources = [str(path) for path in library.SOURCES.glob("*.cpp")]
    flags = [flag for flag in library.FLAGS if flag != "-shared"]  # nothing is linked
    command = [compiler, *flags, "-fopenmp", "-Wall", "-Wextra", "-Werror", *sources]
    done = subprocess.run([*command, "-c"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

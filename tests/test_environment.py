"""The lists of packages agree: pyproject.toml, constraints.txt, environment.yml and the docs."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

CONDA_NAMES = {"torch": "pytorch-gpu", "matplotlib": "matplotlib-base"}
"""Where conda-forge calls a package of PyPI by another name."""

NOT_IN_PYPROJECT = {"python", "cuda-version", "pip"}
NEED_A_COMPILER = {"mamba-ssm", "causal-conv1d", "flash-attn"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    found = {canonicalize_name(one.name): one.specifier for one in requirements}
    assert len(found) == len(requirements)
    return found


def requirements_of(project, *extras):
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return [Requirement(line) for lines in lists for line in lines]


def conda_specs(environment):
    """Name to version specifier; conda's `=3.11` is PyPI's `==3.11.*`."""
    specs = {}
    for line in environment["dependencies"]:
        if isinstance(line, str):
            name, _, version = line.partition(" ")
            specs[name] = SpecifierSet(re.sub(r"^=([\d.]+)$", r"==\1.*", version))
    return specs


def pip_lines(environment):
    return [
        line
        for section in environment["dependencies"]
        if isinstance(section, dict)
        for line in section["pip"]
    ]


def test_environment_names_the_packages_of_pyproject(project, environment):
    wanted = {
        CONDA_NAMES.get(one.name.lower(), one.name.lower()): one.specifier
        for one in requirements_of(project, "gpu")
    }
    specs = conda_specs(environment)
    assert set(specs) - NOT_IN_PYPROJECT == set(wanted)
    assert {name: specs[name] for name in wanted} == wanted


def test_environment_has_a_python_that_pyproject_allows(project, environment):
    (version,) = conda_specs(environment)["python"]
    assert version.version.removesuffix(".*") in SpecifierSet(project["requires-python"])


def test_environment_mixes_no_builds(environment):
    assert "defaults" not in environment["channels"]
    assert "pytorch" not in environment["channels"]
    assert environment["channels"][0] == "conda-forge"


def test_pip_compiles_nothing(environment):
    """In conda's pip section these would be built against a torch that the build can't see."""
    lines = pip_lines(environment)
    assert lines == ["-e ."]
    names = {canonicalize_name(re.split(r"[\s\[<>=!~@]", line)[0]) for line in lines}
    assert not names & NEED_A_COMPILER
    assert "pip" in conda_specs(environment)


def test_constraints_pin_one_version_of_each(pins):
    for name, specifier in pins.items():
        (only,) = specifier
        assert only.operator == "==", name
        assert "+" not in only.version, name


def test_constraints_satisfy_pyproject(project, pins):
    for wanted in requirements_of(project, "dev"):
        (pin,) = pins[canonicalize_name(wanted.name)]
        assert pin.version in wanted.specifier, wanted


def test_constraints_leave_cuda_free(pins):
    assert not set(pins) & NEED_A_COMPILER
    assert not [name for name in pins if name.startswith("nvidia-")]


def test_kernels_are_tried_in_versions_that_pyproject_allows(project):
    lines = (ROOT / "tests" / "requirements-kernels.txt").read_text(encoding="utf-8").splitlines()
    tried = {one.name: one.specifier for one in map(Requirement, lines[2:])}
    wanted = project["optional-dependencies"]["gpu"]
    for one in map(Requirement, wanted):
        (pin,) = tried[one.name]
        assert pin.operator == "=="
        assert pin.version in one.specifier, one


def test_every_dependency_has_its_line_in_the_docs(project):
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = [canonicalize_name(name) for name in re.findall(r"^- `([^`]+)`:", text, re.MULTILINE)]
    wanted = [canonicalize_name(one.name) for one in requirements_of(project, "gpu", "dev")]
    assert sorted(listed) == sorted(wanted)

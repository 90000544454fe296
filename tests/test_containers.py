"""The containers' recipes agree with each other, with their wheels and with the lists of packages.

None of this builds them: there is no container engine here.
"""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import Version

ROOT = Path(__file__).parents[1]
CONTAINERS = ROOT / "containers"
PYTHONS = {"ubuntu24.04": "3.12", "ubuntu22.04": "3.10"}
"""The Python that each release of Ubuntu calls python3."""


def text(name):
    return (CONTAINERS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def requirements():
    lines = text("requirements-gpu.txt").splitlines()
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


@pytest.fixture(scope="module")
def wheels(requirements):
    """Package, version, tags and the local part of the version, of every wheel by URL."""
    found = {}
    for one in requirements:
        if one.url:
            name, version, _, tags = parse_wheel_filename(one.url.rsplit("/", 1)[1])
            found[name] = (version, tags, one)
    return found


@pytest.fixture(scope="module")
def torch_pin(requirements):
    (torch,) = [one for one in requirements if one.name == "torch"]
    (pin,) = torch.specifier
    assert pin.operator == "=="
    return Version(pin.version)


def images(name):
    pattern = r"^From: (\S+)" if name.endswith(".def") else r"^FROM (\S+)"
    return re.findall(pattern, text(name), re.MULTILINE)


def packages(name):
    """What apt installs, stage by stage."""
    found = re.findall(r"--no-install-recommends \\\n\s+(.*?)(?: \\)?$", text(name), re.MULTILINE)
    return [stage.split() for stage in found]


def copied(name):
    """Paths of the checkout that go into the build stage."""
    if name.endswith(".def"):
        section = text(name).partition("%files\n")[2].partition("\n%")[0]
        return {line.split()[0]: line.split()[1] for line in section.splitlines() if line.strip()}
    found = {}
    for words in re.findall(r"^COPY (?!--)(.*)$", text(name), re.MULTILINE):
        *sources, target = words.split()
        for source in sources:
            found[source] = target + source if target.endswith("/") else target
    return found


@pytest.mark.parametrize("read", [images, packages, copied])
def test_both_recipes_make_the_same(read):
    assert read("Dockerfile")
    assert read("Dockerfile") == read("genomenet.def")


def test_both_install_by_the_one_script():
    for name in ("Dockerfile", "genomenet.def"):
        assert text(name).count("/src/containers/install.sh /src /opt/genomenet") == 1
        assert "/opt/genomenet/bin:$PATH" in text(name)
        assert "FLASH_ATTN=0" in text(name)
        assert not re.search(r"\bpip\b", text(name)), "packages are install.sh's"
    assert (CONTAINERS / "install.sh").stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(CONTAINERS / "install.sh")], check=True)


def test_all_that_the_package_is_built_of_is_copied(project):
    there = set(copied("Dockerfile"))
    built = {project["project"]["readme"], *project["project"]["license-files"]}
    hatch = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    built |= {*hatch["packages"], *hatch["force-include"]}
    assert built | {"pyproject.toml", "constraints.txt", "containers"} == there
    assert all((ROOT / path).exists() for path in there)


def test_wheels_fit_the_images_python(wheels, project):
    for image in images("Dockerfile"):
        python = PYTHONS[image.rpartition("-")[2]]
        assert python in SpecifierSet(project["project"]["requires-python"])
        for _, tags, one in wheels.values():
            assert {tag.interpreter for tag in tags} == {f"cp{python.replace('.', '')}"}, one
            assert {tag.platform for tag in tags} == {"linux_x86_64"}, one


def test_wheels_fit_torch_and_cuda(wheels, torch_pin):
    index = re.search(r"--extra-index-url \S+/cu(\d\d)(\d)$", text("requirements-gpu.txt"), re.M)
    cuda = f"{index[1]}.{index[2]}"
    assert all(f":{cuda}." in image for image in images("Dockerfile"))
    assert set(wheels) == {"causal-conv1d", "mamba-ssm"}
    for version, _, one in wheels.values():
        local = f"cu{index[1]}torch{torch_pin.major}.{torch_pin.minor}cxx11abitrue"
        assert version.local == local, one
        assert f"/v{version.public}/" in one.url, one


def test_versions_are_those_that_pyproject_allows(wheels, torch_pin, project):
    extras = project["project"]["optional-dependencies"]["gpu"]
    wanted = {one.name: one.specifier for one in map(Requirement, extras)}
    flash = re.search(r"flash-attn==([\d.]+)", text("install.sh"))[1]
    found = {"flash-attn": Version(flash), **{n: Version(w[0].public) for n, w in wheels.items()}}
    assert set(found) == set(wanted)
    assert all(version in wanted[name] for name, version in found.items())
    torch = [r for r in map(Requirement, project["project"]["dependencies"]) if r.name == "torch"]
    assert torch_pin in torch[0].specifier


def test_the_other_pins_are_those_of_development():
    script = text("install.sh")
    assert "grep -v '^torch==' \"$source/constraints.txt\"" in script
    assert script.count('-c "$venv/constraints.txt"') == 1
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("torch==") for line in lines) == 1
    assert not [line for line in lines if line.startswith(("triton==", "nvidia-"))]


def test_the_kernels_tried_on_a_cpu_are_these(wheels):
    """mamba-ssm's kernels are tested as Triton source, so their version matters most."""
    tried = (ROOT / "tests" / "requirements-kernels.txt").read_text(encoding="utf-8")
    assert f"mamba-ssm=={wheels['mamba-ssm'][0].public}" in tried.splitlines()
    flash = re.search(r"flash-attn==([\d.]+)", text("install.sh"))[0]
    assert flash in tried.splitlines()

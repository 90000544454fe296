"""The workflow of a study, killed halfway, goes on and ends as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import genomenet
from genomenet.errors import UserError
from genomenet.evaluation.findings_file import study_findings
from genomenet.genome.importer import import_genome
from genomenet.report.page import write_report
from genomenet.study.results_file import load_study
from genomenet.study.workflow import find_profile, pipeline_folder

ROOT = Path(genomenet.__file__).parents[1]
DEMO = ROOT / "data_prep" / "demo" / "human_chr20_42M_46M"
SMALL = {"d_model": 16, "head_dim": 8, "d_state": 8, "mamba_head_dim": 16}
PATIENCE_SECONDS = 1200


def test_shipped_profiles_are_found(tmp_path):
    for name, executor in (("local", "local"), ("slurm", "slurm")):
        content = yaml.safe_load((find_profile(name) / "config.yaml").read_text())
        assert content["executor"] == executor
    (tmp_path / "config.yaml").write_text("executor: local\n")
    assert find_profile(str(tmp_path)) == tmp_path
    assert (pipeline_folder() / "Snakefile").is_file()
    with pytest.raises(UserError, match="did you mean 'local'"):
        find_profile("locall")


@pytest.fixture
def started():
    """Workflows that were begun; none of them outlives the test."""
    processes: list[subprocess.Popen] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def study_file(tmp_path):
    import_genome([DEMO.with_suffix(".fa.gz")], tmp_path / "genome")
    path = tmp_path / "study.yaml"
    study = {
        "name": "killed",
        "data": {
            "genome": str(tmp_path / "genome"),
            "max_length": 256,
            "split": {"valid_fraction": 0.025, "test_fraction": 0.025},
        },
        "train": {
            "max_steps": 120,
            "global_batch_size": 2,
            "valid_every": 40,
            "checkpoint_every": 5,
            "valid_windows": 4,
            "accelerator": "cpu",
        },
        "arms": {
            "mamba2": {**SMALL, "layout": "M1"},
            "hnet-markov": {
                **SMALL, "layout": "m1 + M1 + m1", "chunker": "markov", "targets": 4,
                "patcher": "markov4",
            },
        },
        "patchers": {"markov4": {"kind": "markov", "order": 4, "target": 4, "sample_bp": 10000}},
        "markov_order": 3,
        "annotation": str(DEMO.with_suffix(".gtf.gz")),
        "test_windows": 16,
        "workflow": {"tasks": [str(tmp_path / "content.csv")]},
    }  # fmt: skip
    rows = ["split,label,sequence"]
    for i in range(40):
        letters = ("AAT", "CCG")[i % 2] * 15 + "ACGT"[i % 4] * i
        rows.append(f"{'train' if i < 20 else 'test'},{('at', 'gc')[i % 2]},{letters}")
    (tmp_path / "content.csv").write_text("\n".join(rows) + "\n")
    path.write_text(yaml.safe_dump(study))
    return path


def start(study_file: Path, out: Path, started: list) -> subprocess.Popen:
    """Begin the workflow in a process group of its own, one job of one thread at a time."""
    words = ["study", "run", str(study_file), "--out", str(out), "--", "--cores", "1"]
    started.append(
        subprocess.Popen(
            [sys.executable, "-m", "genomenet.cli.main", *words], cwd=ROOT, start_new_session=True
        )
    )
    return started[-1]


def wait_for(condition, process):
    """Until something has happened, while the workflow runs."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "the workflow ended early"
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def without_times(folder: Path, scratch: Path) -> str:
    """The report of a study and all it found, if every second and date were the same."""
    path = folder / "results.json"
    content = json.loads(path.read_text())
    content["created"] = "then"
    for run in content["runs"]:
        assert run["bases_per_second"] > 0
        run["bases_per_second"] = 1.0
    path.write_text(json.dumps(content))
    findings = [replace(one, created="then") for one in study_findings(folder)]
    return write_report(load_study(path), scratch, findings).read_text()


@pytest.mark.slow
def test_a_killed_workflow_goes_on(study_file, tmp_path, started):
    out = tmp_path / "study"
    assert start(study_file, out, started).wait(PATIENCE_SECONDS) == 0
    unbroken = out.rename(tmp_path / "unbroken")

    process = start(study_file, out, started)
    runs = out / "runs"
    first, second = runs / "mamba2-seed0", runs / "hnet-markov-seed0"
    wait_for(lambda: len(list(runs.glob("*/arm.json"))) == 1, process)
    done, other = (first, second) if (first / "arm.json").exists() else (second, first)
    wait_for(lambda: (other / "checkpoints" / "last.ckpt").exists(), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (other / "summary.json").exists()
    assert not (out / "results.json").exists()
    kept = [out / "prepared.json", done / "arm.json", done / "run.json", other / "run.json"]
    before = {path: path.stat().st_mtime_ns for path in kept}

    process = start(study_file, out, started)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    records = sorted((out / ".snakemake" / "log").glob("*.log"))
    assert len(records) == 2
    again = records[-1].read_text()
    assert f"runs/{other.name}/arm.json" in again
    assert "rule prepare:" not in again
    assert f"output: runs/{done.name}/arm.json" not in again
    assert {path.stem for path in (out / "findings").iterdir()} == {"likelihood", "probes"}
    # The same folder, so the same commands stand in both reports.
    assert without_times(out, tmp_path / "a") == without_times(unbroken, tmp_path / "b")

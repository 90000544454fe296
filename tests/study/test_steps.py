"""The steps of a study one by one: each leaves whole files, is not done twice, and they add up."""

import json
from dataclasses import replace

import pytest

from genomenet.errors import UserError
from genomenet.study.arm import read_arm, run_arm
from genomenet.study.claim import claim
from genomenet.study.compare import arms_at_a_time, compare
from genomenet.study.config import StudyConfig, WorkflowConfig
from genomenet.study.gather import gather
from genomenet.study.prepare import make_floors, prepare
from genomenet.study.record import begun_runs, read_study, run_folder, unfinished
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.config import DataConfig
from tests.study.tiny_study import SMALL, tiny_study

JOBS = 2


@pytest.fixture(scope="module")
def config(request):
    return tiny_study(
        request.getfixturevalue("genome_folder"),
        recipes={"hnet": {"lr": 1e-3}},
        flop_budget=2e8,
        patchers={"markov": CalibrateConfig(kind="markov", target=3, order=2, sample_bp=9000)},
    )


@pytest.fixture(scope="module")
def stepwise(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stepwise") / "study"
    claim(config, folder, "a command")
    prepare(folder, lambda line: None)
    # Sums over threads differ in their last bits, so these must be as many as in compare.
    _, threads = arms_at_a_time(config, JOBS)
    for arm, seed in reversed(read_study(folder).config.keys):
        run_arm(folder, arm, seed, threads, print)
    make_floors(folder)
    gather(folder)
    return folder


def without_times(folder):
    content = json.loads((folder / "results.json").read_text())
    for run in content["runs"]:
        assert run.pop("bases_per_second") > 0
    return {key: value for key, value in content.items() if key != "created"}


def test_steps_in_another_order_find_what_compare_finds(stepwise, config, tmp_path):
    compare(config, tmp_path / "study", "a command", JOBS, lambda steps: None)
    assert without_times(stepwise) == without_times(tmp_path / "study")


def test_arms_have_the_steps_and_the_recipe_of_their_own(stepwise):
    runs = {run.arm: run for run in gather(stepwise).runs}
    assert runs["hnet"].recipe == ("lr 0.001",)
    assert runs["mamba2"].recipe == ()
    assert runs["hnet"].training_bases < runs["mamba2"].training_bases
    config = read_study(stepwise).config
    for arm, run in runs.items():
        assert run.training_bases == config.recipe(arm).max_steps * 2 * 128
        record = json.loads((run_folder(stepwise, arm, 0) / "run.json").read_text())
        assert record["training_flops_nominal"] <= 2e8
        assert record["config"]["train"]["lr"] == config.recipe(arm).lr
    notes = " ".join(gather(stepwise).notes)
    assert "Every arm was given 2e+08 nominal training FLOPs" in notes
    assert "hnet (lr 0.001)" in notes


def test_done_steps_leave_their_files_alone(stepwise):
    files = [stepwise / "prepared.json", stepwise / "floors.json"]
    files += [run_folder(stepwise, arm, 0) / "arm.json" for arm in ("mamba2", "hnet")]
    before = [path.stat().st_mtime_ns for path in files]
    prepare(stepwise, pytest.fail)
    make_floors(stepwise)
    run_arm(stepwise, "hnet", 0, 1, print)
    assert [path.stat().st_mtime_ns for path in files] == before
    assert unfinished(stepwise) == []


def test_runs_come_in_the_order_of_the_study(stepwise):
    assert [run.name for run in begun_runs(stepwise)] == ["mamba2-seed0", "hnet-seed0"]


def test_another_study_is_refused_but_not_another_evaluation(stepwise, config):
    again = claim(config, stepwise, "another command")
    assert again.command == "a command"
    with pytest.raises(UserError, match="holds another study"):
        claim(replace(config, markov_order=1), stepwise, "")
    with pytest.raises(UserError, match="holds another study"):
        claim(replace(config, flop_budget=3e8), stepwise, "")
    changed = replace(config, workflow=WorkflowConfig(probe=False))
    assert claim(changed, stepwise, "").config.workflow == WorkflowConfig(probe=False)
    assert read_study(stepwise).config.workflow == WorkflowConfig(probe=False)
    assert claim(config, stepwise, "").created == again.created


def test_steps_say_what_has_to_come_first(config, tmp_path):
    folder = tmp_path / "study"
    with pytest.raises(UserError, match=r"is no study: it has no study\.json"):
        prepare(folder, pytest.fail)
    claim(config, folder, "")
    assert [path.name for path in folder.iterdir()] == ["study.json"]
    with pytest.raises(UserError, match="is not prepared"):
        run_arm(folder, "hnet", 0, 1, print)
    with pytest.raises(UserError, match="no arm 'hnt'; did you mean 'hnet'"):
        run_arm(folder, "hnt", 0, 1, print)
    with pytest.raises(UserError, match="no seed 7"):
        run_arm(folder, "hnet", 7, 1, print)
    with pytest.raises(UserError, match="is not finished: prepare and 3 more"):
        gather(folder)
    assert [path.name for path in folder.iterdir()] == ["study.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"annotation": "nowhere.gtf"},
        {"data": DataConfig(genome="nowhere")},
        {"arms": {}},
    ],
)
def test_a_claim_that_fails_leaves_nothing(config, tmp_path, change):
    with pytest.raises((UserError, FileNotFoundError)):
        claim(replace(config, **change), tmp_path / "study", "")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_record_is_named(stepwise, tmp_path):
    folder = tmp_path / "study"
    (folder / "runs" / "hnet-seed0").mkdir(parents=True)
    text = (stepwise / "runs" / "hnet-seed0" / "arm.json").read_text()
    (folder / "runs" / "hnet-seed0" / "arm.json").write_text(text[:-100])
    with pytest.raises(UserError, match=r"arm\.json is not readable"):
        read_arm(folder, "hnet", 0)
    (folder / "study.json").write_text('{"config": {}}')
    with pytest.raises(UserError, match="its format is None"):
        read_study(folder)
    with pytest.raises(UserError, match="no record of a study"):
        begun_runs(folder)


def test_paths_hold_from_any_directory(genome_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(genome_folder.parent)
    config = replace(tiny_study(genome_folder.name), workflow=WorkflowConfig(tasks=["tasks.csv"]))
    assert isinstance(config, StudyConfig)
    found = claim(config, tmp_path / "study", "").config
    assert found.data.genome == str(genome_folder)
    assert found.workflow.tasks == [str(genome_folder.parent / "tasks.csv")]
    assert found.arms["hnet"].d_model == SMALL["d_model"]

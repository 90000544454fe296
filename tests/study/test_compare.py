"""A whole small study: equal data for all arms, resumable, and a record that adds up."""

import json
import math
import shutil
from dataclasses import replace
from multiprocessing import active_children

import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import open_genome
from genomenet.models.parameters import count_parameters
from genomenet.report.page import write_report
from genomenet.study.compare import compare
from genomenet.study.config import StudyConfig
from genomenet.study.record import run_folder
from genomenet.study.results_file import load_study
from genomenet.training.data import GenomeDataModule


@pytest.fixture(scope="module")
def study_config(tmp_path_factory, request):
    genome = request.getfixturevalue("genome_folder")
    folder = tmp_path_factory.mktemp("annotation")
    gtf = folder / "genes.gtf"
    rows = [
        # Under another name than the genome's.
        f'chr{contig}\ttest\t{kind}\t{start}\t{end}\t.\t+\t.\tgene_name "G{contig}{start}"; '
        for contig in ("one", "two")
        for start, end, kind in [
            (block * 5000 + 501, block * 5000 + 900, kind)
            for block in range(4)
            for kind in ("gene", "exon")
        ]
    ]
    gtf.write_text("\n".join(rows) + "\n")
    from genomenet.models.config import ModelConfig
    from genomenet.training.config import DataConfig, SplitConfig, TrainConfig

    small = {"d_model": 16, "head_dim": 8, "d_state": 8, "mamba_head_dim": 16}
    return StudyConfig(
        name="tiny",
        data=DataConfig(
            genome=str(genome),
            max_length=128,
            split=SplitConfig(block_bp=5000, valid_fraction=0.2, test_fraction=0.2),
        ),
        train=TrainConfig(
            max_steps=10, global_batch_size=2, valid_every=2, valid_windows=4, accelerator="cpu"
        ),
        arms={
            "mamba2": ModelConfig(**{**small, "layout": "M1"}),
            "hnet": ModelConfig(**{**small, "layout": "m1 + M1 + m1"}),
            "two-stage": ModelConfig(
                **{**small, "layout": "m1 + m1 + T1 + m1 + m1", "targets": [2, 2]}
            ),
        },
        seeds=[0, 1],
        markov_order=3,
        annotation=str(gtf),
    )


@pytest.fixture(scope="module")
def done(study_config, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "study"
    told = []
    study = compare(study_config, out, "genomenet compare ...", 2, told.append, say=told.append)
    return study, out, told


def test_the_record_adds_up(done, study_config):
    study, out, told = done
    assert load_study(out / "results.json") == study
    assert [(run.arm, run.seed) for run in study.runs] == [
        (arm, seed) for seed in (0, 1) for arm in ("mamba2", "hnet", "two-stage")
    ]
    assert told[4] == "held-out bases in reach of training windows: valid 0 (0.0%), test 0 (0.0%)"
    assert set(told[-1].values()) == {10}
    windows = {run.final.window_bases for run in study.runs}
    assert len(windows) == 1, "every arm is scored on the same windows"
    for run in study.runs:
        assert run.training_bases == study.token_budget == 10 * 2 * 128
        assert run.parameters == count_parameters(study_config.arms[run.arm])
        assert [point.step for point in run.curve] == [2, 4, 6, 8, 10]
        assert [point.phase for point in run.curve] == ["stable"] * 4 + ["decay"]
        assert run.before_decay is not None
        assert run.before_decay.nats != run.final.nats
        assert 0.5 < run.final.nats < 2.5
        flops = [point.flops for point in run.curve]
        assert flops == sorted(flops)
    isotropic = next(run for run in study.runs if run.arm == "mamba2")
    last = isotropic.curve[-1]
    assert last.flops == pytest.approx(3 * isotropic.flops_per_base_nominal * last.bases)
    assert study.splits.leaked_bp == 0
    assert study.floors[0].nats == pytest.approx(math.log(4))
    assert len(study.floors) == 1 + 4


def test_the_example_shows_every_routed_stage(done, study_config):
    study, _, _ = done
    example = study.example
    assert example.genes
    assert example.end - example.start == 128
    assert [(t.arm, t.seed, t.stage) for t in example.tracks] == [
        (arm, seed, stage)
        for seed in (0, 1)
        for arm, stages in (("hnet", 1), ("two-stage", 2))
        for stage in range(stages)
    ]
    for track in example.tracks:
        assert len(track.probability) == len(track.boundary) == 128
        assert not track.boundary[-1], "the window's last base is never read"
        for p, boundary in zip(track.probability, track.boundary, strict=True):
            assert (p > 0.5) == boundary or abs(p - 0.5) < 1e-3
    outer, inner = [t.boundary for t in example.tracks if t.arm == "two-stage" and t.seed == 0]
    assert all(o for o, i in zip(outer, inner, strict=True) if i), "chunks of chunks"
    mask = open_genome(study_config.data.genome).read_mask(
        example.contig, example.start, example.end
    )
    runs = [False] * 128
    for start, end in example.soft_mask:
        runs[start - example.start : end - example.start] = [True] * (end - start)
    assert runs == mask.tolist()


def test_all_arms_of_a_seed_see_the_same_windows(study_config):
    seen = []
    for arm in study_config.arms:
        data = GenomeDataModule(study_config.run(arm, 1), 2)
        seen.append(data.training_windows.batch(0, 40).names())
    assert seen[0] == seen[1] == seen[2]


def test_a_finished_study_is_not_trained_again(done, study_config):
    study, out, _ = done
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/checkpoints/last.ckpt")}
    again = compare(study_config, out, "genomenet compare ...", 2, lambda steps: None)
    assert again.runs == study.runs
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_lost_arm_alone_is_trained_again(done, study_config, tmp_path):
    study, out, _ = done
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    shutil.rmtree(run_folder(copy, "hnet", 1))
    again = compare(study_config, copy, "genomenet compare ...", 2, lambda steps: None)

    def without_speed(runs):
        return [replace(run, bases_per_second=0.0) for run in runs]

    assert without_speed(again.runs) == without_speed(study.runs), "the same bits as before"


def test_another_study_in_the_folder_is_refused(done, study_config):
    _, out, _ = done
    other = replace(study_config, train=replace(study_config.train, lr=1e-2))
    with pytest.raises(UserError, match="holds another study"):
        compare(other, out, "", 1, lambda steps: None)


def test_the_report_is_written(done):
    study, out, _ = done
    page = write_report(study, out)
    text = page.read_text()
    assert "two-stage" in text
    assert json.loads((out / "results.json").read_text())["format"] == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arms": {}}, "no arms"),
        ({"seeds": []}, "seeds is"),
        ({"seeds": [1, 1]}, "seeds is"),
        ({"seeds": [-1]}, "seeds is"),
        ({"markov_order": 13}, "markov_order is 13"),
    ],
)
def test_refuses(study_config, change, says):
    with pytest.raises(UserError, match=says):
        replace(study_config, **change).check()


def test_an_arm_that_cannot_work_is_named(study_config):
    arms = {**study_config.arms, "bad": replace(study_config.arms["hnet"], layout="T")}
    with pytest.raises(UserError, match=r"arm 'bad': model\.layout"):
        replace(study_config, arms=arms).check()
    with pytest.raises(UserError, match="becomes a folder"):
        replace(study_config, arms={"../x": study_config.arms["hnet"]}).check()


def test_an_arm_that_fails_stops_the_study(study_config, tmp_path):
    """The sentence reaches the user, and later arms are not begun."""
    out = tmp_path / "study"
    arms = dict.fromkeys(("a", "b", "c", "d"), study_config.arms["two-stage"])
    study = replace(study_config, arms=arms, seeds=[0])
    with pytest.raises(KeyboardInterrupt):
        compare(study, out, "", 1, interrupt)
    assert active_children() == []
    shutil.rmtree(out / "runs", ignore_errors=True)
    run_folder(out, "a", 0).mkdir(parents=True)
    (run_folder(out, "a", 0) / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        compare(study, out, "", 1, lambda steps: None)
    assert {path.name for path in (out / "runs").iterdir()} <= {"a-seed0", "b-seed0"}
    assert active_children() == []


def interrupt(steps):
    raise KeyboardInterrupt

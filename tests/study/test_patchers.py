"""A study with every kind of arm: patchers are made first, and their cost is part of their arms."""

from dataclasses import replace

import pytest

from genomenet.errors import UserError
from genomenet.models.config import ModelConfig
from genomenet.models.flops import flops_per_base
from genomenet.models.patcher import read_patcher
from genomenet.report.summary import summarise
from genomenet.report.tables import COST_HEADERS, arm_rows, text_table
from genomenet.study.arm import describe_flops
from genomenet.study.compare import compare
from genomenet.study.config import StudyConfig
from genomenet.study.finish_run import finish_run
from genomenet.study.patchers import check_given_patchers
from genomenet.training.calibrate import calibrate
from genomenet.training.calibration_config import CalibrateConfig
from genomenet.training.config import DataConfig, RunConfig, SplitConfig, TrainConfig
from genomenet.training.inputs import open_data
from genomenet.training.record import PATCHER, SUMMARY, read_json

SMALL = {"d_model": 16, "head_dim": 8, "d_state": 8, "mamba_head_dim": 16}
BLT = {**SMALL, "layout": "t1 + T1 + T1", "pool": "cross_attention", "inner_norms": False}
ARMS = {
    "transformer": ModelConfig(**SMALL, layout="T1"),
    "moe": ModelConfig(**SMALL, layout="E1", experts=4),
    "random": ModelConfig(**SMALL, layout="m1 + M1 + m1", chunker="random"),
    "space": ModelConfig(
        **SMALL, layout="m1 + T1 + m1", chunker="delimiter", delimiters=["soft_mask", "stop_codon"]
    ),
    "blt-entropy": ModelConfig(**BLT, chunker="entropy", patcher="entropy4", targets=4),
    "hnet-markov": ModelConfig(
        **SMALL, layout="m1 + M1 + m1", chunker="markov", patcher="markov3", targets=3
    ),
    "blt-bpe": ModelConfig(**BLT, chunker="bpe", patcher="bpe"),
    "bpe": ModelConfig(**SMALL, layout="T1", tokeniser="bpe", patcher="bpe", vocab_size=32),
    "kmer": ModelConfig(**SMALL, layout="T1", tokeniser="kmer", kmer=3, vocab_size=70),
}


@pytest.fixture(scope="module")
def config(request):
    return StudyConfig(
        name="arms",
        data=DataConfig(
            genome=str(request.getfixturevalue("genome_folder")),
            max_length=128,
            split=SplitConfig(block_bp=5000, valid_fraction=0.2, test_fraction=0.2),
        ),
        train=TrainConfig(max_steps=4, global_batch_size=2, valid_windows=4, accelerator="cpu"),
        arms=ARMS,
        patchers={
            "entropy4": CalibrateConfig(kind="entropy", target=4, entropy_model="small"),
            "markov3": CalibrateConfig(kind="markov", target=3, order=4),
            "bpe": CalibrateConfig(kind="bpe", vocab_size=24),
        },
        entropy_models={"small": ModelConfig(**SMALL, layout="m1")},
        markov_order=-1,
    )


@pytest.fixture(scope="module")
def done(config, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "study"
    said = []
    study = compare(config, out, "genomenet compare ...", 2, lambda steps: None, said.append)
    return study, out, said


def test_every_arm_trains_and_names_its_chunker_and_costs(done):
    study, _, said = done
    rows = {
        row[0]: dict(zip(COST_HEADERS, row[1:], strict=False)) for row in arm_rows(summarise(study))
    }
    assert list(rows) == list(ARMS)
    assert rows["transformer"]["chunker"] == rows["moe"]["chunker"] == "none"
    assert rows["blt-entropy"]["chunker"] == "entropy"
    assert rows["kmer"]["bp/chunk target"] == "3.00"
    assert float(rows["kmer"]["bp/chunk achieved"]) == pytest.approx(3.0, rel=0.1)
    assert rows["hnet-markov"]["patcher FLOP/base"] == "0"
    assert any("entropy4" in line for line in said)
    table = text_table(study)
    assert max(map(len, table.splitlines())) <= 120


def test_the_cost_of_the_entropy_model_is_part_of_its_arm(done, config):
    study, out, _ = done
    runs = {run.arm: run for run in study.runs}
    entropy = flops_per_base(config.entropy_models["small"], 128).total
    run = runs["blt-entropy"]
    assert run.patcher_flops_per_base == entropy > 0
    model = replace(ARMS["blt-entropy"], patcher="")
    assert run.flops_per_base_nominal == pytest.approx(flops_per_base(model, 128).total + entropy)
    assert run.final.flops_per_base > entropy
    assert (out / "runs" / "blt-entropy-seed0" / "patcher" / "patcher.json").is_file()
    record = read_json(out / "patchers" / "entropy4" / "patcher.json")
    assert record["statistics"]["valid"]["mean"] == pytest.approx(4, rel=0.3)


def test_a_study_goes_on_without_making_its_patchers_again(done, config):
    study, out, _ = done
    said = []
    assert compare(config, out, "again", 2, lambda steps: None, said.append) == study
    assert said == []


def test_a_patcher_from_elsewhere_must_know_no_held_out_base(config, tmp_path):
    other = replace(config.data, split=replace(config.data.split, seed=3))
    given = tmp_path / "markov"
    calibrate(CalibrateConfig(target=3, order=2, sample_bp=9000, data=other), given, "")
    arms = {"given": replace(ARMS["hnet-markov"], patcher=str(given))}
    study = replace(config, arms=arms, patchers={}, entropy_models={})
    with pytest.raises(UserError, match=r"arm 'given': the patcher .* was made with"):
        compare(study, tmp_path / "study", "", 1, lambda steps: None)
    assert not (tmp_path / "study").exists()
    mock = replace(study, data=DataConfig(mock=True, max_length=128))
    (note,) = check_given_patchers(mock, *open_data(mock.data))
    assert note.startswith("Arm given: the patcher")
    assert note.endswith("is not checked.")


def test_a_run_killed_before_it_began_is_begun_anew(config, tmp_path):
    given = tmp_path / "markov"
    calibrate(CalibrateConfig(target=3, order=2, sample_bp=9000, data=config.data), given, "")
    model = replace(ARMS["hnet-markov"], patcher=str(given))
    run = RunConfig(model, config.data, replace(config.train, max_steps=1))
    read_patcher(given).copy_to(tmp_path / "run" / PATCHER)
    finish_run(tmp_path / "run", run, "", print)
    assert (tmp_path / "run" / SUMMARY).exists()
    finish_run(tmp_path / "run", run, "", print)


def test_a_frozen_model_is_paid_for_once(config, done):
    _, out, _ = done
    model = replace(ARMS["blt-entropy"], patcher=str(out / "patchers" / "entropy4"))
    isotropic = {"transformer": ARMS["transformer"]}
    assert describe_flops(isotropic, 128).endswith("costs 3 times as much.")
    assert describe_flops({**isotropic, "blt": model}, 128).endswith("in patchers only once.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patchers": {"markov4": CalibrateConfig(target=3)}}, "did you mean 'markov4'"),
        (
            {
                "patchers": {"markov3": CalibrateConfig(target=5)},
                "arms": {"a": ARMS["hnet-markov"]},
            },
            "target 5",
        ),
        (
            {
                "patchers": {"long": CalibrateConfig(target=3, max_chunk=9)},
                "arms": {"a": replace(ARMS["hnet-markov"], patcher="long")},
            },
            "model.max_chunk is 0, but its patcher 'long' has the max_chunk 9",
        ),
        (
            {
                "patchers": {"words": CalibrateConfig(kind="bpe", target=3)},
                "arms": {"a": replace(ARMS["hnet-markov"], patcher="words")},
            },
            "'words' is of the kind bpe",
        ),
        (
            {"patchers": {"p": CalibrateConfig(kind="entropy", entropy_model="smal")}},
            "did you mean 'small'",
        ),
        (
            {"patchers": {"p": CalibrateConfig(data=DataConfig(mock=True))}},
            "patcher 'p': its data are those of the study",
        ),
        ({"entropy_models": {"e": ModelConfig(layout="x1")}}, "entropy model 'e'"),
        ({"entropy_models": {"e": ARMS["kmer"]}}, "must read single bases by itself"),
        ({"patchers": {"a/b": CalibrateConfig()}}, "becomes a folder"),
    ],
)
def test_mistakes_are_named_before_anything_runs(config, change, message):
    arms = {"arms": {"transformer": ARMS["transformer"]}}
    if "did you mean 'markov4'" in message:
        arms = {"arms": {"hnet": ARMS["hnet-markov"]}}
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        replace(config, **{**arms, **change}).check()


def test_presets_are_arms_and_take_the_patcher_of_their_kind(config):
    presets = ["laptop-blt-markov", "laptop-mamba2"]
    patchers = {"first": CalibrateConfig(target=4, max_chunk=24), "second": CalibrateConfig()}
    full = replace(config, presets=presets, arms={}, patchers=patchers).check()
    assert list(full.arms) == presets
    assert full.arms["laptop-blt-markov"].patcher == "first"
    assert full.arms["laptop-mamba2"].patcher == ""
    assert full.check() == full
    with pytest.raises(UserError, match="laptop-mamba"):
        replace(config, presets=["laptop-mamba3"]).check()

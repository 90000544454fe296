"""Branches end as runs do that had their schedule from the start; trunks stay as they are."""

import json
from dataclasses import replace

import pytest
import torch
from torch.utils._pytree import tree_leaves

from genomenet.cli.main import main
from genomenet.errors import UserError
from genomenet.training.branch import branch
from genomenet.training.checkpoint_reading import load_checkpoint
from genomenet.training.digests import digest_of
from genomenet.training.record import read_record
from genomenet.training.run import resume, train
from genomenet.training.tables import read_table

RECIPE = {"max_steps": 20, "warmup_fraction": 0.1, "decay_fraction": 0.2, "keep_every": 4}
TIMES = ("perf/bases_per_second", "perf/flops_per_second", "perf/model", "perf/peak")


@pytest.fixture
def trunk(make_config, tmp_path):
    train(make_config(**RECIPE), tmp_path / "trunk", "", progress=False)
    return tmp_path / "trunk"


def rows(run, table):
    return [
        {name: value for name, value in row.items() if not name.startswith(TIMES)}
        for row in read_table(run / table)
    ]


@pytest.mark.parametrize("step", [8, 16])
def test_a_branch_ends_as_the_shorter_run(make_config, tmp_path, trunk, step):
    before = digest_of(trunk)
    out = tmp_path / "branch"
    branch(trunk, out, step, 5, "genomenet branch")
    config, record = read_record(out)
    assert record["branch_of"]["step"] == step
    assert (config.train.warmup_steps, config.train.decay_start) == (2, step)
    resume(out, progress=False)
    total = step + 5
    alone = make_config(
        **{**RECIPE, "max_steps": total, "warmup_fraction": 2 / total, "decay_fraction": 5 / total}
    )
    train(alone, tmp_path / "alone", "", progress=False)
    contents = [load_checkpoint(run / "checkpoints/last.ckpt") for run in (out, tmp_path / "alone")]
    for part in ("state_dict", "optimizer_states"):
        one, other = (tree_leaves(content[part]) for content in contents)
        assert len(one) == len(other)
        for value, same in zip(one, other, strict=True):
            alike = torch.equal(value, same) if torch.is_tensor(value) else value == same
            assert alike
    for table in ("train.csv", "valid.csv"):
        assert rows(out, table) == rows(tmp_path / "alone", table)
    assert digest_of(trunk) == before


def test_the_last_that_can_be_left_is_the_default(tmp_path, trunk, capsys):
    out = tmp_path / "branch"
    words = ["branch", str(trunk), "--decay_steps", "2", "--out", str(out)]
    assert main([*words, "--quiet", "true"]) == 0
    assert json.loads((out / "summary.json").read_text())["step"] == 18
    assert main(words) == 2
    assert "already holds a run" in capsys.readouterr().err


def test_steps_without_a_checkpoint_are_refused(make_config, tmp_path, trunk):
    with pytest.raises(UserError, match=r"at step 5, but at 4, 8, 12, 16; name one"):
        branch(trunk, tmp_path / "x", 5, 2, "")
    with pytest.raises(UserError, match="0 steps; give 1 or more"):
        branch(trunk, tmp_path / "x", 8, 0, "")
    cosine = tmp_path / "cosine"
    train(make_config(schedule="cosine"), cosine, "", progress=False)
    with pytest.raises(UserError, match="no checkpoint of a stable phase"):
        branch(cosine, tmp_path / "x", 0, 2, "")
    assert not (tmp_path / "x").exists()
    config = make_config(schedule="cosine", keep_every=2)
    with pytest.raises(UserError, match=r"train.keep_every keeps checkpoints of a stable phase"):
        replace(config).check()

"""`genomenet plan`: what it computes, says, and refuses."""

import json
from pathlib import Path

import pytest

from genomenet.cli.main import main
from genomenet.models.devices import DEVICES, USABLE_MEMORY

BUDGET = USABLE_MEMORY * DEVICES["H100"].memory_bytes


def plan(capsys, *words: object) -> str:
    assert main(["plan", *map(str, words)]) == 0
    return capsys.readouterr().out


def row(capsys, *words: object) -> dict:
    (found,) = json.loads(plan(capsys, *words, "--json"))
    return found


def test_it_says_that_nothing_is_measured(capsys):
    assert "Computed, not measured: NVIDIA H100 SXM 80 GB" in plan(capsys, "hg38-mamba2")
    assert row(capsys, "hg38-mamba2")["computed"] == "Computed, not measured"


def test_parts_add_up_and_the_largest_micro_batch_fits(capsys):
    found = row(capsys, "hg38-hnet-mamba2")
    memory = dict(found["memory_bytes"])
    assert memory.pop("total") == pytest.approx(sum(memory.values()), rel=1e-6)
    assert found["fits"]
    assert found["memory_bytes"]["total"] <= BUDGET
    more = row(capsys, "hg38-hnet-mamba2", "--micro_batch", found["micro_batch"] + 1)
    assert not more["fits"]
    assert more["memory_bytes"]["total"] > BUDGET


def test_days_are_bases_over_bases_per_second(capsys):
    found = row(capsys, "hg38-transformer", "--bases", 3e9, "--devices", 8)
    assert found["days"] == pytest.approx(3e9 / found["bases_per_second"] / 86_400)
    single = row(capsys, "hg38-transformer", "--bases", 3e9)
    assert found["bases_per_second"] == pytest.approx(8 * single["bases_per_second"])


def test_options_change_what_they_name(capsys):
    plain = row(capsys, "hg38-hnet-mamba2", "--micro_batch", 4)
    lean = row(capsys, "hg38-hnet-mamba2", "--micro_batch", 4, "--activation_checkpointing")
    assert lean["memory_bytes"]["total"] < plain["memory_bytes"]["total"] / 2
    assert lean["bases_per_second"] < plain["bases_per_second"]
    padded = row(capsys, "hg38-hnet-mamba2", "--micro_batch", 4, "--padding", 1.2)
    assert padded["memory_bytes"]["total"] > plain["memory_bytes"]["total"]
    assert padded["bases_per_second"] < plain["bases_per_second"]
    longer = row(capsys, "hg38-hnet-mamba2", "--micro_batch", 4, "--positions_per_chunk", 6)
    assert longer["bases_per_second"] > plain["bases_per_second"]
    older = row(capsys, "hg38-hnet-mamba2", "--micro_batch", 4, "--device", "A100")
    assert older["bases_per_second"] < plain["bases_per_second"]
    words = ["--micro_batch", 4, "--devices", 4, "--strategy", "fsdp"]
    sharded = row(capsys, "hg38-hnet-mamba2", *words)
    assert sharded["memory_bytes"]["moments"] < plain["memory_bytes"]["moments"] / 3


def test_a_model_that_does_not_fit_is_named(capsys):
    found = row(capsys, "gpt3-xl-transformer", "--max_length", 2_000_000)
    assert not found["fits"]
    assert "(too large)" in plan(capsys, "gpt3-xl-transformer", "--max_length", 2_000_000)


def test_the_table_in_the_documentation_is_what_the_command_says(capsys):
    text = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text()
    named = [line.split()[0] for line in text.splitlines() if line.startswith("hg38-")]
    table = plan(capsys, *named, "--matmul_precision", "high").split("\n\n")[0]
    assert len(named) == 7
    assert table in text


def test_a_config_file_of_ones_own(capsys, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("model:\n  layout: T2\n  d_model: 64\n")
    table = plan(capsys, path, "hg38-mamba2")
    assert str(path) in table
    assert "hg38-mamba2" in table


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "names is missing"),
        (["nowhere"], "no config file or preset 'nowhere'"),
        (["hg38-mamba2", "--max_length", "1"], "--max_length is 1"),
        (["hg38-mamba2", "--devices", "0"], "--devices is 0"),
        (["hg38-mamba2", "--padding", "0.5"], "--padding is 0.5"),
        (["hg38-mamba2", "--bases", "0"], "--bases is 0"),
        (["hg38-hnet-mamba2", "--positions_per_chunk", "3", "2"], "has 1 chunking stage"),
        (["hg38-hnet-mamba2", "--positions_per_chunk", "0.5"], "must be 1 or more"),
        (["hg38-mamba2", "--device", "H200"], "--device"),
    ],
)
def test_mistakes_are_one_sentence(capsys, words, says):
    assert main(["plan", *words]) == 2
    line = capsys.readouterr().err
    assert says in line
    assert "Traceback" not in line

"""The verb that tells sizes and leaks of splits, as a user meets it."""

import sys

import pytest

from genomenet.cli.main import main
from genomenet.genome.genome import open_genome
from genomenet.windows.fractions import split_by_fraction
from genomenet.windows.splits import split_by_bed


def run(capsys, *words) -> list[str]:
    assert main(["splits", *map(str, words)]) == 0
    return capsys.readouterr().out.splitlines()


def fails(capsys, *words) -> str:
    assert main(["splits", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_sizes_and_leak(capsys, genome_folder):
    lines = run(capsys, "--data.genome", genome_folder, "--data.split.block_bp", "1000")
    assert lines[0].split() == ["split", "bases", "without", "N", "soft-masked"]
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["train", "48,000"],
        ["valid", "6,000"],
        ["test", "6,000"],
    ]
    assert lines[4].endswith("reach of training windows: valid 0 (0.0%), test 0 (0.0%)")


def test_the_config_of_a_run_and_of_a_study(capsys, genome_folder, tmp_path):
    data = f"data: {{genome: {genome_folder}, split: {{by: chromosome, test: [two]}}}}\n"
    (tmp_path / "run.yaml").write_text(f"model: {{d_model: 64}}\n{data}train: {{lr: 3e-3}}\n")
    (tmp_path / "study.yaml").write_text(f"name: x\n{data}arms: {{a: {{d_model: 64}}}}\n")
    of_run = run(capsys, "--config", tmp_path / "run.yaml")
    assert of_run[3].split()[:2] == ["test", "20,000"]
    assert run(capsys, f"--config={tmp_path / 'study.yaml'}") == of_run
    swapped = run(capsys, "--config", tmp_path / "run.yaml", "--data.split.test", "[one]")
    assert swapped[3].split()[:2] == ["test", "40,000"]


def test_unknown_keys_are_errors_with_their_line(capsys, tmp_path):
    (tmp_path / "x.yaml").write_text("model: {d_model: 64}\ndata:\n  mok: true\n")
    assert "x.yaml, line 3: unknown key 'data.mok'; did you mean 'mock'" in fails(
        capsys, "--config", tmp_path / "x.yaml"
    )
    (tmp_path / "y.yaml").write_text("dat: {mock: true}\n")
    assert "unknown key 'dat'" in fails(capsys, "--config", tmp_path / "y.yaml")
    assert "data.genome is missing" in fails(capsys)


def test_written_bed_makes_the_same_splits(capsys, genome_folder, tmp_path):
    bed = tmp_path / "new" / "splits.bed"
    words = ["--data.genome", genome_folder, "--data.split.block_bp", "1000"]
    assert f"data.split.bed={bed}" in run(capsys, *words, "--bed", bed)[-1]
    genome = open_genome(genome_folder)
    assert split_by_bed(genome, bed) == split_by_fraction(genome, 0.1, 0.1, 1000, 0)
    starts = [(row.split("\t")[0], int(row.split("\t")[1])) for row in bed.open()]
    assert starts == sorted(starts)
    assert "give a name that ends with .bed" in fails_after_report(capsys, *words, "--bed", "x.gz")


def fails_after_report(capsys, *words) -> str:
    assert main(["splits", *map(str, words)]) == 2
    return capsys.readouterr().err


@pytest.mark.similarity
def test_similarity(capsys):
    words = ["--data.mock", "--similarity", "--quiet"]
    lines = run(capsys, *words, "--similarity-bp", "200", "--similarity-windows", "50")
    header = next(i for i, line in enumerate(lines) if line.startswith("split  windows"))
    rows = [line.split() for line in lines[header + 1 : header + 7]]
    assert [row[:3] for row in rows] == [
        [split, windows, rows[i + 3 * j][2] if windows == "repeat-poor" else "50"]
        for j, split in enumerate(("valid", "test"))
        for i, windows in enumerate(("all", "repeat-poor", "reversed"))
    ]
    # The mock genome is independent bases but for mutated copies of repeats, all soft-masked.
    for every, poor, reverse in (rows[:3], rows[3:]):
        assert float(every[3].rstrip("%")) > 20
        assert poor[3:] == reverse[3:] == ["0.00%"] * 3


def test_similarity_without_minimap2(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mappy", None)
    assert 'pip install "genomenet[similarity]"' in fails_after_report(
        capsys, "--data.mock", "--similarity"
    )


@pytest.mark.parametrize("length", [128, 1 << 15])
def test_published_windows_are_told_to_leak(capsys, genome_folder, tmp_path, length):
    bed = tmp_path / "x.bed"
    bed.write_text("one\t0\t1000\ttrain\none\t5000\t6000\tvalid\none\t7000\t8000\ttest\n")
    words = ["--data.genome", genome_folder, "--data.split.by=bed", f"--data.split.bed={bed}"]
    assert run(capsys, *words)[-1].endswith("valid 0 (0.0%), test 0 (0.0%)")
    words.append("--data.split.policy=caduceus")
    lines = run(capsys, *words, f"--data.max_length={length}", "--bed", tmp_path / "reached.bed")
    start = min(5000, 40_000 - length)
    assert f"valid {40_000 - start:,} (100.0%)" in lines[4]
    assert "held-out scores are mostly scores on training bases" in lines[5]
    assert "each base is scored once" in lines[6]
    assert lines[7].startswith("bases both in valid and in test: ")
    assert lines[8].endswith(
        "reached.bed: what windows reach; its splits overlap, so no run takes it"
    )
    assert f"one\t{start}\t40000\tvalid\n" in (tmp_path / "reached.bed").read_text()
    assert "give a power of 2" in fails(capsys, *words, "--data.max_length=100")


def test_folds(capsys):
    words = ["--data.mock", "--data.split.by=folds", "--data.split.folds=3"]
    tests = [run(capsys, *words, f"--data.split.fold={fold}")[3].split()[1] for fold in range(3)]
    assert sorted(tests) == ["1,200,000", "200,000", "600,000"]

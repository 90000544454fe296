import re

import pytest

from genomenet.cli.main import main
from genomenet.training import page_cache


def lines(capsys, *words: str) -> list[str]:
    assert main(["data", "bench", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_all_measurements(genome_folder, fasta, capsys):
    options = ("--length", "100", "--batch", "8", "--seconds", "0.05", "--workers", "0", "2")
    said = lines(capsys, str(genome_folder), *options, "--fasta", str(fasta))
    assert said[0].startswith(f"{genome_folder}: 60,000 bases, 0 MB; batches of 8 x 100 bp")
    assert " ".join(said[1].split()) == (
        "workers cold MB/s warm MB/s warm MB per CPU second memory MB"
    )
    rows = [line.split() for line in said[2:4]]
    assert [row[0] for row in rows] == ["0", "2"]
    assert all(float(number.replace(",", "")) >= 0 for row in rows for number in row)
    assert all(float(row[2].replace(",", "")) > 0 for row in rows)
    assert re.search(r"pyfaidx, the same windows as strings: \d+ MB/s warm.* ours is \d", said[-1])


def test_a_fasta_in_place(fasta, capsys):
    said = lines(capsys, str(fasta), "--length", "100", "--seconds", "0.05", "--workers", "1")
    assert "60,000 bases" in said[0]


def test_what_stays_in_memory_is_said(genome_folder, capsys, monkeypatch):
    monkeypatch.setattr(page_cache, "resident_share", lambda files: 0.4)
    options = ("--length", "100", "--seconds", "0.05", "--workers", "0")
    said = lines(capsys, str(genome_folder), *options)
    assert any("40% of the genome stayed in memory" in line for line in said)
    assert any("only 40% of the genome fits in memory" in line for line in said)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--length", "0"), "--length is 0; give more than 0"),
        (("--seconds", "-1"), "--seconds is -1; give more than 0"),
        (("--workers", "0", "-1"), "--workers has -1"),
        (("--length", "9999999"), "longer than every training interval"),
    ],
)
def test_mistakes(genome_folder, capsys, words, reason):
    assert main(["data", "bench", str(genome_folder), *words]) == 2
    assert reason in capsys.readouterr().err


def test_a_fasta_of_another_genome(genome_folder, tmp_path, capsys):
    other = tmp_path / "other.fa"
    other.write_text(">one\nACGT\n")
    words = ["--length", "100", "--seconds", "0.02", "--workers", "0", "--fasta", str(other)]
    assert main(["data", "bench", str(genome_folder), *words]) == 2
    assert "has no contig 'one' of 40,000 bp" in capsys.readouterr().err

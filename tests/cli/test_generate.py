"""`genomenet generate` as a user meets it: what it writes, that it repeats, and what it refuses."""

import re

import pytest

from genomenet.cli.main import main
from genomenet.interop.folder import export
from genomenet.training.run import train


@pytest.fixture
def run(tmp_path_factory, request):
    """A run of a second."""
    make_config = request.getfixturevalue("make_config")
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(make_config(max_steps=2), folder, "test", progress=False)
    return folder


def read(text: str) -> dict[str, tuple[str, str]]:
    """Description and sequence of every record of a FASTA text, by name."""
    records = {}
    for record in text.split(">")[1:]:
        header, *lines = record.splitlines()
        name, _, description = header.partition(" ")
        assert all(len(line) <= 80 for line in lines)
        records[name] = (description, "".join(lines))
    return records


def generated(capsys, *words) -> dict[str, tuple[str, str]]:
    assert main(["generate", *(str(word) for word in words)]) == 0
    return read(capsys.readouterr().out)


def fails(capsys, *words) -> str:
    assert main(["generate", *(str(word) for word in words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return captured.err


def test_from_nothing(capsys, run):
    records = generated(capsys, run, "--length", 90, "--number", 3)
    assert list(records) == ["generated_1", "generated_2", "generated_3"]
    sequences = [sequence for _, sequence in records.values()]
    assert len(set(sequences)) == 3
    assert all(re.fullmatch("[ACGT]{90}", sequence) for sequence in sequences)
    description = records["generated_1"][0]
    assert re.fullmatch(
        r"run=run weights=[0-9a-f]{12} checkpoint=final seed=0 temperature=1\.0 top_k=0 top_p=1\.0",
        description,
    )


def test_prompts_batches_and_seeds(capsys, run, tmp_path):
    prompts = tmp_path / "prompts.fa"
    prompts.write_text(">a first\nACGTacgtNNNN\nRYAC\n>b\nTTT\n")
    words = (run, "--prompt", prompts, "--length", 30, "--number", 2)
    one = generated(capsys, *words, "--batch_size", 1)
    assert list(one) == ["a_1", "a_2", "b_1", "b_2"]
    assert one["a_1"][0].endswith("prompt=a:16")
    assert generated(capsys, *words, "--batch_size", 3) == one
    assert generated(capsys, *words, "--seed", 1)["a_1"][1] != one["a_1"][1]
    greedy = generated(capsys, *words, "--temperature", 0)
    assert greedy["a_1"][1] == greedy["a_2"][1]
    assert generated(capsys, *words, "--top_k", 1)["a_1"][1] == greedy["a_1"][1]
    assert generated(capsys, *words, "--top_p", 1e-9)["a_1"][1] == greedy["a_1"][1]


def test_a_file_appears_whole_and_the_summary_is_told(capsys, run, tmp_path):
    out = tmp_path / "new" / "out.fa"
    words = ["generate", str(run), "--length", "40", "--out", str(out)]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1 sequence(s) of 40 bases" in captured.err
    assert "the main network stepped" in captured.err
    assert read(out.read_text()) == generated(capsys, run, "--length", 40, "--quiet")
    assert [path.name for path in out.parent.iterdir()] == ["out.fa"]


def test_an_exported_model_writes_the_same(capsys, run, tmp_path):
    export(run, tmp_path / "model")
    exported = generated(capsys, tmp_path / "model", "--length", 40, "--quiet")
    original = generated(capsys, run, "--length", 40, "--quiet")
    assert exported["generated_1"][1] == original["generated_1"][1]
    assert exported["generated_1"][0].split()[1:] == original["generated_1"][0].split()[1:]


def test_a_run_in_bfloat16(capsys, make_config, tmp_path):
    config = make_config(max_steps=2, precision="bfloat16", model={"pool": "cross_attention"})
    train(config, tmp_path / "run", "test", progress=False)
    sequence = generated(capsys, tmp_path / "run", "--length", 30)["generated_1"][1]
    assert re.fullmatch("[ACGT]{30}", sequence)


def test_words_of_kmers(capsys, make_config, tmp_path):
    model = {"layout": "T1", "tokeniser": "kmer", "kmer": 3, "vocab_size": 70}
    train(make_config(max_steps=2, model=model), tmp_path / "run", "test", progress=False)
    assert main(["generate", str(tmp_path / "run"), "--length", "50"]) == 0
    captured = capsys.readouterr()
    assert re.fullmatch("[ACGT]{50}", read(captured.out)["generated_1"][1])
    assert "stepped 0.340 times a base" in captured.err


def test_text(capsys, make_config, tmp_path):
    (tmp_path / "book.txt").write_text("It was the best of times, it was the worst. " * 400)
    (tmp_path / "a prompt.txt").write_bytes("Größe\n".encode())
    config = make_config(
        genome="",
        data={"text": str(tmp_path / "book.txt"), "rc_aug": False},
        model={"alphabet": "bytes", "vocab_size": 256},
        max_steps=2,
    )
    train(config, tmp_path / "run", "test", progress=False)
    capsys.readouterr()
    out = tmp_path / "out.txt"
    words = ["generate", str(tmp_path / "run"), "--length", "30", "--quiet", "--out", str(out)]
    assert main([*words, "--text", "It was"]) == 0
    alone = out.read_bytes()
    assert len(alone) == 30
    assert main([*words, "--text", "It was", "--number", "2"]) == 0
    several = out.read_bytes()
    assert several.startswith(b"==> text_1 run=run ")
    assert alone in several
    assert b"\n==> text_2 run=run " in several
    assert main([*words, "--prompt", str(tmp_path / "a prompt.txt"), "--number", "2"]) == 0
    assert out.read_bytes().startswith(b"==> a_prompt_1 ")
    assert b"prompt=a_prompt:8 <==\n" in out.read_bytes()


def test_a_stop_half_way_leaves_no_file(capsys, run, tmp_path, monkeypatch):
    from genomenet.models import generate as generation

    def stop(*inputs):
        raise KeyboardInterrupt

    monkeypatch.setattr(generation, "draw", stop)
    assert main(["generate", str(run), "--out", str(tmp_path / "out.fa")]) == 130
    assert list(tmp_path.iterdir()) == []


def test_longer_than_the_windows_of_training_is_noted(capsys, run):
    assert main(["generate", str(run), "--length", "200", "--number", "1"]) == 0
    assert "the model was trained on 128" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--length", "0"], "--length is 0"),
        (["--number", "-1"], "--number is -1"),
        (["--batch_size", "0"], "--batch_size is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--temperature", "-1"], "--temperature is -1"),
        (["--top_p", "2"], "--top_p is 2"),
        (["--top_k", "-1"], "--top_k is -1"),
        (["--temperture", "1"], "did you mean '--temperature'?"),
        (["--prompt", "nowhere.fa"], "nowhere.fa does not exist"),
        (["--prompt", "protein.fa"], "this looks like protein"),
        (["--prompt", "hollow.fa"], "'b' has no bases"),
        (["--prompt", "hollow.fa", "--text", "a"], "give one of them"),
        (["--text", "ACGT"], "--text is for models of text"),
        (["--out", "."], "is a folder"),
        (["--checkpoint", "before-decay"], "before_decay.ckpt"),
    ],
)
def test_mistakes_are_one_line(capsys, run, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "protein.fa").write_text(">p\nMKVLAAGEFWQP\n")
    (tmp_path / "hollow.fa").write_text(">a\nACGT\n>b\n>c\nACGT\n")
    if "before-decay" in words:
        (run / "checkpoints" / "before_decay.ckpt").unlink(missing_ok=True)
    assert says in fails(capsys, run, *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hollow.fa", "protein.fa"]


def test_no_run(capsys, tmp_path):
    assert "is not a run" in fails(capsys, tmp_path / "nowhere")
    (tmp_path / "config.json").write_text("{}")
    assert "one set of weights" in fails(capsys, tmp_path, "--checkpoint", "best")

"""Held-out likelihood: equal to a loop over single bases, whatever the batch, N or case."""

import math
import shutil
from dataclasses import replace

import pytest
import torch

from genomenet.errors import UserError
from genomenet.evaluation.likelihood.record import held_out_likelihood
from genomenet.evaluation.run import evaluate_run, held_out_intervals
from genomenet.genome.genome import open_genome
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.models.flops import flops_per_base
from genomenet.models.language_model import LanguageModel
from genomenet.training.record import read_record
from genomenet.training.run import train
from genomenet.training.weights import load_model
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.subjects import subject_of


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from tests.models.arms import ARMS

    torch.manual_seed(1)
    return LanguageModel(ARMS["hnet mamba2"]).double()


def score(model, genome, intervals, batch_size=3, length=64):
    tiles = HeldOutTiles(genome, intervals, length)
    return held_out_likelihood(subject_of(model, batch_size, length), tiles, "final")


def test_equals_a_loop_over_bases(model, genome_folder):
    genome = open_genome(genome_folder)
    found = score(model, genome, [Interval("one", 100, 100 + 150)])
    codes = genome.read("one", 100, 250)
    mask = genome.read_mask("one", 100, 250)
    nats, masked, chunks, positions = 0.0, 0.0, 0, 0
    for start in (0, 64, 128):
        window = codes[start : start + 64].tolist()
        tokens = torch.tensor([[4, *window[:-1]]])
        with torch.no_grad():
            output = model(tokens)
        log_p = output.logits[0].log_softmax(-1)
        chunks += int(output.boundaries[0].mask.sum())
        positions += len(window)
        for i, base in enumerate(window):
            nats -= float(log_p[i, base])
            masked -= float(log_p[i, base]) * mask[start + i]
    assert found.bases == 150
    assert found.nats * 150 == pytest.approx(nats)
    assert found.masked_nats == pytest.approx(masked)
    assert found.masked_bases == mask.sum()
    assert found.bases_per_chunk == (positions / chunks,)
    expected = flops_per_base(model.config, 64, [positions / chunks]).total
    assert found.flops_per_base == pytest.approx(expected)


def test_batch_size_changes_nothing(model, genome_folder):
    genome = open_genome(genome_folder)
    intervals = [Interval("one", 0, 500), Interval("two", 77, 400)]
    one, many = (score(model, genome, intervals, size) for size in (1, 16))
    assert one.nats == pytest.approx(many.nats, rel=1e-12)
    assert one.window_nats == pytest.approx(many.window_nats, rel=1e-12)
    assert one.bases_per_chunk == many.bases_per_chunk


def test_n_is_never_scored_and_case_does_not_matter(model, tmp_path):
    bases = "ACGTTGCAAC" * 30
    for name, text in (
        ("plain", bases),
        ("lower", bases.lower()),
        ("with_n", bases + "N" * 100),
    ):
        (tmp_path / f"{name}.fa").write_text(f">a\n{text}\n")
        import_genome([tmp_path / f"{name}.fa"], tmp_path / name)
    found = {
        name: score(model, open_genome(tmp_path / name), [Interval("a", 0, end)], length=50)
        for name, end in (("plain", 300), ("lower", 300), ("with_n", 400))
    }
    assert found["plain"].nats == found["lower"].nats
    assert found["lower"].masked_bases == 300
    assert found["with_n"].bases == 300
    assert found["with_n"].nats == pytest.approx(found["plain"].nats, rel=1e-12)


def test_runs_are_scored_from_their_folder(make_config, tmp_path, fasta):
    config = make_config()
    train(config, tmp_path / "run", "", progress=False)
    genome, intervals = held_out_intervals(tmp_path / "run", "test", "", "")
    final = evaluate_run(tmp_path / "run", "final", genome, intervals)
    before = evaluate_run(tmp_path / "run", "before decay", genome, intervals)
    assert final.bases == before.bases == sum(i.end - i.start for i in intervals)
    assert final.nats != before.nats
    assert 1 < math.exp(final.nats) < 8
    other, whole = held_out_intervals(tmp_path / "run", "test", str(fasta), "")
    assert evaluate_run(tmp_path / "run", "final", other, whole).bases == 60_000
    some = evaluate_run(tmp_path / "run", "final", other, whole, limit=5)
    assert some.bases == 5 * 128
    bed, names = tmp_path / "x.bed", tmp_path / "names.txt"
    bed.write_text("chrone\t0\t128\nsecond\t5\t9\n")
    with pytest.raises(UserError, match=r"x\.bed: line 2: .* has no contig 'second'"):
        held_out_intervals(tmp_path / "run", "test", str(fasta), str(bed))
    names.write_text("two\tsecond\n")
    placed = held_out_intervals(tmp_path / "run", "test", str(fasta), str(bed), aliases=str(names))[
        1
    ]
    assert placed == [Interval("one", 0, 128), Interval("two", 5, 9)]


def test_weights_of_another_model_are_refused(make_config, tmp_path):
    train(make_config(max_steps=1), tmp_path / "one", "", progress=False)
    train(make_config(max_steps=1, model={"layout": "T1"}), tmp_path / "two", "", progress=False)
    shutil.rmtree(tmp_path / "one" / "checkpoints")
    shutil.copytree(tmp_path / "two" / "checkpoints", tmp_path / "one" / "checkpoints")
    with pytest.raises(UserError, match="weights of another model"):
        load_model(tmp_path / "one", "final")
    with pytest.raises(UserError, match="is not a run"):
        read_record(tmp_path)


def test_an_empty_test_split_is_one_sentence(make_config, tmp_path):
    config = make_config(max_steps=1)
    split = replace(config.data.split, test_fraction=0.0)
    config = replace(config, data=replace(config.data, split=split))
    train(config, tmp_path / "run", "", progress=False)
    with pytest.raises(UserError, match="test split is empty"):
        held_out_intervals(tmp_path / "run", "test", "", "")


def test_a_changed_genome_is_refused(make_config, tmp_path, fasta):
    import_genome([fasta], tmp_path / "genome")
    config = make_config(genome=tmp_path / "genome", max_steps=1)
    train(config, tmp_path / "run", "", progress=False)
    shutil.rmtree(tmp_path / "genome")
    (tmp_path / "other.fa").write_text(fasta.read_text().replace("A", "C"))
    import_genome([tmp_path / "other.fa"], tmp_path / "genome")
    with pytest.raises(UserError, match="is not the genome"):
        held_out_intervals(tmp_path / "run", "test", "", "")

"""One pass over windows: every breakdown equals a loop over single bases, on both strands."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genomenet.evaluation.base_kinds import ALL, IN_REPEAT, classes_of, codon_positions
from genomenet.evaluation.blocks import lay_blocks
from genomenet.evaluation.scored_arms import (
    Arm,
    Scored,
    by_contig,
    by_groups,
    by_position,
    differences,
    estimates,
)
from genomenet.evaluation.window_sums import SOFT_MASKED, sum_windows
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.subjects import tiny_subject

LENGTH = 48
INTERVALS = [Interval("a", 20, 300), Interval("b", 3, 111)]


def scored(genome, track, arm="hnet mamba2", batch_size=3, seed=1):
    subject = tiny_subject(arm, seed, batch_size=batch_size, length_bp=LENGTH)
    tiles = HeldOutTiles(genome, INTERVALS, LENGTH)
    blocks = lay_blocks(tiles)
    strands = [sum_windows(subject, tiles, blocks, track, reverse) for reverse in (False, True)]
    return Scored(subject, *strands), blocks


@pytest.fixture(scope="module")
def one(genome, track):
    return scored(genome, track)


@pytest.fixture(scope="module")
def loop(genome, track, one):
    """Every scored base, one by one: what it is, how it was read, what it cost."""
    rows = []
    model = one[0].subject.model
    for interval in INTERVALS:
        for start in range(interval.start, interval.end, LENGTH):
            end = min(start + LENGTH, interval.end)
            place = (interval.contig, start, end)
            stored, mask = track.read_bytes(*place), genome.read_mask(*place)
            for reverse in (False, True):
                codes = genome.read(*place).astype(int)
                at = np.arange(start, end)
                if reverse:
                    codes, at = np.where(codes < 4, 3 - codes, 4)[::-1], at[::-1]
                with torch.no_grad():
                    logits = model(torch.tensor([[4, *codes[:-1].tolist()]])).logits[0]
                log_p = logits.log_softmax(-1)
                for i, base in enumerate(codes):
                    if base < 4:
                        group = int(stored[at[i] - start]) + SOFT_MASKED * int(mask[at[i] - start])
                        rows.append((interval.contig, group, reverse, i, -float(log_p[i, base])))
    return rows


def check(loop, breakdown, model, keep):
    """Compare each column with the loop's bases that `keep(column, row)` is true of."""
    nats, bases = breakdown(model)
    for column in range(nats.shape[1]):
        mine = [row[-1] for row in loop if keep(column, row)]
        assert bases[:, column].sum() == len(mine)
        assert nats[:, column].sum() == pytest.approx(sum(mine), rel=1e-9, abs=1e-12)
    return bases.sum(0)


def test_classes_and_repeats(loop, one, track):
    kinds = classes_of(track.classes)
    names = {name: code for code, name in enumerate(track.classes)}
    for strand, wanted in (("forward", (False,)), ("reverse", (True,)), ("mean", (False, True))):
        for in_repeat in (False, True):
            groups = [k.groups & (in_repeat == IN_REPEAT) for k in kinds]
            bases = check(
                loop, by_groups(groups, strand=strand), one[0],
                lambda c, row, wanted=wanted, in_repeat=in_repeat: row[2] in wanted
                and (row[1] & 31) == names[kinds[c].name]
                and bool(row[1] & 128) == in_repeat,
            )  # fmt: skip
            assert (bases > 0).sum() >= 3


def test_codon_positions_by_direction(loop, one, track):
    places = codon_positions(track.classes)
    breakdown = by_groups([k.groups for _, _, k in places], [k.reverse for _, _, k in places])

    def keep(column, row):
        direction, place, _ = places[column]
        plus = (row[1] >> 5 & 3) == 1
        along = plus != row[2]
        name = track.classes[row[1] & 31]
        return name == f"coding_{place}" and along == (direction == "sense")

    assert (check(loop, breakdown, one[0], keep) > 5).all()


def test_positions_and_contigs(loop, one):
    check(loop, by_position, one[0], lambda column, row: row[3].bit_length() == column)
    names = ["a", "b"]
    breakdown = by_contig(one[1], names)
    assert check(loop, breakdown, one[0], lambda c, row: row[0] == names[c]).all()


def test_classes_sum_to_the_total(one, track):
    kinds = by_groups([kind.groups for kind in classes_of(track.classes)])(one[0])
    whole = by_groups([ALL])(one[0])
    assert kinds[0].sum() == pytest.approx(whole[0].sum(), rel=1e-12)
    assert kinds[1].sum() == whole[1].sum() == 2 * one[0].forward.bases_W.sum()


@pytest.mark.parametrize("size", [1, 16])
def test_batch_size_changes_nothing(one, genome, track, size):
    other, _ = scored(genome, track, batch_size=size)
    for a, b in zip(one[0].strands(), other.strands(), strict=True):
        np.testing.assert_allclose(a.nats_GK, b.nats_GK, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(a.chunks_SG, b.chunks_SG)


def test_chunks_by_kind_are_those_of_the_windows(one):
    sums = one[0].forward
    # Each window begins with a boundary at the start symbol, and N are no bases to count.
    assert 0 < sums.chunks_SG[0].sum() <= sums.chunks[0] - len(sums.nats_W)
    assert sums.decided_G.sum() <= sums.bases_W.sum()


def test_reverse_strand_is_the_genome_turned_round(tmp_path):
    rng = np.random.default_rng(2)
    text = "".join(rng.choice(list("ACGTacgtN"), 4 * LENGTH))
    turned = text[::-1].translate(str.maketrans("ACGTacgt", "TGCAtgca"))
    sums = {}
    for name, bases in (("as it is", text), ("turned", turned)):
        (tmp_path / f"{name}.fa").write_text(f">a\n{bases}\n")
        genome = import_genome([tmp_path / f"{name}.fa"], tmp_path / name)
        tiles = HeldOutTiles(genome, [Interval("a", 0, len(text))], LENGTH)
        subject = tiny_subject("hnet mamba2", batch_size=1, length_bp=LENGTH)
        sums[name] = [sum_windows(subject, tiles, lay_blocks(tiles), None, r) for r in (0, 1)]
    forward, reverse = sums["as it is"]
    turned_forward, turned_reverse = sums["turned"]
    np.testing.assert_array_equal(reverse.nats_W, turned_forward.nats_W[::-1])
    np.testing.assert_array_equal(forward.nats_W, turned_reverse.nats_W[::-1])
    np.testing.assert_allclose(reverse.nats_GK.sum(1), turned_forward.nats_GK.sum(1), rtol=1e-12)
    assert reverse.chunks == turned_forward.chunks
    assert not np.array_equal(forward.nats_W, reverse.nats_W)


def test_paired_differences_are_differences_of_means(one, genome, track):
    other, _ = scored(genome, track, "transformer", seed=4)
    a, b = Arm("a", (one[0],)), Arm("b", (other,))
    for breakdown in (by_groups([ALL]), by_position):
        found = differences(a, b, breakdown)
        apart = zip(estimates(a, breakdown), estimates(b, breakdown), strict=True)
        for gap, (of_a, of_b) in zip(found, apart, strict=True):
            assert gap.centre == pytest.approx(of_a.centre - of_b.centre, abs=1e-12)
    assert differences(a, a, by_groups([ALL]))[0].centre == 0


@pytest.mark.parametrize("arm", ["mamba2", "hnet two stages", "blt learned"])
def test_windows_longer_than_a_pass_are_read_in_segments(genome, track, monkeypatch, arm):
    """Sums are the same, and never are more positions read at once than a pass has."""
    tiles = HeldOutTiles(genome, INTERVALS, LENGTH)
    blocks = lay_blocks(tiles)
    subject = tiny_subject(arm, batch_size=1, length_bp=LENGTH)
    expected = sum_windows(subject, tiles, blocks, track)
    short, columns = replace(subject, length_bp=10), []
    read = type(subject.model).read

    def spy(self, tokens_BL, *others, **sides):
        columns.append(tokens_BL.shape[1])
        return read(self, tokens_BL, *others, **sides)

    monkeypatch.setattr(type(subject.model), "read", spy)
    found = sum_windows(short, tiles, blocks, track)
    assert max(columns) == 10
    for name, value in vars(expected).items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-9, atol=1e-9)

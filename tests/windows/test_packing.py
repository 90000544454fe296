import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genomenet.errors import UserError
from genomenet.genome.alphabet import N_CODE
from genomenet.genome.contigs import Contig
from genomenet.genome.genome import whole_contigs
from genomenet.genome.importer import import_genome
from genomenet.genome.text import TextCorpus
from genomenet.windows.packing import PackedPieces
from genomenet.windows.training_windows import TrainingWindows


def short_contigs(folder, lengths, seed=0):
    random = np.random.default_rng(seed)
    text = "".join(
        f">c{i}\n{''.join(random.choice(list('ACGT'), length))}\n"
        for i, length in enumerate(lengths)
    )
    (folder / "short.fa").write_text(text)
    return import_genome([folder / "short.fa"], folder / "short")


def row_of(windows):
    """The row that all pieces make, with one N between two."""
    texts = [windows.genome.read(p.contig, p.start, p.end).tobytes() for p in windows.pieces]
    return bytes([N_CODE]).join(texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(2, 60), st.data())
def test_segments_are_those_of_the_row(lengths, length_bp, data):
    contigs = [Contig(f"c{i}", length, 0) for i, length in enumerate(lengths)]

    class Table:
        pass

    table = Table()
    table.contigs = contigs
    packed = PackedPieces(table, whole_contigs(table))
    assert packed.length_bp == sum(lengths) + len(lengths) - 1
    row = [None]  # a gap in front of every contig but the first
    for i, length in enumerate(lengths):
        row += [(i, place) for place in range(length)] + [None]
    row = row[1:-1]
    start = data.draw(st.integers(0, max(0, len(row) - length_bp)))
    places = packed.locate(np.array([start]), length_bp)
    window = [None] * length_bp
    for target, column, contig, first, count in zip(*(c.tolist() for c in places), strict=True):
        assert target == 0
        assert count > 0
        for k in range(count):
            assert window[column + k] is None
            window[column + k] = (contig, first + k)
    assert window[: len(row) - start] == row[start : start + length_bp]


def test_an_epoch_holds_nearly_every_base_of_short_contigs(tmp_path):
    lengths = [37, 50, 64, 20, 99, 81, 45, 70, 33, 60] * 5
    genome = short_contigs(tmp_path, lengths)
    windows = TrainingWindows(genome, whole_contigs(genome), 100, 3, rc_aug=False, pack=True)
    batch = windows.batch(0, windows.first_sample(1))
    bases = np.count_nonzero(batch.codes < N_CODE)
    assert windows.dropped_bp == 0
    assert sum(lengths) - 2 * 100 < bases <= sum(lengths)
    row = row_of(windows)
    for codes, length in zip(batch.codes, batch.lengths.tolist(), strict=True):
        assert codes[:length].tobytes() in row
        assert (codes[length:] == N_CODE).all()
        assert length >= 99  # a window may end before the N between two contigs


def test_without_packing_short_contigs_are_left_out(tmp_path):
    genome = short_contigs(tmp_path, [250, 60, 70])
    windows = TrainingWindows(genome, whole_contigs(genome), 100, 3, rc_aug=False)
    assert windows.dropped_bp == 130
    packed = TrainingWindows(genome, whole_contigs(genome), 100, 3, rc_aug=False, pack=True)
    assert packed.dropped_bp == 0
    assert len(packed.pieces) == 3


def test_long_pieces_stay_what_they_are_beside_packed_ones(tmp_path):
    genome = short_contigs(tmp_path, [950, 60, 70])
    windows = TrainingWindows(genome, whole_contigs(genome), 100, 3, rc_aug=True, pack=True)
    batch = windows.batch(0, windows.first_sample(1))
    row = row_of(windows)
    assert len(batch.codes) == windows.first_sample(1)
    for codes, length in zip(batch.codes, batch.lengths.tolist(), strict=True):
        assert codes[:length].tobytes() in row


def test_too_little_to_pack(tmp_path):
    genome = short_contigs(tmp_path, [30, 30, 30])
    with pytest.raises(UserError, match="longer than every training interval"):
        TrainingWindows(genome, whole_contigs(genome), 100, 3, rc_aug=False, pack=True)


def test_text_is_not_packed_for_what_would_stand_between_is_scored(tmp_path):
    for number in range(9):
        (tmp_path / f"{number}.txt").write_bytes(b"abcdefghij")
    text = TextCorpus(tmp_path)
    with pytest.raises(UserError, match=r"data\.pack_contigs"):
        TrainingWindows(text, whole_contigs(text), 16, seed=1, rc_aug=False, pack=True)

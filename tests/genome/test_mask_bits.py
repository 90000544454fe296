import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome.mask_bits import MaskBits
from genomenet.windows.batch import unpack_mask

RANDOM = np.random.default_rng(0)


@given(st.integers(1, 70), st.lists(st.integers(0, 7), max_size=6))
def test_rows_that_begin_at_any_bit(length_bp, shifts):
    rows = len(shifts)
    # What is outside a row belongs to its neighbours in the genome, and is not looked at.
    bits = RANDOM.integers(0, 256, (rows, MaskBits.bytes_a_row(length_bp)), dtype=np.uint8)
    mask = MaskBits(bits, np.array(shifts, dtype=np.uint8), length_bp)
    expected = np.array(
        [
            [bits[row, (shift + i) // 8] >> ((shift + i) % 8) & 1 == 1 for i in range(length_bp)]
            for row, shift in enumerate(shifts)
        ],
        dtype=np.bool_,
    ).reshape(rows, length_bp)
    assert np.array_equal(mask.unpacked(), expected)
    assert mask.count() == expected.sum()
    on_device = unpack_mask(torch.from_numpy(bits), torch.from_numpy(mask.shifts), length_bp)
    assert on_device.dtype == torch.bool
    assert np.array_equal(on_device.numpy(), expected)
    assert np.array_equal(mask.rows(1, rows).unpacked(), expected[1:])
    assert np.array_equal(MaskBits.of(expected).unpacked(), expected)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)), max_size=5))
def test_parts_of_a_row_side_by_side(parts):
    expected, column = np.zeros((2, 130), dtype=np.bool_), 0
    mask = MaskBits.zeros(2, 130)
    for gap, bases in parts:
        flags = RANDOM.random(bases) < 0.5
        expected[1, column + gap : column + gap + bases] = flags
        mask.put(1, column + gap, flags)
        column += gap + bases
    assert np.array_equal(mask.unpacked(), expected)

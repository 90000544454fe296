import numpy as np
import torch

from genomenet.windows.batch_memory import RecycledMemory


def address(array: np.ndarray) -> int:
    return array.ctypes.data


def test_memory_comes_back_when_the_last_view_is_gone():
    give = RecycledMemory()
    array = give(100_000)
    assert array.shape == (100_000,)
    assert array.dtype == np.uint8
    first = address(array)
    view = array[50_000:].view(np.bool_).reshape(5, -1)[2:]
    del array
    assert address(give(100_000)) != first, "a view is still there"
    tensor = torch.from_numpy(view)[1:]
    del view
    assert address(give(100_000)) != first, "a tensor is still there"
    del tensor
    held = [give(100_000) for _ in range(3)]
    assert first in [address(array) for array in held]


def test_pieces_of_other_sizes_and_held_ones_are_not_given():
    give = RecycledMemory()
    held = [give(1_000) for _ in range(10)]
    assert len({address(array) for array in held}) == 10
    for number, array in enumerate(held):
        array.fill(number)
    assert [int(array[0]) for array in held] == list(range(10))
    del held, array
    assert len(give._free) == 4, "more is kept than a loop can use"
    assert give(999).size == 999
    assert len(give._free) == 4

"""Counts the times that a program on the host would wait for a GPU, on a CPU."""

from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
WAITS = {
    aten._local_scalar_dense.default,  # int(), float(), bool() and .item() of a tensor
    aten.nonzero.default,
    aten.masked_select.default,
    aten.bincount.default,  # looks for the largest value
    aten.repeat_interleave.Tensor,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.unique_consecutive.default,
    aten.equal.default,
}
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
BY_VALUE = ("tolist", "numpy", "cpu")
"""Methods that read a tensor on the host without an operation that a CPU would dispatch."""


class HostWaits(TorchDispatchMode):
    """Counts, by name, what has to know a value of a tensor, forward and backward.

    Copies to the host of tensors that are there already (shapes, batches as they were read) count
    as well: a test that finds none has none.
    """

    def __init__(self):
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._methods = {}

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        waits = function in WAITS
        if function is aten.repeat_interleave.Tensor:  # which is told how many there will be
            waits = (named or {}).get("output_size") is None
        if function in INDEXING:
            waits = any(
                index is not None and index.dtype in (torch.bool, torch.uint8)
                for index in arguments[1]
            )
        if waits:
            self.counts[str(function)] += 1
        return function(*arguments, **(named or {}))

    def __enter__(self):
        for name in BY_VALUE:
            self._methods[name] = method = getattr(torch.Tensor, name)
            setattr(torch.Tensor, name, self._counted(name, method))
        return super().__enter__()

    def __exit__(self, *exception):
        for name, method in self._methods.items():
            setattr(torch.Tensor, name, method)
        return super().__exit__(*exception)

    def _counted(self, name, method):
        def counted(tensor, *arguments, **named):
            self.counts[name] += 1
            return method(tensor, *arguments, **named)

        return counted

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

"""Imports that take seconds, made a little shorter."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Look for no garbage inside the block.

    Importing torch and lightning makes objects by the hundred thousand, and next to none of them
    becomes garbage; yet Python looks through them again and again: a fifth of the time it takes.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""Imports without the garbage collector."""

import gc

import pytest

from genomenet.cli.importing import heavy_imports


def test_the_collector_rests_inside_and_works_again_afterwards():
    with heavy_imports():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failed_import_leaves_the_collector_working():
    with pytest.raises(ImportError), heavy_imports():
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with heavy_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()

"""Lets the tests of report/ use the synthetic study kept beside the tests of study/."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "study"))


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """A written report of five arms and three seeds: (study, folder)."""
    from example_study import make_study

    from genomenet.report.page import write_report

    study = make_study()
    folder = tmp_path_factory.mktemp("report")
    write_report(study, folder)
    return study, folder

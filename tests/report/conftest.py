"""Lets the tests of report/ use the synthetic study kept beside the tests of study/."""

import pytest

from genomenet.report.page import write_report
from tests.study.example_study import make_study


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """A written report of five arms and three seeds: (study, folder)."""
    study = make_study()
    folder = tmp_path_factory.mktemp("report")
    write_report(study, folder)
    return study, folder

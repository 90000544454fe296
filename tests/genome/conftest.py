from collections.abc import Callable
from pathlib import Path

import pytest

from genomenet.genome.importer import import_genome
from genomenet.genome.store import GenomeStore

from .files import fasta_text, write


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[[dict[str, str]], GenomeStore]:
    def make(records: dict[str, str]) -> GenomeStore:
        folder = tmp_path / f"made{len(list(tmp_path.iterdir()))}"
        source = write(tmp_path / f"{folder.name}.fa", fasta_text(records))
        return import_genome([source], folder)

    return make

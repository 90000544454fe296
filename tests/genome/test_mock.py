import pickle
import zlib

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.alphabet import decode
from genomenet.genome.importer import import_genome
from genomenet.genome.mock import MockGenome
from tests.genome.files import fasta_text, write


def text_of(genome: MockGenome) -> dict[str, str]:
    texts = {}
    for contig in genome.contigs:
        letters = decode(genome.read(contig.name, 0, contig.length_bp))
        masked = genome.read_mask(contig.name, 0, contig.length_bp)
        texts[contig.name] = "".join(
            x.lower() if m else x for x, m in zip(letters, masked, strict=True)
        )
    return texts


def test_same_as_a_store_of_the_same_letters(tmp_path):
    mock = MockGenome(30_000, seed=4)
    source = write(tmp_path / "mock.fa", fasta_text(text_of(mock)))
    store = import_genome([source], tmp_path / "store")
    assert store.contigs == mock.contigs
    assert store.digest == mock.digest
    assert store.n_runs == mock.n_runs
    assert store.length_bp == mock.length_bp == 30_000


def test_deterministic():
    assert MockGenome(30_000).digest == MockGenome(30_000, seed=0).digest
    assert MockGenome(30_000).digest != MockGenome(30_000, seed=1).digest
    assert pickle.loads(pickle.dumps(MockGenome(30_000))).digest == MockGenome(30_000).digest


def test_content():
    mock = MockGenome(400_000)
    assert [c.name for c in mock.contigs] == ["mock1", "mock2", "mock3"]
    codes = np.concatenate([mock.read(c.name, 0, c.length_bp) for c in mock.contigs])
    masked = np.concatenate([mock.read_mask(c.name, 0, c.length_bp) for c in mock.contigs])
    assert 0.3 < masked.mean() < 0.5
    assert 0.005 < (codes == 4).mean() < 0.02
    assert len(mock.n_runs) == 3
    # Bases outside repeats take two bits each; copies of a family are told by compression.
    sizes = [len(zlib.compress(codes[m].tobytes(), 9)) / m.sum() for m in (masked, ~masked)]
    assert sizes[0] < 0.9 * sizes[1]


def test_errors():
    with pytest.raises(UserError, match="too small; ask for 10,000"):
        MockGenome(9_999)
    with pytest.raises(UserError, match="did you mean 'mock1'"):
        MockGenome(10_000).read("moc1", 0, 1)

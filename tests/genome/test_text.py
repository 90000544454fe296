"""Text as a genome: documents are contigs, bytes are codes, and every one of them is scored."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from genomenet.errors import UserError
from genomenet.genome.alphabet import ALPHABETS, BYTES, DNA
from genomenet.genome.text import TextCorpus
from genomenet.windows.batch import to_model_inputs
from genomenet.windows.fractions import split_by_fraction
from genomenet.windows.held_out import HeldOutTiles
from genomenet.windows.leak import leak_report
from genomenet.windows.splits import split_by_chromosome
from genomenet.windows.training_windows import TrainingWindows

DOCUMENTS = {"b/two.txt": "Größe, naïve, 北京\n".encode() * 9, "a.txt": bytes(range(256))}


@pytest.fixture
def folder(tmp_path):
    for name, content in DOCUMENTS.items():
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / name).write_bytes(content)
    (tmp_path / "corpus" / "empty.txt").touch()
    (tmp_path / "corpus" / ".hidden").write_bytes(b"x")
    return tmp_path / "corpus"


def test_documents_are_contigs(folder):
    corpus = TextCorpus(folder)
    assert [contig.name for contig in corpus.contigs] == sorted(DOCUMENTS)
    assert corpus.length_bp == sum(map(len, DOCUMENTS.values()))
    assert corpus.n_runs == ()
    for name, content in DOCUMENTS.items():
        assert corpus.read(name, 3, len(content)).tobytes() == content[3:]
        assert not corpus.read_mask(name, 3, 20).any()
    again = pickle.loads(pickle.dumps(corpus))
    assert again.read("a.txt", 200, 204).tolist() == [200, 201, 202, 203]
    with pytest.raises(UserError, match=r"no contig 'a.tx'; did you mean 'a.txt'"):
        corpus.read("a.tx", 0, 1)


def test_the_digest_is_of_names_and_bytes(folder, tmp_path):
    before = TextCorpus(folder).digest
    assert TextCorpus(folder).digest == before
    (folder / "a.txt").write_bytes(bytes(reversed(range(256))))
    changed = TextCorpus(folder).digest
    (folder / "a.txt").rename(folder / "c.txt")
    assert len({before, changed, TextCorpus(folder).digest}) == 3


def test_more_documents_than_open_files(tmp_path):
    for number in range(150):
        (tmp_path / f"{number:03}").write_bytes(b"%03d" % number)
    corpus = TextCorpus(tmp_path)
    for contig in (*corpus.contigs, *corpus.contigs[::-1]):
        assert corpus.read(contig.name, 0, 3).tobytes().decode() == contig.name
    if Path("/proc/self/fd").is_dir():
        assert len(list(Path("/proc/self/fd").iterdir())) < 150


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.touch(), "holds no text"),
        (lambda path: path.mkdir(), "holds no text"),
        (lambda path: path.write_bytes(b"\x1f\x8b\x08"), "decompress it"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, make, says):
    make(tmp_path / "it")
    with pytest.raises(UserError, match=says):
        TextCorpus(tmp_path / "it")


def test_every_byte_is_a_target_behind_the_start_symbol(folder):
    corpus = TextCorpus(folder)
    tiles = HeldOutTiles(corpus, split_by_chromosome(corpus, (), (), ["a.txt"]).test, 200)
    inputs = to_model_inputs(tiles.batch(0, 2), "cpu", 0.5)
    assert inputs.tokens[:, 0].tolist() == [254, 254]
    assert inputs.targets[0].tolist() == list(range(200))
    assert inputs.tokens[1, 1:57].tolist() == list(range(200, 256))
    assert inputs.weights.sum() == 256
    assert torch.equal(inputs.weights > 0, inputs.valid)


def test_training_windows_and_splits(folder):
    corpus = TextCorpus(folder)
    splits = split_by_fraction(corpus, 0.2, 0.2, 20, 0)
    assert leak_report(splits, corpus).bases["train"].called_bp > 200
    windows = TrainingWindows(corpus, splits.train, 10, 0, False)
    batch = windows.batch(0, 4)
    assert batch.alphabet is BYTES
    for row, (name, start) in enumerate(zip(batch.contigs, batch.starts.tolist(), strict=True)):
        assert np.array_equal(batch.codes[row], corpus.read(name, start, start + 10))
    with pytest.raises(UserError, match="rc_aug"):
        TrainingWindows(corpus, splits.train, 10, 0, True)


def test_alphabets():
    assert ALPHABETS == {"dna": DNA, "bytes": BYTES}
    assert (DNA.vocab_size, BYTES.vocab_size) == (5, 256)
    with pytest.raises(UnicodeDecodeError):
        bytes([BYTES.start_code]).decode()


def test_an_imported_genome_is_no_text(genome_folder):
    with pytest.raises(UserError, match="is an imported genome"):
        TextCorpus(genome_folder)

"""Made-up genomes, many of them, for the tests of corpora."""

import gzip
from pathlib import Path

import numpy as np

from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.intervals import Interval
from tests.genome.files import fasta_text

_LETTERS = np.frombuffer(b"ACGTacgtN", dtype=np.uint8)
_SHARES = np.array([20, 20, 20, 20, 4, 4, 4, 4, 4]) / 100
CODES = {letter: "ACGTN".index(letter.upper()) for letter in "ACGTacgtN"}

Genomes = dict[str, dict[str, str]]


def made_up(number: int, seed: int = 0, longest_bp: int = 20_000) -> Genomes:
    """Genomes by name, each with the letters of its contigs by name; some with a run of N."""
    random = np.random.default_rng(seed)
    genomes: Genomes = {}
    for i in range(number):
        contigs = {}
        for c in range(random.integers(1, 6)):
            size = int(random.integers(200, longest_bp // 5))
            letters = random.choice(_LETTERS, p=_SHARES, size=size).tobytes().decode()
            if random.random() < 0.1:
                letters = letters[:70] + "N" * 100 + letters[70:]
            contigs[f"c{c}"] = letters
        genomes[f"g{i:04d}"] = contigs
    return genomes


def write_genomes(folder: Path, genomes: Genomes) -> None:
    """One FASTA a genome, every third compressed."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, (name, contigs) in enumerate(genomes.items()):
        data = fasta_text(contigs).encode()
        if i % 3:
            (folder / f"{name}.fa").write_bytes(data)
        else:
            (folder / f"{name}.fna.gz").write_bytes(gzip.compress(data, 1))


def manifest(path: Path, *rows: str) -> Path:
    """A manifest with the given rows, their columns separated by blanks for readability."""
    path.write_text("".join("\t".join(row.split(" ")) + "\n" for row in rows))
    return path


def species_of(corpus: GenomeCorpus, contig: str) -> str:
    (number,) = corpus.groups([Interval(contig, 0, 1)])
    return corpus.species[number]


def contig_lengths(corpus: GenomeCorpus) -> np.ndarray:
    return np.array([contig.length_bp for contig in corpus.contigs])

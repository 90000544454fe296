"""A genome with planted truth, and models that draw boundaries by rules that are known.

The genome is random but for what is planted: genes on both strands (ATG, codons that are no stop,
TAA; each in the GTF), and a word that stands at known places. The models are rules over the bases
that are read, so that what an analysis has to find is known beforehand.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from genomenet.chunking.boundaries import Boundaries
from genomenet.evaluation.boundaries.motifs import Motif
from genomenet.evaluation.subject import Subject
from genomenet.genome.alphabet import COMPLEMENT, DNA, LETTERS
from genomenet.models.nats import Scores

WORD = "TGACGTACCA"
MOTIF = Motif("planted", WORD)
PERIOD = 5
START = "CCACCATG"
"""What every gene's ATG is the end of; `in_phase` knows a start by it."""


@dataclass(frozen=True)
class Planted:
    """The genome and what is in it.

    Attributes
    ----------
    codes : ndarray of uint8
        Its only contig, "p".
    gtf : str
        Its genes.
    genes : list of (start, end, strand)
        From the first base of ATG to the last of TAA on the forward strand.
    motifs : list of int
        Where `WORD` begins, on the forward strand.
    """

    codes: np.ndarray
    gtf: str
    genes: list[tuple[int, int, str]]
    motifs: list[int]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write FASTA and GTF."""
        text = "".join(LETTERS[code] for code in self.codes)
        (folder / "p.fa").write_text(f">p\n{text}\n")
        (folder / "p.gtf").write_text(self.gtf)
        return folder / "p.fa", folder / "p.gtf"


def plant(units: int = 80, unit_bp: int = 500, seed: int = 0) -> Planted:
    """One gene of 100 codons and one motif every `unit_bp` bases, genes on alternating strands."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, units * unit_bp).astype(np.uint8)
    rows, genes, motifs = [], [], []
    for unit in range(units):
        start, strand = unit * unit_bp + int(rng.integers(20, 60)), "+-"[unit % 2]
        end = start + 300
        gene = encode("ATG" + "".join(rng.choice(["GCA", "GAC", "CTG", "AAG"], 98)) + "TAA")
        whole = np.concatenate([encode(START[:-3]), gene])
        if strand == "+":
            codes[start - 5 : end] = whole
        else:
            codes[start : end + 5] = COMPLEMENT[whole[::-1]]
        genes.append((start, end, strand))
        place = end + int(rng.integers(40, 80))
        codes[place : place + len(WORD)] = encode(WORD)
        motifs.append(place)
        ids = f'gene_id "g{unit}"; transcript_id "t{unit}"; gene_type "protein_coding";'
        first = (start, start + 3) if strand == "+" else (end - 3, end)
        last = (end - 3, end) if strand == "+" else (start, start + 3)
        for kind, (one, other), frame in (
            ("gene", (start, end), "."), ("transcript", (start, end), "."),
            ("exon", (start, end), "."), ("CDS", (start, end), "0"),
            ("start_codon", first, "0"), ("stop_codon", last, "0"),
        ):  # fmt: skip
            rows.append(f"p\tplanted\t{kind}\t{one + 1}\t{other}\t.\t{strand}\t{frame}\t{ids}\n")
    return Planted(codes, "".join(rows), genes, motifs)


def encode(text: str) -> np.ndarray:
    return np.array([LETTERS.index(letter) for letter in text], dtype=np.uint8)


def at_words(codes: np.ndarray) -> np.ndarray:
    """Content: a boundary at the first base of every `WORD`, and at every tenth base elsewhere.

    It looks ahead, as no model can, so that the truth is where the word begins. Tenths are
    counted from the last word on, and there are none within a word.
    """
    text, found = "".join(LETTERS[code] for code in codes), np.zeros(codes.size, dtype=bool)
    last, inside = 0, 0
    for i in range(codes.size):
        if text.startswith(WORD, i):
            found[i], last, inside = True, i, len(WORD)
        inside -= 1
        found[i] |= inside < 0 and (i - last) % (2 * PERIOD) == 0
    return found


def after_cg(codes: np.ndarray) -> np.ndarray:
    """Content: a boundary at the second base of every CG, which edits elsewhere don't move."""
    found = np.zeros(codes.size, dtype=bool)
    found[1:] = (codes[:-1] == 1) & (codes[1:] == 2)
    return found


def in_phase(codes: np.ndarray) -> np.ndarray:
    """Codons: behind a start, a boundary at the first base of each codon up to TAA; else none."""
    text, found = "".join(LETTERS[code] for code in codes), np.zeros(codes.size, dtype=bool)
    start = text.find(START)
    while start >= 0:
        i = start + len(START)
        while i < codes.size:
            found[i] = True
            if text[i : i + 3] == "TAA":
                break
            i += 3
        start = text.find(START, start + 1)
    return found


def by_place(codes: np.ndarray) -> np.ndarray:
    """Place: a boundary at every `PERIOD` bases of the window, whatever they are."""
    return np.arange(codes.size) % PERIOD == 0


def at_random(codes: np.ndarray) -> np.ndarray:
    """Chance: independent boundaries, drawn by a generator that is seeded by the sequence."""
    return np.random.default_rng(codes.tolist()).random(codes.size) < 0.2


class RuleModel:
    """A model whose boundaries are a rule's, and whose nats say nothing."""

    def __init__(self, rule) -> None:
        self.rule = rule
        self._device = torch.zeros(1)

    def parameters(self):
        return iter([self._device])

    def score(self, tokens_BL, targets_BL, valid_BL, *, masked_BL=None, scores_BL=None) -> Scores:
        mask_BL = torch.zeros_like(valid_BL)
        for row, valid in enumerate(valid_BL):
            read = int(valid.sum())
            codes = tokens_BL[row, 1:read].numpy().astype(np.uint8)
            mask_BL[row, 1:read] = torch.from_numpy(self.rule(codes))
        mask_BL[:, 0] = True
        return Scores(
            torch.zeros(targets_BL.shape), (Boundaries(mask_BL.float(), mask_BL, valid_BL),)
        )


def rule_subject(rule, length_bp: int = 500) -> Subject:
    """A subject that draws boundaries by a rule."""
    return Subject(
        name=rule.__name__,
        arm=rule.__name__,
        seed=0,
        model=RuleModel(rule),
        alphabet=DNA,
        length_bp=length_bp,
        batch_size=4,
        parameters=0,
        precision=nullcontext,
        flops=None,
        stages=1,
    )

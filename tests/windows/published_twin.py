"""Made-up intervals with the structure of the published human ones, on made-up chromosomes."""

import numpy as np

from genomenet.genome.contigs import Contig

ROWS = {"train": 34_021, "valid": 2_213, "test": 1_937}
INTERVAL_BP, CHROMOSOMES, REGIONS = 131_072, 23, 416
COVERED_BP, GENOME_BP = 2_727_870_737, 3_031_042_417

Row = tuple[str, int, int, str]


def shares(total: int, weights: np.ndarray) -> np.ndarray:
    """Whole numbers in proportion to `weights` that add up to `total`."""
    ends = np.round(np.cumsum(weights) / weights.sum() * total).astype(np.int64)
    return np.diff(ends, prepend=0)


def published_twin(seed: int = 0) -> tuple[list[Row], tuple[Contig, ...]]:
    """Rows in random order within a split, and the chromosomes they lie on.

    Every region is cut into blocks of about 590 kb, each of one split; the intervals of a block
    overlap each other, and those of two blocks only touch, as in the published file.
    """
    rng = np.random.default_rng(seed)
    regions = 300_000 + shares(COVERED_BP - 300_000 * REGIONS, rng.gamma(0.5, size=REGIONS))
    gaps = 1 + shares(GENOME_BP - COVERED_BP - REGIONS, rng.random(REGIONS))
    chromosome = np.sort(np.append(np.arange(CHROMOSOMES), rng.integers(0, CHROMOSOMES, 393)))
    ends = np.cumsum(regions + gaps)
    lengths = np.bincount(chromosome, weights=regions + gaps).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    starts = ends - regions - offsets[chromosome]

    blocks = np.maximum(1, np.round(regions / 590_000)).astype(np.int64)
    region = np.repeat(np.arange(REGIONS), blocks)
    place = np.arange(region.size) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    block_start = starts[region] + place * regions[region] // blocks[region]
    block_end = starts[region] + (place + 1) * regions[region] // blocks[region]

    total = sum(ROWS.values())
    split = rng.choice(list(ROWS), size=region.size, p=[count / total for count in ROWS.values()])
    rows: list[Row] = []
    for name, count in ROWS.items():
        of = np.flatnonzero(split == name)
        length = block_end[of] - block_start[of]
        fewest = -(-length // INTERVAL_BP)
        intervals = fewest + shares(count - fewest.sum(), length)
        block = np.repeat(np.arange(of.size), intervals)
        number = np.arange(block.size) - np.repeat(np.cumsum(intervals) - intervals, intervals)
        slack = (length - INTERVAL_BP)[block]
        start = block_start[of][block] + number * slack // (intervals - 1)[block]
        names = chromosome[region[of]][block]
        rows += [
            (f"made{c + 1}", s, s + INTERVAL_BP, name)
            for c, s in rng.permutation(np.stack([names, start], axis=1)).tolist()
        ]
    contigs = [
        Contig(f"made{i + 1}", length, offset)
        for i, (length, offset) in enumerate(zip(lengths.tolist(), offsets.tolist(), strict=True))
    ]
    return rows, tuple(contigs)


def bed_text(rows: list[Row]) -> str:
    return "".join(f"{contig}\t{start}\t{end}\t{split}\n" for contig, start, end, split in rows)

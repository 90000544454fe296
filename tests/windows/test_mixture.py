from collections import Counter

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome.genome import whole_contigs
from genomenet.genome.mock import MockGenome
from genomenet.windows.mixture import MixedWindows, species_shares
from genomenet.windows.training_windows import TrainingWindows

GENOME = MockGenome(60_000, seed=1)
CRITICAL_2 = 13.8
"""Chi-square with two degrees of freedom is larger once in a thousand times."""


def chi_square(observed, shares):
    expected = shares * observed.sum()
    return ((observed - expected) ** 2 / expected).sum()


def mixture(shares, length_bp=100, seed=5, rc_aug=True):
    parts = [
        TrainingWindows(GENOME, [whole], length_bp, seed, rc_aug) for whole in whole_contigs(GENOME)
    ]
    return MixedWindows(parts, shares, seed)


def test_an_epoch_holds_the_shares_exactly():
    made = mixture([0.2, 0.3, 0.5])
    total = made.first_sample(1)
    assert abs(made.counts - np.array([0.2, 0.3, 0.5]) * total).max() <= 1
    contigs = Counter(made.batch(0, total).contigs)
    assert [contigs[c.name] for c in GENOME.contigs] == made.counts.tolist()
    later = Counter(made.batch(3 * total, total).contigs)
    assert later == contigs


def test_any_stretch_of_samples_keeps_to_the_shares():
    """Chi-square over the contigs, for a stretch that is no whole number of epochs."""
    shares = np.array([0.1, 0.6, 0.3])
    contigs = Counter(mixture(shares).batch(1234, 3000).contigs)
    observed = np.array([contigs[c.name] for c in GENOME.contigs])
    assert chi_square(observed, shares) < CRITICAL_2
    assert chi_square(observed, np.full(3, 1 / 3)) > 10 * CRITICAL_2


def test_each_part_goes_through_its_own_windows_in_turn():
    made = mixture([0.2, 0.3, 0.5])
    number = [contig.name for contig in GENOME.contigs].index("mock2")
    batch = made.batch(0, 2 * made.first_sample(1))
    found = sorted(
        start
        for contig, start in zip(batch.contigs, batch.starts.tolist(), strict=True)
        if contig == "mock2"
    )
    alone = made.parts[number].batch(0, 2 * int(made.counts[number]))
    assert found == sorted(alone.starts.tolist())


def test_a_batch_is_its_samples_in_any_order():
    made = mixture([0.5, 0.25, 0.25])
    whole = made.batch(40, 30)
    for i in (29, 3, 17):
        one = made.batch(40 + i, 1)
        assert (one.codes[0] == whole.codes[i]).all()
        assert one.flip[0] == whole.flip[i]
    assert made.batch(0, 0).codes.shape == (0, 100)


def test_a_rare_part_is_not_forgotten():
    made = mixture([1.0, 1e-4, 1e-4])
    assert made.counts.min() == 1
    assert made.first_sample(1) >= 10_002


def test_shares_of_species():
    bases = {"human": 800, "mouse": 100, "worm": 100}
    assert species_shares(bases, {}, {}, 1.0) == {"human": 0.8, "mouse": 0.1, "worm": 0.1}
    equal = species_shares(bases, {}, {}, 0.0)
    assert equal == pytest.approx(dict.fromkeys(bases, 1 / 3))
    weighted = species_shares(bases, {"mouse": 8}, {"mouse": 3, "worm": 0}, 1.0)
    assert weighted == {"human": 0.5, "mouse": 0.5}


def test_weights_of_species_that_cannot_be():
    with pytest.raises(UserError, match=r"'mouze', but no such species.*did you mean 'mouse'"):
        species_shares({"mouse": 1}, {"mouze": 1}, {}, 1.0)
    with pytest.raises(UserError, match="is inf; give 0 or more"):
        species_shares({"mouse": 1, "worm": 1}, {"mouse": float("inf")}, {}, 1.0)
    with pytest.raises(UserError, match="is -1; give 0 or more"):
        species_shares({"mouse": 1}, {"mouse": -1}, {}, 1.0)
    with pytest.raises(UserError, match="every species has weight 0"):
        species_shares({"mouse": 1}, {"mouse": 0}, {}, 1.0)

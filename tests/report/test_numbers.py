"""Tests of report/numbers.py."""

import math

import pytest

from genomenet.evaluation.confidence import Estimate
from genomenet.evaluation.formatting import compact
from genomenet.report.numbers import (
    basis,
    bits,
    bits_interval,
    listing,
    perplexity,
    signed_bits,
    stages,
)


def test_perplexity_and_bits():
    assert (perplexity(math.log(4)), bits(math.log(4))) == ("4.000", "2.000")
    assert (perplexity(None), bits(math.nan), perplexity(math.inf)) == ("—", "—", "—")
    assert signed_bits(-math.log(2) / 100) == "−0.0100"
    assert signed_bits(math.log(2) / 100) == "+0.0100"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (950, "950"), (999.9, "1k"), (1000, "1k"), (1_010_000, "1.01M"),
     (24e6, "24M"), (3.1e9, "3.1G"), (100e6, "100M"), (4.2e15, "4.2P"), (None, "—")],
)  # fmt: skip
def test_compact(value, text):
    assert compact(value) == text


def test_intervals_lists_and_stages():
    one = Estimate(1.0, math.log(2), 2 * math.log(2), 0.95, "seeds", 3)
    assert bits_interval(one) == "1.000–2.000"
    assert basis(one) == "95 %, 3 seeds"
    assert bits_interval(Estimate(1.0, -math.inf, math.inf, 0.95, "windows", 1)) == "—"
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing(["a, b", "c", "d"]) == "a, b; c and d"
    assert (stages(()), stages((3.1, 2.0))) == ("—", "3.10 / 2.00")

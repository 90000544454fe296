import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome import n_runs
from genomenet.genome.alphabet import encode
from genomenet.genome.intervals import Interval
from genomenet.genome.n_runs import NRunFinder

STRETCH = st.tuples(st.sampled_from("AN"), st.sampled_from([1, 5, 63, 64, 65, 130]))


@given(
    st.lists(st.lists(STRETCH, max_size=8), min_size=1, max_size=3),
    st.lists(st.integers(0, 100), max_size=20),
    st.integers(1, 200),
)
def test_against_a_regular_expression(contigs, cuts, step):
    patch = pytest.MonkeyPatch()
    patch.setattr(n_runs, "_STEP_BP", step)
    finder = NRunFinder()
    expected = []
    for i, stretches in enumerate(contigs):
        text = "".join(letter * count for letter, count in stretches)
        expected += [Interval(f"c{i}", *m.span()) for m in re.finditer("N{64,}", text)]
        finder.begin(f"c{i}")
        for block in np.split(encode(text), sorted(min(cut, len(text)) for cut in cuts)):
            finder.feed(block)
    finder.finish()
    patch.undo()
    assert finder.runs == expected

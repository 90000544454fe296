import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genomenet.genome import n_runs
from genomenet.genome.alphabet import encode
from genomenet.genome.contigs import Contig
from genomenet.genome.intervals import Interval
from genomenet.genome.n_runs import NRunFinder

STRETCH = st.tuples(st.sampled_from("AN"), st.sampled_from([1, 5, 63, 64, 65, 130]))


@given(
    st.lists(st.lists(STRETCH, min_size=1, max_size=8), min_size=1, max_size=4),
    st.lists(st.integers(0, 2_000), max_size=20),
    st.integers(1, 200),
)
def test_against_a_regular_expression(stretches, cuts, step):
    patch = pytest.MonkeyPatch()
    patch.setattr(n_runs, "_STEP_BP", step)
    texts = ["".join(letter * count for letter, count in contig) for contig in stretches]
    finder = NRunFinder()
    expected, contigs, length_bp = [], [], 0
    for i, text in enumerate(texts):
        expected += [Interval(f"c{i}", *m.span()) for m in re.finditer("N{64,}", text)]
        contigs.append(Contig(f"c{i}", len(text), length_bp))
        length_bp += len(text)
    codes = encode("".join(texts))
    for block in np.split(codes, sorted(min(cut, length_bp) for cut in cuts)):
        if block.size and block.max() < 4:
            finder.pass_over(block.size)
        else:
            finder.feed(block)
    patch.undo()
    assert finder.runs(contigs) == tuple(expected)


def test_a_run_over_contigs_of_nothing_but_n():
    finder = NRunFinder()
    finder.feed(encode("A" + "N" * 300))
    contigs = [Contig("a", 65, 0), Contig("b", 63, 65), Contig("c", 100, 128), Contig("d", 73, 228)]
    assert finder.runs(contigs) == (
        Interval("a", 1, 65),
        Interval("c", 0, 100),
        Interval("d", 0, 73),
    )

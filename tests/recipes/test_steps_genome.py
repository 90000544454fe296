"""The steps around a genome: importing what was fetched, and checking the published intervals."""

import pytest

from genomenet.errors import UserError
from genomenet.genome.store import GenomeStore
from genomenet.recipes.steps import run_step
from tests.recipes.kitchens import kitchen, put
from tests.windows.published_twin import bed_text, published_twin


def test_files_are_imported_in_order_and_what_was_replaced_is_told(tmp_path):
    put(tmp_path / "tiny" / "b.fa.gz", ">two\nACGU\n")
    put(tmp_path / "tiny" / "a.fa", ">one\nACGR\n")
    said: list[str] = []
    place = kitchen(tmp_path, "a.fa", "b.fa.gz", said=said)
    (made,) = run_step("import", place, {"files": ["b.fa.gz", "a.fa"], "into": "both"})
    assert made == tmp_path / "tiny" / "both"
    assert [contig.name for contig in GenomeStore(made).contigs] == ["two", "one"]
    assert "2 contigs, 8 bases" in said[0]
    assert said[1:] == [
        "note: b.fa.gz: 1 U became T",
        "note: a.fa: 1 ambiguity codes became N",
    ]
    # Again, after a break: what is there is used.
    assert run_step("import", place, {"files": ["b.fa.gz", "a.fa"], "into": "both"}) == [made]


def test_a_file_that_the_recipe_does_not_fetch(tmp_path):
    with pytest.raises(UserError, match=r"reads 'a\.fa', which it does not fetch; did you mean"):
        run_step("import", kitchen(tmp_path, "aa.fa"), {"files": ["a.fa"]})


def test_other_intervals_than_the_published_are_refused(tmp_path):
    put(tmp_path / "tiny" / "human-sequences.bed", "chr1\t0\t131072\ttrain\n")
    with pytest.raises(UserError, match=r"1 train intervals instead of 34,021"):
        run_step(
            "check_intervals",
            kitchen(tmp_path, "human-sequences.bed"),
            {"bed": "human-sequences.bed"},
        )


def test_the_published_intervals_pass(tmp_path):
    put(tmp_path / "tiny" / "human-sequences.bed", bed_text(published_twin()[0]))
    said: list[str] = []
    place = kitchen(tmp_path, "human-sequences.bed", said=said)
    assert run_step("check_intervals", place, {"bed": "human-sequences.bed"}) == []
    assert "34,021 train, 2,213 valid and 1,937 test intervals" in said[0]

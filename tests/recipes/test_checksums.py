"""Files are found in publishers' lists of MD5 sums, in every form these have."""

import pytest

from genomenet.errors import UserError
from genomenet.recipes.checksums import fetch_lists, find_md5
from genomenet.recipes.recipe import RecipeFile

ONE, TWO = "1" * 32, "2" * 32
FILE = RecipeFile("https://x.org/a/b/genome.fa.gz", "genome.fa.gz", md5sums="https://x.org/md5")


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}  genome.fa.gz\n{TWO}  other.fa.gz\n",
        f"{TWO}  other.fa.gz\n{ONE} *genome.fa.gz",
        f"{ONE.upper()}  ./genome.fa.gz\n{TWO}  genome.fa.gz.tbi\n",
        f"# sums\n{ONE}\tgenome.fa.gz\n{TWO}  old/genome.fa.gz.md5\n",
        f"{TWO}  c/genome.fa.gz\n{ONE}  b/genome.fa.gz\n",
        f"{ONE}  /panfs/somewhere/genome_20261122.fa.gz\n",
    ],
)
def test_the_sum_of_the_file(text):
    assert find_md5(FILE, text) == ONE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not name genome.fa.gz"),
        (f"{ONE}  a.gz\n{TWO}  b.gz\n", "does not name genome.fa.gz"),
        (f"{ONE}  genome.fa.gz\n{TWO}  genome.fa.gz\n", "several sums for genome.fa.gz"),
        ("<html>not found</html>", "does not name"),
    ],
)
def test_a_list_that_does_not_help_stops_with_what_to_do(text, message):
    with pytest.raises(UserError, match=message) as error:
        find_md5(FILE, text)
    assert "take its 'md5sums' out" in str(error.value)


def test_lists_are_fetched_once_each_and_leave_nothing(server, tmp_path):
    url = server.put("md5", b"list")
    assert fetch_lists([url, url], tmp_path / "new") == {url: "list"}
    assert len(server.requests) == 1
    assert list((tmp_path / "new").iterdir()) == []

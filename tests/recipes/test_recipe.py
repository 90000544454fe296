"""Recipes: the shipped ones are whole and agree with each other; mistakes are told by line."""

import re
import socket
from pathlib import Path

import pytest

from genomenet.errors import UserError
from genomenet.recipes.fetch import Way
from genomenet.recipes.plan import plan_lines
from genomenet.recipes.recipe import find_recipe, read_recipe, shipped_recipes
from tests.recipes.kitchens import write_recipe

SHIPPED = sorted(shipped_recipes())
FILE = {"url": "https://example.org/a.fa.gz"}


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipe_is_whole_and_plans_without_network(name, tmp_path, no_network):
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.about
    assert recipe.licence
    assert "Nothing was downloaded when this was written" in recipe.checked
    assert recipe.size_bytes or recipe.size_mb or recipe.accessions
    assert set(recipe.needs) <= set(SHIPPED)
    recipe.next.format(folder="a", out="b")
    assert all(file.url.startswith("https://") for file in recipe.files)
    # Cutting and checking against a genome is only possible if that recipe is needed.
    genomes = {step.options["genome"] for step in recipe.steps if "genome" in step.options}
    assert genomes == set(recipe.needs)

    accessions = tmp_path / "list.txt"
    accessions.write_text("GCF_000005845.2\n")
    way = Way(tmp_path / "data", accessions=accessions)
    text = "\n".join(plan_lines([recipe], way))
    for file in recipe.files:
        assert file.url in text
    if recipe.accessions:
        assert f"{recipe.accessions}/GCF/000/005/845/GCF_000005845.2_*" in text
    assert "GB free" in text
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_shipped_recipes_cover_the_suites_with_all_their_tasks():
    files = {name: [file.path for file in find_recipe(name).files] for name in SHIPPED}
    assert len(files["gue"]) == 28 * 3
    assert len(files["nt-tasks-revised"]) == 18 * 2
    assert len(files["genomic-benchmarks"]) == 4 * 2 * 2 + 2 * 3
    assert "intervals/human_ensembl_regulatory/test/ocr.csv.gz" in files["genomic-benchmarks"]
    assert len(files["genomic-benchmarks-sequences"]) == 9
    assert "human_or_worm" in str(files["genomic-benchmarks-sequences"])
    assert {"hg38", "hg38-ml", "t2t-chm13", "grch37", "mm39", "gtdb", "traitgym"} <= set(files)


def test_steps_of_shipped_recipes_read_files_they_fetch():
    for name in SHIPPED:
        recipe = find_recipe(name)
        paths = [Path(file.path) for file in recipe.files]
        for step in recipe.steps:
            for option in ("files", "table", "bed"):
                wanted = step.options.get(option, [])
                for one in [wanted] if isinstance(wanted, str) else wanted:
                    if not recipe.accessions:
                        assert any(path.match(one) for path in paths), (name, one)


def test_each_fills_every_combination(tmp_path):
    path = write_recipe(
        tmp_path,
        files=[
            {
                "url": "https://example.org/{task}/{split}.csv?download=1",
                "path": "{task}/{split}.csv",
                "each": {"task": ["a", "b"], "split": ["train", "test"]},
            }
        ],
    )
    files = read_recipe(path).files
    assert [file.path for file in files] == [
        "a/train.csv",
        "a/test.csv",
        "b/train.csv",
        "b/test.csv",
    ]
    assert files[3].url == "https://example.org/b/test.csv?download=1"


def test_a_file_is_named_after_its_address(tmp_path):
    path = write_recipe(tmp_path, files=[{"url": "https://example.org/x/y.zip?download=1"}])
    assert read_recipe(path).files[0].path == "y.zip"
    path = write_recipe(tmp_path, files=[{"url": "https://example.org/a%20b.fa#top"}])
    assert read_recipe(path).files[0].path == "a b.fa"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"filez": []}, r"line 5: unknown key 'filez'; did you mean 'files'"),
        ({"files": []}, "has no files"),
        ({"files": [{"path": "a"}]}, "line 6: 'url' is missing"),
        ({"files": [{**FILE, "md4": "x"}]}, r"line 7: unknown key 'md4'; did you mean 'md5'"),
        ({"files": [{**FILE, "md5": "beef"}]}, "md5 is 'beef'; it should be 32 hexadecimal"),
        (
            {"files": [{**FILE, "bytes": "many"}]},
            "'bytes' is 'many'; it should be a number above 0",
        ),
        ({"files": [{"url": "ftp://example.org/a"}]}, "it should begin with https://"),
        ({"files": [{"url": "https://example.org/{t}", "each": {"s": ["a"]}}]}, "no list for 't'"),
        ({"files": [{**FILE, "path": "../a"}]}, "leaves the recipe's folder"),
        ({"files": [{**FILE, "path": "/tmp/a"}]}, "leaves the recipe's folder"),
        ({"files": [{**FILE, "path": "b/.c/a"}]}, "or is hidden"),
        ({"files": [{"url": "https://example.org/"}]}, "leaves the recipe's folder"),
        (
            {"files": [FILE], "steps": [{"import": {"files": ["a"], "into": "../b"}}]},
            r"line 8: 'into' of the step 'import' is '\.\./b', which leaves the recipe's folder",
        ),
        ({"files": [FILE, FILE]}, "two files go to 'a.fa.gz'"),
        ({"files": [{**FILE, "bytes": 3, "each": {"s": ["a"]}}]}, "leave 'each' out"),
        ({"files": [FILE], "size_mb": -1}, "line 7: 'size_mb' is -1"),
        ({"files": [FILE], "steps": [{"imprt": None}]}, "no step 'imprt'; did you mean 'import'"),
        ({"files": [FILE], "steps": [{"import": {}}]}, "lacks its option 'files'"),
        ({"files": [FILE], "steps": [{"import": {"files": "a"}}]}, "should be a list of texts"),
        (
            {"files": [FILE], "steps": [{"import": {"files": ["a"], "outt": "b"}}]},
            "the step 'import' has no option 'outt'",
        ),
        ({"files": [FILE], "steps": [{"import": None, "bed": None}]}, "one name, not 2"),
        ({"files": FILE}, "'files' should be a list"),
    ],
)
def test_mistakes_are_told_by_line(tmp_path, keys, message):
    path = write_recipe(tmp_path, **keys)
    with pytest.raises(UserError, match=re.escape(str(path))) as error:
        read_recipe(path)
    assert re.search(message, str(error.value)), error.value


def test_a_missing_key_an_empty_file_and_no_yaml(tmp_path):
    path = tmp_path / "a.yaml"
    for text, message in (
        ("", "is empty"),
        ("a: [", "is not valid YAML"),
        ("- 1", "should hold keys"),
        ("about: x\nabout: y\n", "line 2: the key 'about' comes twice"),
        ("files: [{url: 'https://example.org/a'}]", "line 1: 'about' is missing"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_recipe(path)
    with pytest.raises(UserError, match="does not exist"):
        read_recipe(tmp_path / "b.yaml")


def test_unknown_name_tells_the_nearest():
    with pytest.raises(UserError, match=r"no recipe 'hg388'; did you mean 'hg38'"):
        find_recipe("hg388")


def test_a_recipe_of_ones_own_is_found_by_its_file(tmp_path):
    path = write_recipe(tmp_path, "mine", files=[FILE])
    assert find_recipe(str(path)).name == "mine"

"""Recipes are run whole or not at all: files, checks, steps, manifest, offline folders, kills."""

import gzip
import hashlib
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genomenet.errors import UserError
from genomenet.genome.store import GenomeStore
from genomenet.recipes import fetch as fetch_module
from genomenet.recipes.fetch import Way, check_before, in_order, run_recipe
from genomenet.recipes.lock import alone
from genomenet.recipes.manifest import kept_files, read_manifest
from genomenet.recipes.recipe import read_recipe
from genomenet.recipes.verify import verify
from tests.recipes.kitchens import make_genome, make_recipe, put, write_recipe

FASTA = gzip.compress(b">chr1\nACGTNacgt\n>chr2\nGGGG\n", mtime=0)
MD5 = hashlib.md5(FASTA).hexdigest()
IMPORT = [{"import": {"files": ["g.fa.gz"]}}]


def files_of(folder: Path) -> set[str]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix() for path in paths}


def test_from_an_address_to_a_genome_with_its_manifest(server, tmp_path):
    url = server.put("g.fa.gz", FASTA)
    recipe = make_recipe(tmp_path, files=[{"url": url, "md5": MD5}], steps=IMPORT)
    said: list[str] = []
    way = Way(tmp_path / "data", command="genomenet data fetch tiny", tell=said.append)
    assert run_recipe(recipe, way) is True

    folder = tmp_path / "data" / "tiny"
    genome = GenomeStore(folder / "genome")
    assert [contig.name for contig in genome.contigs] == ["chr1", "chr2"]
    assert "2 contigs, 13 bases" in said[0]
    manifest = read_manifest(folder)
    (fetched,) = manifest["files"]
    assert fetched == {
        "path": "g.fa.gz",
        "size_bytes": len(FASTA),
        "sha256": hashlib.sha256(FASTA).hexdigest(),
        "url": url,
        "md5": MD5,
        "checked": "md5",
    }
    assert {one["path"] for one in manifest["made"]} == {
        name for name in files_of(folder) if name.startswith("genome/")
    }
    assert manifest["command"] == "genomenet data fetch tiny"
    assert files_of(folder) == {one.path for one in kept_files(manifest)} | {"manifest.json"}
    assert [verdict.wrong for verdict in verify(folder)] == [""] * len(kept_files(manifest))

    server.requests.clear()
    assert run_recipe(recipe, way) is False
    assert server.requests == []


def test_sums_are_looked_up_in_the_publishers_list(server, tmp_path):
    url = server.put("g.fa.gz", FASTA)
    sums = server.put("md5sum.txt", f"{MD5}  g.fa.gz\n{'0' * 32}  h.fa.gz\n".encode())
    recipe = make_recipe(tmp_path, files=[{"url": url, "md5sums": sums}])
    assert run_recipe(recipe, Way(tmp_path / "data")) is True
    (fetched,) = read_manifest(tmp_path / "data" / "tiny")["files"]
    assert (fetched["md5"], fetched["checked"]) == (MD5, f"md5 of {sums}")
    assert files_of(tmp_path / "data") == {"tiny/g.fa.gz", "tiny/manifest.json"}


def test_another_sum_than_the_published_one_leaves_no_file(server, tmp_path):
    url = server.put("g.fa.gz", FASTA)
    sums = server.put("md5sum.txt", f"{'0' * 32}  g.fa.gz\n".encode())
    recipe = make_recipe(tmp_path, files=[{"url": url, "md5sums": sums}], steps=IMPORT)
    with pytest.raises(UserError, match="the md5 is"):
        run_recipe(recipe, Way(tmp_path / "data"))
    assert files_of(tmp_path) == {"tiny.yaml"}


def test_what_was_recorded_at_first_holds_later(server, tmp_path):
    url = server.put("a.bed", b"chr1\t0\t9\n")
    recipe = make_recipe(tmp_path, files=[{"url": url}])
    way, folder = Way(tmp_path / "data"), tmp_path / "data" / "tiny"
    run_recipe(recipe, way)
    assert "recorded when first fetched" in read_manifest(folder)["files"][0]["checked"]

    # The file is lost, and the publisher has put another one in its place.
    (folder / "a.bed").unlink()
    server.put("a.bed", b"chr1\t0\t8\n")
    for _ in range(2):  # the record outlives a failed run
        with pytest.raises(UserError, match="the sha256 is"):
            run_recipe(recipe, way)
        assert read_manifest(folder) is None
    server.put("a.bed", b"chr1\t0\t9\n")
    assert run_recipe(recipe, way) is True
    assert files_of(folder) == {"a.bed", "manifest.json"}


def test_a_recipe_that_changed_is_run_again(server, tmp_path):
    url = server.put("g.fa.gz", FASTA)
    way = Way(tmp_path / "data")
    run_recipe(make_recipe(tmp_path, files=[{"url": url}]), way)
    assert run_recipe(make_recipe(tmp_path, files=[{"url": url}], steps=IMPORT), way) is True
    assert (tmp_path / "data" / "tiny" / "genome").is_dir()
    assert len(server.requests) == 1


def test_a_failing_step_leaves_no_manifest_and_the_next_run_goes_on(server, tmp_path):
    url = server.put("g.fa.gz", gzip.compress(b">one\nPROTEIN\n"))
    recipe = make_recipe(tmp_path, files=[{"url": url}], steps=IMPORT)
    way, folder = Way(tmp_path / "data"), tmp_path / "data" / "tiny"
    with pytest.raises(UserError, match="not a nucleotide"):
        run_recipe(recipe, way)
    assert files_of(folder) == {"g.fa.gz"}
    with pytest.raises(UserError, match="has no manifest, so its recipe is not finished"):
        list(verify(folder))
    assert len(server.requests) == 1
    with pytest.raises(UserError, match="not a nucleotide"):
        run_recipe(recipe, way)
    assert len(server.requests) == 1


def test_recipes_come_after_the_genomes_they_need(tmp_path):
    file = [{"url": "https://example.org/a"}]
    tasks = make_recipe(tmp_path, "a-tasks", files=file, needs=["hg38"])
    hg38 = make_recipe(tmp_path, "hg38", files=file)
    assert [one.name for one in in_order([tasks, hg38, tasks])] == ["hg38", "a-tasks"]
    loop = make_recipe(tmp_path, "hg38", files=file, needs=["a-tasks"])
    with pytest.raises(UserError, match="need each other"):
        in_order([tasks, loop])


def test_what_would_stop_a_run_is_told_before_it(tmp_path, monkeypatch):
    file = {"url": "https://example.org/a.parquet"}
    tasks = make_recipe(tmp_path, "tasks", files=[file], needs=["hg38"])
    way = Way(tmp_path / "data")
    with pytest.raises(UserError, match="genomenet data fetch hg38 --out"):
        check_before([tasks], way)
    make_genome(tmp_path / "data", {"chr1": "ACGT"})
    check_before([tasks], way)

    listed = make_recipe(tmp_path, "listed", accessions="https://example.org/all")
    with pytest.raises(UserError, match="give --accessions FILE"):
        check_before([listed], way)
    with pytest.raises(UserError, match="--accessions is for recipes of assemblies"):
        check_before([tasks], Way(tmp_path / "data", accessions=tmp_path / "list"))

    big = make_recipe(tmp_path, "big", files=[{**file, "bytes": 3_000_000_000}])
    monkeypatch.setattr(fetch_module, "free_bytes", lambda folder: 2_000_000_000)
    with pytest.raises(UserError, match=r"has 2\.0 GB of free space, but 3\.0 GB are to be"):
        check_before([big], way)


@pytest.mark.parametrize(
    "place", ["tiny/in/train.csv", "in/train.csv", "train.csv", "sequences_human.csv"]
)
def test_offline_folders_are_laid_out_as_the_recipe_or_flat(server, tmp_path, place):
    file = {"url": f"{server.url}/sequences_human.csv", "path": "in/train.csv"}
    recipe = make_recipe(tmp_path, files=[file])
    put(tmp_path / "usb" / place, "sequence,label\nA,1\n")
    way = Way(tmp_path / "data", offline_dir=tmp_path / "usb")
    # The name is one that shipped recipes use for other files.
    if place == "train.csv":
        with pytest.raises(UserError, match=r"1 of 1 files of tiny are missing; put there tiny/in"):
            run_recipe(recipe, way)
    else:
        assert run_recipe(recipe, way) is True
        assert (tmp_path / "data/tiny/in/train.csv").read_text() == "sequence,label\nA,1\n"
    assert server.requests == []


def test_offline_goes_without_the_list_of_sums_and_says_so(server, tmp_path):
    file = {"url": f"{server.url}/g.fa.gz", "md5sums": f"{server.url}/md5sum.txt"}
    recipe = make_recipe(tmp_path, files=[file], steps=IMPORT)
    put(tmp_path / "usb" / "tiny" / "g.fa", "")
    (tmp_path / "usb" / "g.fa.gz").write_bytes(FASTA)
    said: list[str] = []
    way = Way(tmp_path / "data", offline_dir=tmp_path / "usb", tell=said.append)
    assert run_recipe(recipe, way) is True
    assert "is not compared with" in said[0]
    assert server.requests == []
    with pytest.raises(UserError, match="there is no such folder"):
        run_recipe(
            make_recipe(tmp_path, "b", files=[file]), Way(tmp_path, offline_dir=tmp_path / "no")
        )


def test_only_one_process_at_a_time(server, tmp_path):
    recipe = make_recipe(tmp_path, files=[{"url": server.put("a", b"a")}])
    way = Way(tmp_path / "data")
    with alone(tmp_path / "data" / "tiny"), pytest.raises(UserError, match="another process"):
        run_recipe(recipe, way)
    assert run_recipe(recipe, way) is True


def test_what_killed_processes_left_is_cleared_but_downloads_stay(server, tmp_path):
    folder = tmp_path / "data" / "tiny"
    put(folder / ".genome.ab12_xyz" / "bases.u8", "x")
    put(folder / "tasks" / ".a.csv.gz.ab12_xyz", "x")
    put(folder / ".b.part", "x")
    with alone(folder):
        assert files_of(folder) == {".b.part"}


def test_a_damaged_manifest_is_told(server, tmp_path):
    recipe = make_recipe(tmp_path, files=[{"url": server.put("a", b"a")}])
    put(tmp_path / "data" / "tiny" / "manifest.json", "{")
    with pytest.raises(UserError, match="is damaged; delete it"):
        run_recipe(recipe, Way(tmp_path / "data"))


def test_verify_names_what_differs(server, tmp_path):
    urls = [server.put(name, name.encode() * 9) for name in ("a", "b", "c", "d")]
    recipe = make_recipe(tmp_path, files=[{"url": url} for url in urls])
    run_recipe(recipe, Way(tmp_path / "data"))
    folder = tmp_path / "data" / "tiny"
    (folder / "b").unlink()
    (folder / "c").write_bytes(b"short")
    (folder / "d").write_bytes(b"e" * 9)
    assert [verdict.wrong for verdict in verify(folder)] == [
        "",
        "is missing",
        "has 5 bytes where the manifest has 9",
        "has another SHA-256 than in the manifest",
    ]


def test_killed_at_any_step_it_is_not_taken_for_finished_and_goes_on(tmp_path):
    sequence = "".join(random.Random(1).choices("ACGTacgt", k=4_000_000))
    put(tmp_path / "usb" / "g.fa", f">chr1\n{sequence}\n")
    rows = "".join(f"x\tchr1\t{i}\t{i + 5}\tCpG: 1\t5\t1\n" for i in range(100_000))
    put(tmp_path / "usb" / "cpg.txt", rows)
    recipe = write_recipe(
        tmp_path,
        files=[{"url": "https://example.org/g.fa"}, {"url": "https://example.org/cpg.txt"}],
        steps=[
            {"import": {"files": ["g.fa"]}},
            {"bed": {"table": "cpg.txt", "columns": "cpgIslandExt", "into": "cpg.bed.gz"}},
        ],
    )
    folder = tmp_path / "data" / "tiny"
    products = {"g.fa", "cpg.txt", "genome", "cpg.bed.gz", "manifest.json", ".lock"}
    moments = {
        "while it imports": lambda: list(folder.glob(".genome.*")),
        "when it has imported": lambda: (folder / "genome").exists(),
        "while it writes the BED file": lambda: list(folder.glob(".cpg.bed.gz.*")),
    }
    words = ["data", "fetch", str(recipe), "--offline-dir", "usb", "--quiet"]
    for moment, reached in moments.items():
        if folder.exists():
            shutil.rmtree(folder)
        running = subprocess.Popen(
            [sys.executable, "-m", "genomenet.cli.main", *words],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
        )
        while not reached():
            assert running.poll() is None, moment
            time.sleep(0.001)
        running.kill()
        running.wait()
        assert read_manifest(folder) is None, moment
        with pytest.raises(UserError, match="is not finished"):
            list(verify(folder))
        # What has its final name is whole all the same.
        if (folder / "genome").exists():
            assert GenomeStore(folder / "genome").length_bp == len(sequence)
        assert not (folder / "cpg.bed.gz").exists()

        assert run_recipe(read_recipe(recipe), Way(tmp_path / "data", tmp_path / "usb")) is True
        assert all(not verdict.wrong for verdict in verify(folder))
        assert GenomeStore(folder / "genome").length_bp == len(sequence)
        # Nothing of the killed process is left over either, which may be gigabytes.
        assert {path.name for path in folder.iterdir()} == products

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.genome import corpus_workers, corpus_writer
from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.corpus_record import CORPUS_FILE
from genomenet.genome.corpus_writer import build_corpus
from tests.genome.files import write
from tests.genome.genomes import CODES, made_up, manifest, write_genomes

SMALL_SHARD_BP = 100_000


@pytest.fixture(scope="module")
def genomes():
    return made_up(1_000, longest_bp=10_000)


@pytest.fixture(scope="module")
def folder(genomes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("genomes")
    write_genomes(folder, genomes)
    return folder


@pytest.fixture(scope="module")
def digest(folder, tmp_path_factory):
    """Of the corpus of all genomes, made at once in a single shard."""
    corpus = build_corpus([folder], tmp_path_factory.mktemp("whole") / "corpus")
    assert len(list((corpus.path / "shards").iterdir())) < 4
    return corpus.digest


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(corpus_writer, "_MIN_SHARD_BP", SMALL_SHARD_BP)


def stamps(corpus: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file in the shards."""
    files = (file for file in (corpus / "shards").rglob("*") if file.is_file())
    return {
        str(file.relative_to(corpus)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in files
    }


def left_over(corpus: Path) -> list[Path]:
    """Unfinished files and folders."""
    return [path for path in corpus.rglob(".*") if path.name != ".build.lock"]


def test_a_thousand_genomes_by_two_processes(genomes, folder, digest, tmp_path, small_shards):
    told = []
    corpus = build_corpus([folder], tmp_path / "c", 2, lambda *bases: told.append(bases))
    assert corpus.digest == digest
    assert len(list((corpus.path / "shards").iterdir())) > 4
    assert [member.name for member in corpus.members] == sorted(genomes)
    assert sum(newly for _, newly in told) == corpus.length_bp
    assert 0.5 < told[0][0] / corpus.length_bp < 2
    random = np.random.default_rng(0)
    for number in random.integers(0, len(corpus.contigs), 100).tolist():
        name, length_bp = corpus.contigs[number].name, corpus.contigs[number].length_bp
        member, _, contig = name.partition("/")
        letters = genomes[member][contig]
        assert corpus.read(name, 0, length_bp).tolist() == [CODES[x] for x in letters]


def test_the_way_a_corpus_came_about_makes_no_difference(genomes, tmp_path, small_shards):
    some = dict(list(genomes.items())[:30])
    write_genomes(tmp_path / "fasta", some)
    files = sorted((tmp_path / "fasta").iterdir())
    whole = build_corpus(files, tmp_path / "whole")
    for part in (files[20:], files[10:15], files):
        grown = build_corpus(part, tmp_path / "grown")
    assert len(grown.members) == 30
    assert len(list((grown.path / "shards").iterdir())) > len(
        list((whole.path / "shards").iterdir())
    )
    assert grown.digest == whole.digest
    assert list(grown.contigs) == list(whole.contigs)
    assert grown.n_runs == whole.n_runs


def test_adding_leaves_shards_as_they_are(genomes, tmp_path):
    names = list(genomes)
    write_genomes(tmp_path / "fasta", {name: genomes[name] for name in names[1:20]})
    first = build_corpus([tmp_path / "fasta"], tmp_path / "c")
    before = stamps(first.path)
    # A file of the same content is the same, whatever its time and name of folder.
    write_genomes(tmp_path / "moved", {name: genomes[name] for name in names[:20]})
    second = build_corpus([tmp_path / "moved"], tmp_path / "c")
    after = stamps(second.path)
    assert after.items() > before.items()
    assert [m.name for m in second.members] == names[:20]
    assert [m.digest for m in second.members][1:] == [m.digest for m in first.members]
    assert second.digest != first.digest
    third = build_corpus([tmp_path / "moved"], tmp_path / "c")
    assert (third.digest, stamps(third.path)) == (second.digest, after)


def test_species_and_weights_can_change(genomes, tmp_path):
    names = list(genomes)[:4]
    write_genomes(tmp_path, {name: genomes[name] for name in names})
    files = dict(zip(names, sorted(tmp_path.glob("g*")), strict=True))

    def build(*rows):
        path = manifest(tmp_path / "list.tsv", "name file species weight", *rows)
        return build_corpus([path], tmp_path / "c")

    first = build(*(f"{name} {file.name} s{name} 2" for name, file in files.items()))
    before = stamps(first.path)
    second = build(f"{names[1]} {files[names[1]].name} other 3")
    assert stamps(second.path) == before
    assert [m.species for m in second.members] == [
        f"s{names[0]}", "other", f"s{names[2]}", f"s{names[3]}"
    ]  # fmt: skip
    assert [m.weight for m in second.members] == [2, 3, 2, 2]
    assert second.digest != first.digest
    # A folder says nothing about species and weights, so they stay.
    assert build_corpus(files.values(), tmp_path / "c").digest == second.digest


def test_a_file_that_has_changed(genomes, tmp_path):
    write_genomes(tmp_path / "fasta", dict(list(genomes.items())[:3]))
    corpus = build_corpus([tmp_path / "fasta"], tmp_path / "c")
    file = tmp_path / "fasta" / "g0001.fa"
    text = file.read_text()
    write(file, text[:-2] + ("A" if text[-2] != "A" else "C") + "\n")
    with pytest.raises(UserError, match=r"g0001\.fa is not what 'g0001' was read from; give the"):
        build_corpus([tmp_path / "fasta"], tmp_path / "c")
    assert GenomeCorpus(corpus.path).digest == corpus.digest


def test_a_file_that_changed_after_a_build_broke_off(genomes, tmp_path, small_shards):
    write_genomes(tmp_path / "fasta", dict(list(genomes.items())[:60]))
    bad, other = tmp_path / "fasta" / "g0055.fa", tmp_path / "fasta" / "g0001.fa"
    text = bad.read_text()
    write(bad, "no FASTA")
    with pytest.raises(UserError, match=r"g0055\.fa"):
        build_corpus([tmp_path / "fasta"], tmp_path / "c")
    write(bad, text)
    write(other, ">c0\nACGTN\n")
    corpus = build_corpus([tmp_path / "fasta"], tmp_path / "c")
    assert corpus.read("g0001/c0", 0, 5).tolist() == [0, 1, 2, 3, 4]
    assert corpus.digest == build_corpus([tmp_path / "fasta"], tmp_path / "unbroken").digest


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_file_among_many(genomes, tmp_path, small_shards, workers):
    some = dict(list(genomes.items())[:120])
    write_genomes(tmp_path / "fasta", some)
    bad = tmp_path / "fasta" / "g0110.fa"
    text = bad.read_text()
    write(bad, ">c0\nACGT\nAC!T\n")
    with pytest.raises(UserError, match=r"g0110\.fa: line 3: "):
        build_corpus([tmp_path / "fasta"], tmp_path / "c", workers)
    assert not (tmp_path / "c" / CORPUS_FILE).exists()
    assert left_over(tmp_path / "c") == []
    kept = stamps(tmp_path / "c")
    assert kept
    write(bad, text)
    corpus = build_corpus([tmp_path / "fasta"], tmp_path / "c", workers)
    assert stamps(corpus.path).items() > kept.items()
    assert corpus.digest == build_corpus([tmp_path / "fasta"], tmp_path / "unbroken").digest


def test_an_interrupt_reaches_the_workers(folder, tmp_path, small_shards, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(corpus_workers, "_watch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_corpus([folder], tmp_path / "c", 2)
    assert not list((tmp_path / "c" / "shards").iterdir())


_BUILD = """
import sys
from genomenet.genome import corpus_writer
corpus_writer._MIN_SHARD_BP = int(sys.argv[4])
corpus_writer.build_corpus([sys.argv[1]], sys.argv[2], int(sys.argv[3]))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_build_goes_on(folder, digest, tmp_path, small_shards, workers):
    out = tmp_path / "c"
    words = [sys.executable, "-c", _BUILD, folder, out, workers, SMALL_SHARD_BP]
    build = subprocess.Popen(list(map(str, words)), start_new_session=True)
    while build.poll() is None and not list((out / "shards").glob("[0-9]*")):
        time.sleep(0.002)
    os.kill(build.pid, signal.SIGKILL)
    assert build.wait() == -signal.SIGKILL
    assert not (out / CORPUS_FILE).exists()
    _wait_for_group(build.pid)
    kept = {name: stamp for name, stamp in stamps(out).items() if "/." not in name}
    assert kept
    corpus = build_corpus([folder], out)
    assert corpus.digest == digest
    assert stamps(out).items() > kept.items()
    assert left_over(out) == []


def _wait_for_group(group: int) -> None:
    """Wait until no process of a group is left: workers end with the process that started them."""
    for _ in range(1_000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("a worker outlived the build")


def test_one_build_at_a_time(genomes, tmp_path):
    write_genomes(tmp_path / "fasta", dict(list(genomes.items())[:2]))
    corpus = build_corpus([tmp_path / "fasta"], tmp_path / "c")
    with (corpus.path / ".build.lock").open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="is being built by another process"):
            build_corpus([tmp_path / "fasta"], tmp_path / "c")


def test_what_another_machine_left_unfinished_goes(genomes, tmp_path, monkeypatch):
    write_genomes(tmp_path / "fasta", dict(list(genomes.items())[:2]))
    unfinished = tmp_path / "c" / "shards" / ".00000.12-01234567.abcdefgh"
    unfinished.mkdir(parents=True)
    write(unfinished / "bases.u8", "\0\1")

    def no_lock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patched:  # it may be at work still
        patched.setattr(fcntl, "flock", no_lock)
        build_corpus([tmp_path / "fasta"], tmp_path / "c")
    assert unfinished.exists()
    build_corpus([tmp_path / "fasta"], tmp_path / "c")
    assert left_over(tmp_path / "c") == []


def test_folders_that_are_no_place_for_a_corpus(genomes, tmp_path):
    write_genomes(tmp_path / "fasta", dict(list(genomes.items())[:2]))
    with pytest.raises(UserError, match="already holds something that is no corpus"):
        build_corpus([tmp_path / "fasta"], tmp_path)
    with pytest.raises(UserError, match="is a file"):
        build_corpus([tmp_path / "fasta"], tmp_path / "fasta" / "g0001.fa")
    with pytest.raises(UserError, match="0 workers"):
        build_corpus([tmp_path / "fasta"], tmp_path / "c", 0)


def test_a_damaged_shard(genomes, tmp_path):
    write_genomes(tmp_path / "fasta", dict(list(genomes.items())[:2]))
    corpus = build_corpus([tmp_path / "fasta"], tmp_path / "c")
    write(corpus.path / "shards" / "00000" / "members.json", "{")
    with pytest.raises(UserError, match=r"00000 is damaged, its members\.json"):
        build_corpus([tmp_path / "fasta"], tmp_path / "c")
    (corpus.path / "shards" / "00000").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="lacks '00000' of its corpus"):
        build_corpus([tmp_path / "fasta"], tmp_path / "c")

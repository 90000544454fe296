import os
import subprocess
import sys
from pathlib import Path

import pytest

from genomenet.files import remove_stale, whole_file, whole_folder


@pytest.fixture(autouse=True)
def as_a_new_process():
    remove_stale.cache_clear()


def unfinished_by_a_killed_process(folder: Path) -> list[Path]:
    """Leave half a file and half a folder behind, as kill -9 does."""
    script = """
import os, signal, sys
from genomenet.files import whole_file, whole_folder
with whole_folder(sys.argv[1] + "/made") as folder, whole_file(sys.argv[1] + "/x.txt") as handle:
    (folder / "part").write_text("half")
    print("half", file=handle, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    before = set(folder.iterdir())
    done = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert done.returncode == -9
    return sorted(set(folder.iterdir()) - before)


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_what_a_killed_process_left_is_removed(tmp_path, whole):
    left = unfinished_by_a_killed_process(tmp_path)
    assert [path.name.split(".")[1] for path in left] == ["made", "x"]
    with whole(tmp_path / "another"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["another"]


def test_what_a_living_process_or_another_machine_writes_is_left_alone(tmp_path):
    killed, _ = unfinished_by_a_killed_process(tmp_path)
    _, name, tag, random = killed.name.split(".")
    process, machine = tag.split("-")
    other = f"{int(machine, 16) ^ 1:08x}"
    kept = {
        f".{name}.{os.getppid()}-{machine}.{random}",
        f".{name}.{process}-{other}.{random}",
        f".{name}.{process}-{machine}.part",
        f"{name}.{process}-{machine}.{random}",
        ".hidden",
    }
    for each in kept:
        (tmp_path / each).mkdir()
    with whole_folder(tmp_path / "made") as folder:
        remove_stale.cache_clear()
        with whole_file(tmp_path / "x.txt"):
            pass
        assert folder.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == kept | {"made", "x.txt"}


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_an_error_leaves_nothing(tmp_path, whole):
    with pytest.raises(KeyError), whole(tmp_path / "x"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_rights_are_those_of_other_files(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain.txt").write_text("")
    with whole_folder(tmp_path / "whole"), whole_file(tmp_path / "whole.txt"):
        pass
    for end in ("", ".txt"):
        plain, whole = (tmp_path / f"{name}{end}" for name in ("plain", "whole"))
        assert whole.stat().st_mode == plain.stat().st_mode

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from genomenet.cli.main import main
from genomenet.files import remove_stale
from genomenet.genome.importer import import_genome
from genomenet.genome.store import GenomeStore
from tests.genome.files import write

# Kills itself just before what is named happens for the time given.
SCRIPT = """
import os, signal, sys
from pathlib import Path
from genomenet import files
from genomenet.genome import importer, store_writer

source, out, owner, name, times = sys.argv[1:]
owner = {"blocks": store_writer.StoreWriter, "table": store_writer.json, "rename": Path}[owner]
real, left = getattr(owner, name), [int(times)]

def until_killed(*arguments, **named):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)

setattr(owner, name, until_killed)
importer.import_genome([Path(source)], Path(out))
"""

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from genomenet.cli.main import main; sys.exit(main(sys.argv[1:]))",
    "import",
]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    letters = np.random.default_rng(0).choice(list(b"ACGTacgtN"), size=(40_000, 60))
    lines = np.insert(letters, 60, ord("\n"), axis=1).astype(np.uint8)
    return write(tmp_path_factory.mktemp("source") / "x.fa", b">x\n" + lines.tobytes())


@pytest.fixture(scope="module")
def digest(source, tmp_path_factory) -> str:
    return import_genome([source], tmp_path_factory.mktemp("whole") / "store").digest


@pytest.mark.parametrize(
    "moment",
    [
        ("blocks", "_write", "3"),
        ("table", "dumps", "0"),
        ("rename", "replace", "0"),
    ],
    ids="-".join,
)
def test_a_killed_import_leaves_no_store(tmp_path, source, digest, moment):
    out = tmp_path / "store"
    command = [sys.executable, "-c", SCRIPT, str(source), str(out), *moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    left = list(tmp_path.iterdir())
    assert [path.name.startswith(".store.") for path in left] == [True], "one unfinished folder"
    # What comes later tidies up, and makes the store.
    remove_stale.cache_clear()
    assert import_genome([source], out).digest == digest
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_killed_at_any_time(tmp_path, source, digest):
    out = tmp_path / "store"
    command = [*COMMAND, str(source), "--out", str(out)]
    for turn in range(4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not any(tmp_path.iterdir()):
            time.sleep(0.001)
        time.sleep(0.002 * turn)
        process.kill()
        assert process.wait() in (0, -signal.SIGKILL)
        assert len(list(tmp_path.iterdir())) <= 1, "what was left before is gone"
    assert main(["import", *command[len(COMMAND) :]]) == 0
    assert GenomeStore(out).digest == digest

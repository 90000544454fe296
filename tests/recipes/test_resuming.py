"""A broken download goes on where it broke, and never joins two versions of a file."""

import hashlib
import json

import numpy as np
import pytest

from genomenet.errors import UserError
from tests.recipes.server import Fault
from tests.recipes.test_transfer import CUT, CUT_OFF, DATA, REST, SHA256, get

OTHER = np.random.default_rng(2).bytes(300_000)


def leave_partial(server, path, name="x.fa", **more):
    """A download that broke after 128 KiB and was given up."""
    url = server.put(name, DATA, CUT_OFF, **more)
    with pytest.raises(UserError, match="131,072 bytes are kept, run again to go on"):
        get(url, path, retries=0)
    assert (path.parent / f".{path.name}.part").read_bytes() == DATA[:CUT]
    server.requests.clear()
    return url


def test_server_vanishes_midway_and_the_next_run_goes_on(server, tmp_path):
    url = leave_partial(server, tmp_path / "x.fa")
    done = get(url, tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == DATA
    # The sum is of the whole content, though only the rest came in this run.
    assert done.sha256 == SHA256
    assert server.ranges == [REST]
    assert server.requests[0][1]["If-Range"] == '"one"'


@pytest.mark.parametrize("heeds", [True, False])
def test_new_version_starts_over(heeds, server, tmp_path):
    url = leave_partial(server, tmp_path / "x.fa")
    later = Fault(heed_if_range=heeds)
    server.put("x.fa", OTHER, etag='"two"', later=later)
    get(url, tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == OTHER
    assert server.ranges == ([REST] if heeds else [REST, None])


def test_last_modified_serves_where_the_etag_is_weak(server, tmp_path):
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    url = leave_partial(server, tmp_path / "x.fa", etag='W/"one"', last_modified=date)
    get(url, tmp_path / "x.fa")
    assert server.requests[0][1]["If-Range"] == date
    assert server.ranges == [REST]
    assert (tmp_path / "x.fa").read_bytes() == DATA


def test_without_validator_only_a_checksum_permits_to_resume(server, tmp_path):
    url = leave_partial(server, tmp_path / "x.fa", etag=None)
    server.pages["/x.fa"].data = OTHER
    get(url, tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == OTHER
    assert server.ranges == [None]

    url = leave_partial(server, tmp_path / "y.fa", etag=None)
    get(url, tmp_path / "y.fa", sha256=SHA256)
    assert (tmp_path / "y.fa").read_bytes() == DATA
    assert server.ranges == [REST]


def test_resumed_file_of_two_versions_fails_its_checksum(server, tmp_path):
    url = leave_partial(server, tmp_path / "x.fa", etag=None)
    server.pages["/x.fa"].data = OTHER
    with pytest.raises(UserError, match="what arrived was deleted, run again"):
        get(url, tmp_path / "x.fa", sha256=hashlib.sha256(OTHER).hexdigest())
    assert list(tmp_path.iterdir()) == []
    get(url, tmp_path / "x.fa", sha256=hashlib.sha256(OTHER).hexdigest())
    assert (tmp_path / "x.fa").read_bytes() == OTHER


def test_data_from_another_url_is_not_resumed(server, tmp_path):
    leave_partial(server, tmp_path / "x.fa")
    get(server.put("y.fa", OTHER), tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == OTHER
    assert server.ranges == [None]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1, "colour": "red"}', None])
def test_data_with_a_spoilt_sidecar_is_not_resumed(text, server, tmp_path):
    url = leave_partial(server, tmp_path / "x.fa")
    sidecar = tmp_path / ".x.fa.part.json"
    sidecar.unlink() if text is None else sidecar.write_text(text)
    server.pages["/x.fa"].data = OTHER
    get(url, tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == OTHER


@pytest.mark.parametrize("size_known", [True, False])
def test_killed_between_the_last_byte_and_the_renaming(size_known, server, tmp_path):
    url = leave_partial(server, tmp_path / "x.fa")
    (tmp_path / ".x.fa.part").write_bytes(DATA)
    if not size_known:
        sidecar = tmp_path / ".x.fa.part.json"
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"size_bytes": None}))
    get(url, tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == DATA
    assert server.ranges == ([] if size_known else ["bytes=300000-"])


def test_partial_longer_than_the_file_starts_over(server, tmp_path):
    url = leave_partial(server, tmp_path / "x.fa")
    (tmp_path / ".x.fa.part").write_bytes(DATA + b"more")
    get(url, tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == DATA

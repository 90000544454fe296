"""Every fault of a server ends in the whole, verified file or in one clear sentence."""

import gzip
import hashlib
import re
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from genomenet.errors import UserError
from genomenet.recipes.download import RemoteFile, download
from tests.recipes.server import Fault

DATA = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
CUT = 1 << 17
REST = f"bytes={CUT}-"
CUT_OFF = Fault(send=CUT)


def get(url, path, pauses=None, retries=3, timeout_s=5, **published):
    """Download one file with waits that are noted, not waited."""
    file = RemoteFile(url, path, **published)
    pause = (pauses if pauses is not None else []).append
    [done] = download([file], retries=retries, timeout_s=timeout_s, pause=pause)
    return done


# Name: the faults of the first answers, and the ranges that must be asked for.
MENDED = {
    "no fault": ([], [None]),
    "truncated": ([CUT_OFF], [None, REST]),
    "truncated twice": ([CUT_OFF, Fault(send=65536)], [None, REST, "bytes=196608-"]),
    "reset": ([Fault(send=CUT, end="reset")], None),
    "stalled": ([Fault(send=CUT, end="stall")], [None, REST]),
    "stalled before the first byte": ([Fault(send=0, end="stall")], [None, None]),
    "server error": ([Fault(status=500), Fault(status=503)], [None, None, None]),
    "server error midway": ([CUT_OFF, Fault(status=502)], [None, REST, REST]),
    "too many requests": ([Fault(status=429)], [None, None]),
    "ranges ignored": ([CUT_OFF, Fault(ranges=False)], [None, REST]),
    "another range": ([CUT_OFF, Fault(shift=-7)], [None, REST, None]),
    "malformed range": (
        [CUT_OFF, Fault(headers={"Content-Range": "bytes x"})],
        [None, REST, None],
    ),
    "range of unknown whole": (
        [CUT_OFF, Fault(headers={"Content-Range": f"bytes {CUT}-299999/*"})],
        [None, REST, None],
    ),
    "range of another size": (
        [CUT_OFF, Fault(headers={"Content-Range": f"bytes {CUT}-299999/400000"})],
        [None, REST, None],
    ),
    "range not satisfiable": (
        [CUT_OFF, Fault(status=416, headers={"Content-Range": "bytes */9"})],
        [None, REST, None],
    ),
    "length too long once": ([Fault(length_lie=1000)], [None, "bytes=300000-", None]),
    "chunked": ([Fault(framing="chunked")], [None]),
    "chunked and truncated": ([Fault(framing="chunked", send=CUT)], [None, REST]),
    "empty": ([Fault(headers={"Content-Length": "0"})], [None, None]),
    "redirect": ([Fault(status=302, headers={"Location": "/x.fa"})], [None, None]),
}


PUBLISHED = {"size_bytes": 300_000, "sha256": SHA256}
# Where the size is published, these lies are found out at once: see REFUSED.
LIES = ("length too long once", "empty")


@pytest.mark.parametrize(
    ("name", "published"),
    [(name, {}) for name in MENDED] + [(name, PUBLISHED) for name in MENDED if name not in LIES],
)
def test_fault_ends_in_the_whole_file(name, published, server, tmp_path):
    faults, ranges = MENDED[name]
    url = server.put("x.fa", DATA, *faults)
    timeout_s = 0.3 if "stalled" in name else 5
    done = get(url, tmp_path / "in" / "x.fa", timeout_s=timeout_s, **published)
    assert (tmp_path / "in" / "x.fa").read_bytes() == DATA
    assert (done.size_bytes, done.sha256, done.downloaded) == (300_000, SHA256, True)
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["x.fa"]
    if ranges is not None:
        assert server.ranges == ranges


BAD_SUM = {"sha256": "0" * 64}
# Name: the lasting fault, what is published, and the words of the error.
REFUSED = {
    "missing": (Fault(status=404), {}, "answered 404 Not Found; look whether the file has moved"),
    "forbidden": (Fault(status=403), {}, "answered 403 Forbidden"),
    "no content": (Fault(status=204), {}, "answered 204"),
    "redirect to nowhere": (
        Fault(status=302, headers={"Location": "ftp://h/x.fa"}),
        {},
        "only http and https can be fetched",
    ),
    "redirect in circles": (Fault(status=302, headers={"Location": "/x.fa"}), {}, "in circles"),
    "wrong sha256": (
        Fault(),
        BAD_SUM,
        f"the sha256 is {SHA256}, but {'0' * 64} is expected; what arrived was deleted",
    ),
    "wrong md5": (
        Fault(),
        {"md5": "0" * 32},
        f"the md5 is {hashlib.md5(DATA).hexdigest()}, but {'0' * 32} is expected",
    ),
    "longer than published": (
        Fault(),
        {"size_bytes": 299_999},
        "the server has 300,000 bytes, but 299,999 are expected",
    ),
    "shorter than published": (
        Fault(),
        {"size_bytes": 300_001},
        "the server has 300,000 bytes, but 300,001 are expected",
    ),
    "length too short": (
        Fault(length_lie=-1),
        {"size_bytes": 300_000},
        "the server has 299,999 bytes, but 300,000 are expected",
    ),
    "length too long": (
        Fault(length_lie=1),
        {"size_bytes": 300_000},
        "the server has 300,001 bytes, but 300,000 are expected",
    ),
    "chunked and longer than published": (
        Fault(framing="chunked"),
        {"size_bytes": 200_000},
        "sends more than the 200,000 bytes",
    ),
    "packed on the way": (
        Fault(headers={"Content-Encoding": "gzip"}),
        {},
        r"sends the file packed \(gzip\)",
    ),
    "web page": (
        Fault(headers={"Content-Type": "text/html; charset=utf-8"}),
        {},
        "answered with a web page, not with the file",
    ),
    "no length": (Fault(framing="none"), {}, "does not tell how long the file is"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_fault_ends_at_once_in_one_sentence(name, server, tmp_path):
    fault, published, words = REFUSED[name]
    url = server.put("x.fa", DATA, later=fault)
    with pytest.raises(UserError, match=words) as error:
        get(url, tmp_path / "x.fa", **published)
    assert url in str(error.value)
    assert "\n" not in str(error.value)
    assert len(server.requests) == (31 if "circles" in name else 1), "it was tried again"
    assert list(tmp_path.iterdir()) == []


# Name: the lasting fault, what is published, the words of the error, and the bytes kept.
GIVEN_UP = {
    "server error": (Fault(status=500), {}, "answered 500 Internal Server Error, and so", 0),
    "unavailable": (Fault(status=503), {}, "answered 503 Service Unavailable, and so", 0),
    "stalled": (Fault(send=0, end="stall"), {}, r"silent for 0\.2 seconds, and so", 0),
    "empty": (Fault(send=0), {}, "gave up after 4 tries", 0),
    "truncated where ranges are ignored": (
        Fault(send=CUT, ranges=False),
        {},
        r"gave up after 4 tries; 131,072 bytes are kept",
        CUT,
    ),
    "length too long": (Fault(length_lie=5), {}, "gave up after 4 tries", None),
    "chunked and shorter than published": (
        Fault(framing="chunked", ranges=False),
        {"size_bytes": 300_001},
        "sent 300,000 of 300,001 bytes, and so gave up after 4 tries; 300,000 bytes are kept",
        300_000,
    ),
}


@pytest.mark.parametrize("name", GIVEN_UP)
def test_lasting_fault_is_tried_again_and_then_given_up(name, server, tmp_path):
    fault, published, words, kept = GIVEN_UP[name]
    url = server.put("x.fa", DATA, later=fault)
    timeout_s = 0.2 if name == "stalled" else 5
    with pytest.raises(UserError, match=words) as error:
        get(url, tmp_path / "x.fa", timeout_s=timeout_s, **published)
    assert str(error.value).startswith(url)
    assert len(server.requests) == 4
    assert not (tmp_path / "x.fa").exists()
    partial = tmp_path / ".x.fa.part"
    if kept is not None:
        assert (partial.stat().st_size if partial.exists() else 0) == kept


def test_connection_refused(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/x.fa"
    pauses = []
    with pytest.raises(UserError, match=f"{url}: the connection failed: Connection refused, and"):
        get(url, tmp_path / "x.fa", pauses)
    assert pauses == [1, 2, 4]


@pytest.mark.parametrize("url", ["ftp://host/x.fa", "x.fa", "http://", "http://[bad/x.fa"])
def test_url_that_cannot_be_fetched(url, tmp_path):
    with pytest.raises(UserError, match=f"^{re.escape(url)}: .*correct it$"):
        get(url, tmp_path / "x.fa")


def test_gzip_stays_packed_and_identity_is_asked_for(server, tmp_path):
    packed = gzip.compress(DATA[:9999])
    label = Fault(headers={"Content-Encoding": "gzip", "Content-Type": "application/x-gzip"})
    get(server.put("x.fa.gz", packed, later=label), tmp_path / "x.fa.gz")
    assert (tmp_path / "x.fa.gz").read_bytes() == packed
    assert server.requests[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("published", [{"size_bytes": 300_000}, {"sha256": SHA256}])
def test_body_without_length_is_taken_when_something_is_published(published, server, tmp_path):
    url = server.put("x.fa", DATA, later=Fault(framing="none"))
    get(url, tmp_path / "x.fa", **published)
    assert (tmp_path / "x.fa").read_bytes() == DATA


def test_waits_grow_and_retry_after_is_honoured(server, tmp_path):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    busy = [Fault(status=503, headers={"Retry-After": text}) for text in ("30", "0", date, "soon")]
    pauses = []
    get(server.put("x.fa", DATA, *busy), tmp_path / "x.fa", pauses, retries=4)
    assert pauses == [30, 2, pytest.approx(100, abs=5), 8]


def test_headway_starts_the_row_of_tries_anew(server, tmp_path, monkeypatch):
    monkeypatch.setattr("genomenet.recipes.download.HEADWAY_BYTES", 65536)
    pauses = []
    url = server.put("x.fa", DATA, *[Fault(send=65536)] * 4)
    get(url, tmp_path / "x.fa", pauses, retries=1)
    assert (tmp_path / "x.fa").read_bytes() == DATA
    assert pauses == [1, 1, 1, 1]


def test_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    server.put("x.fa", DATA)
    server.pages["http://genomes.invalid/x.fa"] = server.pages["/x.fa"]
    monkeypatch.setenv("http_proxy", server.url)
    get("http://genomes.invalid/x.fa", tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_bytes() == DATA

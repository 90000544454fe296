"""The lock on data on its way, and what is known of the version it belongs to."""

import fcntl

import pytest

from genomenet.recipes.partial import Version, claim

URL = "http://host/x.fa"


def never(have):
    raise AssertionError("nobody else holds the lock")


@pytest.mark.parametrize("ends", ["renamed", "deleted"])
def test_lock_on_data_that_another_has_just_ended(ends, tmp_path, monkeypatch):
    """The other ends between our opening and our locking: what we locked is the final file."""
    target = tmp_path / "x.fa"
    lock = fcntl.flock

    def other_ends_first(handle, how):
        monkeypatch.setattr(fcntl, "flock", lock)
        part = tmp_path / ".x.fa.part"
        if ends == "renamed":
            part.write_bytes(b"whole")
            part.rename(target)
        else:
            part.unlink()
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", other_ends_first)
    with claim(target, URL, False, never) as partial:
        partial.restart(Version(URL))
        partial.append(b"ours")
        assert (tmp_path / ".x.fa.part").read_bytes() == b"ours"
    assert not target.exists() or target.read_bytes() == b"whole"


def test_waiting_tells_what_the_other_has(tmp_path):
    class Enough(Exception):
        pass

    told = []

    def waiting(have):
        told.append(have)
        if len(told) == 3:
            raise Enough

    target = tmp_path / "x.fa"
    with claim(target, URL, False, never) as partial:
        partial.restart(Version(URL))
        partial.append(b"12345")
        with pytest.raises(Enough), claim(target, URL, False, waiting):
            raise AssertionError("the lock is held")
    assert told == [5, 5, 5]


def test_the_data_is_taken_up_with_its_sums_and_appended_to(tmp_path):
    target = tmp_path / "x.fa"
    version = Version(URL, etag='"one"', size_bytes=9)
    with claim(target, URL, True, never) as partial:
        partial.restart(version)
        partial.append(b"abc")
    with claim(target, URL, True, never) as partial:
        assert (partial.size_bytes, partial.version) == (3, version)
        partial.append(b"def")
        partial.finish()
    assert target.read_bytes() == b"abcdef"
    assert partial.digests.md5 == "e80b5017098950fc58aad83c8c14978e"
    assert [path.name for path in tmp_path.iterdir()] == ["x.fa"]


def test_nothing_is_left_where_nothing_arrived(tmp_path):
    with claim(tmp_path / "x.fa", URL, False, never) as partial:
        partial.restart(Version(URL))
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Version(URL), True),
        (Version(URL, '"one"', "Monday", 5), True),
        (Version(URL, '"two"', "Monday", 5), False),
        (Version(URL, '"one"', "Sunday", 5), False),
        (Version(URL, '"one"', "Monday", 6), False),
        (Version("http://other/x.fa", '"one"'), False),
    ],
)
def test_versions_agree_when_nothing_told_by_both_differs(other, same):
    assert Version(URL, '"one"', "Monday", 5).agrees(other) == same

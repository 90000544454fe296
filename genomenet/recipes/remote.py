"""A file to fetch, what came of it, and whether the bytes are those that were published."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file at its source, and where it shall land.

    Attributes
    ----------
    url : str
        Where it is; http or https.
    path : Path
        Where it shall land; missing folders are made.
    size_bytes, sha256, md5
        What is published about it, or None. Sums are hexadecimal.
    """

    url: str
    path: Path
    size_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None


@dataclass(frozen=True)
class Fetched:
    """A whole, verified file.

    Attributes
    ----------
    path : Path
        The file.
    url : str
        Where it came from, or would have come from had it not been here or offline.
    size_bytes : int
        Its size.
    sha256 : str
        Of the whole content, whether or not one was published.
    md5 : str or None
        Likewise, if an MD5 was published.
    downloaded : bool
        False if it was already in place or came from the offline folder.
    """

    path: Path
    url: str
    size_bytes: int
    sha256: str
    md5: str | None
    downloaded: bool


class Digests:
    """Size and checksums of bytes that come one block after another."""

    def __init__(self, with_md5: bool):
        self.size_bytes = 0
        self._sha256 = hashlib.sha256()
        # Published sums only guard against accidents here, so MD5 serves even in FIPS mode.
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        self.size_bytes += len(data)
        self._sha256.update(data)
        if self._md5:
            self._md5.update(data)

    @property
    def sha256(self) -> str:
        """SHA-256 so far, hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str | None:
        """MD5 so far, hexadecimal, or None if it was not asked for."""
        return self._md5.hexdigest() if self._md5 else None


def digest_file(
    path: Path, with_md5: bool = False, advance: Callable[[int], None] | None = None
) -> Digests:
    """Size and checksums of a file.

    Parameters
    ----------
    path : Path
        The file.
    with_md5 : bool
        Whether to compute MD5 beside SHA-256.
    advance : callable
        Called with the bytes read so far, after each block.
    """
    digests = Digests(with_md5)
    with path.open("rb") as handle:
        while block := handle.read(BLOCK_BYTES):
            digests.update(block)
            if advance:
                advance(digests.size_bytes)
    return digests


def mismatch(file: RemoteFile, digests: Digests) -> str:
    """How the bytes differ from what is published, in words; empty if they do not."""
    if file.size_bytes is not None and digests.size_bytes != file.size_bytes:
        return f"the size is {digests.size_bytes:,} bytes, but {file.size_bytes:,} are expected"
    for name, found, expected in (
        ("sha256", digests.sha256, file.sha256),
        ("md5", digests.md5, file.md5),
    ):
        if expected and found != expected.lower():
            return f"the {name} is {found}, but {expected.lower()} is expected"
    return ""

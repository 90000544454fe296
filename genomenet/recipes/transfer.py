"""One request for the missing rest of a file, and what the answer means."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from genomenet.errors import UserError
from genomenet.recipes.partial import Partial, Version
from genomenet.recipes.remote import RemoteFile

CHUNK_BYTES = 1 << 16
# Beside the 5xx: timed out, too early, too many requests.
TRY_AGAIN = (408, 425, 429)
GZIP_NAMES = (".gz", ".bgz", ".tgz", ".bgzf")


class Break(Exception):
    """The transfer stopped early, but may go on.

    Attributes
    ----------
    wait_s : float
        What the server asks to wait, in seconds.
    """

    def __init__(self, reason: str, wait_s: float = 0):
        super().__init__(reason)
        self.wait_s = wait_s


def url_name(url: str) -> str:
    """The file name at the end of a URL."""
    return PurePosixPath(unquote(urlsplit(url).path)).name


def transfer(
    session,
    file: RemoteFile,
    partial: Partial,
    timeout_s: float,
    report: Callable[[int, int | None], None],
) -> None:
    """Ask once for what is missing and append it to `partial`; return when that is whole.

    Whole means: as long as the server and the publisher tell, or ended by the last chunk. Checksums
    are the caller's part.

    Parameters
    ----------
    session : requests.Session
        Connection to use.
    file : RemoteFile
        What to fetch.
    partial : Partial
        What has arrived.
    timeout_s : float
        Longest silence of the server, in seconds.
    report : callable
        Called with the bytes that have arrived and the expected number, if known; may raise.

    Raises
    ------
    Break
        When another try may succeed.
    UserError
        When none will.
    """
    import requests
    import urllib3

    have = partial.size_bytes
    known = partial.version.size_bytes if partial.version else None
    size_bytes = file.size_bytes if file.size_bytes is not None else known
    if have and have == size_bytes:
        return
    validator = partial.version.validator if partial.version else ""
    # Without a validator two versions could be joined unnoticed, unless a checksum tells.
    resuming = have > 0 and bool(validator or _has_checksum(file))
    # The bytes as they are stored: a .gz file must not be unpacked on the way.
    headers = {"Accept-Encoding": "identity"}
    if resuming:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    try:
        with session.get(file.url, headers=headers, stream=True, timeout=timeout_s) as response:
            _refuse(file, response)
            if response.status_code == 416 and resuming:
                _no_rest(file, partial, response)
                return
            begin = _continue if response.status_code == 206 and resuming else _start
            total = begin(file, partial, response)
            _read_body(file, partial, response, total, report)
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
        raise UserError(f"{file.url}: not a valid URL ({error}); correct it") from None
    except requests.exceptions.InvalidSchema:
        raise UserError(f"{file.url}: only http and https can be fetched; correct it") from None
    except requests.exceptions.TooManyRedirects:
        raise UserError(
            f"{file.url}: the server redirects in circles; look whether the file has moved"
        ) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise Break(_reason(error, timeout_s)) from None


def _has_checksum(file: RemoteFile) -> bool:
    return bool(file.sha256 or file.md5)


def _refuse(file: RemoteFile, response) -> None:
    """Raise for an answer that is not the file."""
    status = response.status_code
    if status >= 500 or status in TRY_AGAIN:
        raise Break(f"the server answered {_status(response)}", _retry_after(response))
    if status == 416:
        return
    if status not in (200, 206):
        raise UserError(
            f"{file.url}: the server answered {_status(response)}; look whether the file has moved "
            "or needs permission, or fetch it by hand into an offline folder"
        )
    names = (file.path.name.lower(), url_name(file.url).lower())
    encoding = response.headers.get("Content-Encoding", "").lower()
    # Some servers label stored .gz files so; anything else was packed on the way.
    stored_gzip = encoding in ("gzip", "x-gzip") and any(n.endswith(GZIP_NAMES) for n in names)
    if encoding not in ("", "identity") and not stored_gzip:
        raise UserError(
            f"{file.url}: the server sends the file packed ({encoding}), though it was asked not "
            "to; fetch it by hand into an offline folder"
        )
    kind = response.headers.get("Content-Type", "").lower()
    is_page = any(name.endswith((".html", ".htm")) for name in names)
    if kind.startswith("text/html") and not is_page and not _has_checksum(file):
        raise UserError(
            f"{file.url}: the server answered with a web page, not with the file; look whether "
            "the file has moved or needs a login"
        )


def _status(response) -> str:
    return f"{response.status_code} {response.reason or ''}".strip()


def _retry_after(response) -> float:
    """Seconds that the Retry-After header asks for, a number or a date; 0 if there is none."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _version(file: RemoteFile, response, size_bytes: int | None) -> Version:
    etag = response.headers.get("ETag", "")
    return Version(
        url=file.url,
        etag="" if etag.startswith("W/") else etag,
        last_modified=response.headers.get("Last-Modified", ""),
        size_bytes=size_bytes,
    )


def _continue(file: RemoteFile, partial: Partial, response) -> int | None:
    """Check that a 206 goes on where the data ends, in the same version; give the whole size."""
    told = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", told.strip())
    fits = match is not None and int(match[1]) == partial.size_bytes
    total = int(match[3]) if match else 0
    if (
        not fits
        or not partial.version
        or not partial.version.agrees(_version(file, response, total))
    ):
        partial.restart(None)
        raise Break(f"the server sent another part of the file than asked for ('{told}')")
    _check_size(file, total)
    return total


def _no_rest(file: RemoteFile, partial: Partial, response) -> None:
    """Return if a 416 says that nothing is missing, else start over."""
    told = response.headers.get("Content-Range", "").strip()
    now = _version(file, response, partial.size_bytes)
    whole = told == f"bytes */{partial.size_bytes}"
    if not whole or not partial.version or not partial.version.agrees(now):
        have = partial.size_bytes
        partial.restart(None)
        raise Break(f"the server has nothing after byte {have:,}, where the file is not at its end")


def _start(file: RemoteFile, partial: Partial, response) -> int | None:
    """Drop what is there for an answer that begins at the first byte; give the size, if told."""
    if response.status_code != 200:
        partial.restart(None)
        raise Break(f"the server answered {_status(response)} to a request for the whole file")
    length = response.headers.get("Content-Length", "").strip()
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    total = int(length) if length.isdigit() and not chunked else None
    if total is not None:
        _check_size(file, total)
    elif not chunked and file.size_bytes is None and not _has_checksum(file):
        raise UserError(
            f"{file.url}: the server does not tell how long the file is, so a broken download "
            "would look whole; give its size or checksum"
        )
    partial.restart(_version(file, response, total))
    return total


def _check_size(file: RemoteFile, total: int) -> None:
    if file.size_bytes is not None and total != file.size_bytes:
        raise UserError(
            f"{file.url}: the server has {total:,} bytes, but {file.size_bytes:,} are expected; "
            "the file has changed at its source or the expected size is wrong"
        )


def _read_body(
    file: RemoteFile,
    partial: Partial,
    response,
    total: int | None,
    report: Callable[[int, int | None], None],
) -> None:
    size_bytes = file.size_bytes if file.size_bytes is not None else total
    report(partial.size_bytes, size_bytes)
    for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
        partial.append(chunk)
        report(partial.size_bytes, size_bytes)
        if size_bytes is not None and partial.size_bytes > size_bytes:
            partial.discard()
            raise UserError(
                f"{file.url}: the server sends more than the {size_bytes:,} bytes that are "
                "expected; the file has changed at its source or the expected size is wrong"
            )
    if partial.size_bytes == 0:
        raise Break("the server sent an empty file")
    if size_bytes is not None and partial.size_bytes < size_bytes:
        raise Break(f"the server sent {partial.size_bytes:,} of {size_bytes:,} bytes")


def _reason(error: Exception, timeout_s: float) -> str:
    """Why a request failed, in words without the libraries' wrapping."""
    import requests
    import urllib3

    if isinstance(error, requests.Timeout | urllib3.exceptions.ReadTimeoutError):
        return f"the server was silent for {timeout_s:g} seconds"
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    return f"the connection failed: {getattr(cause, 'strerror', None) or cause}"

"""A local HTTP server whose answers can be spoilt in every way that downloads meet."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Fault:
    """What one answer does wrong; the default is a good answer."""

    status: int = 0
    """Answer with this status and no body."""
    headers: dict = field(default_factory=dict)
    """Added to the headers or, with None, left out."""
    send: int | None = None
    """Bytes of the body to send before the end."""
    end: str = "close"
    """After those: close, reset the connection, or stall."""
    ranges: bool = True
    """Whether to heed Range."""
    heed_if_range: bool = True
    """Whether to answer 200 to a Range of another version."""
    shift: int = 0
    """Added to the start that Content-Range tells."""
    length_lie: int = 0
    """Added to Content-Length."""
    framing: str = "length"
    """length, chunked, or none: the body ends with the connection."""
    slow_s: float = 0
    """Wait so long after each 64 KiB."""


@dataclass
class Page:
    """A file of the server; each request uses up one fault, and then come `later` answers."""

    data: bytes
    faults: list[Fault] = field(default_factory=list)
    later: Fault = field(default_factory=Fault)
    etag: str | None = '"one"'
    last_modified: str | None = None


@dataclass
class FaultyServer:
    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, dict]] = field(default_factory=list)
    """Path and headers of each request, in order."""
    awake: threading.Event = field(default_factory=threading.Event)
    """Ends all stalls when set."""

    def put(self, name: str, data: bytes, *faults: Fault, **more) -> str:
        """Serve `data`; return the URL."""
        self.pages["/" + name] = Page(data, list(faults), **more)
        return f"{self.url}/{name}"

    @property
    def ranges(self) -> list[str | None]:
        """Range header of each request."""
        return [headers.get("Range") for _, headers in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: FaultyServer

    def log_message(self, *words):
        pass

    def do_GET(self):
        faulty = self.faulty
        faulty.requests.append((self.path, dict(self.headers)))
        self.close_connection = True
        page = faulty.pages.get(self.path)
        if page is None:
            self._head(404, {"Content-Length": "0"})
            return
        fault = page.faults.pop(0) if page.faults else page.later
        if fault.status:
            self._head(fault.status, {"Content-Length": "0", **fault.headers})
            return
        status, headers, body = self._choose(page, fault)
        if fault.framing == "length":
            headers["Content-Length"] = str(len(body) + fault.length_lie)
        elif fault.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        headers |= fault.headers
        self._head(status, {k: v for k, v in headers.items() if v is not None})
        # The client may go in the middle, which is its good right.
        with suppress(OSError):
            self._body(body, fault)

    def _choose(self, page: Page, fault: Fault):
        headers = {"ETag": page.etag, "Last-Modified": page.last_modified}
        asked = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        same = condition in (None, page.etag, page.last_modified) or not fault.heed_if_range
        if not asked or not fault.ranges or not same:
            return 200, headers, page.data
        start, total = int(asked.removeprefix("bytes=").rstrip("-")), len(page.data)
        if start >= total:
            return 416, headers | {"Content-Range": f"bytes */{total}"}, b""
        told = start + fault.shift
        headers["Content-Range"] = f"bytes {told}-{total - 1}/{total}"
        return 206, headers, page.data[start:]

    def _head(self, status: int, headers: dict):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _body(self, body: bytes, fault: Fault):
        whole = fault.send is None
        body = body[: fault.send]
        for start in range(0, len(body), 1 << 16):
            piece = body[start : start + (1 << 16)]
            if fault.framing == "chunked":
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            self.wfile.write(piece)
            time.sleep(fault.slow_s)
        if fault.framing == "chunked" and whole:
            self.wfile.write(b"0\r\n\r\n")
        if whole:
            return
        if fault.end == "stall":
            self.faulty.awake.wait(20)
        if fault.end == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()


@contextmanager
def serve() -> Iterator[FaultyServer]:
    """Run the server on a free port of this machine."""

    class Handler(_Handler):
        pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass  # reset connections, on purpose

    http = Quiet(("127.0.0.1", 0), Handler)
    Handler.faulty = FaultyServer(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Handler.faulty
    finally:
        Handler.faulty.awake.set()
        http.shutdown()
        http.server_close()
        thread.join()

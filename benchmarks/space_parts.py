"""What stands between a browser and a Space, on loopback: a proxy with a sub-path, and a page in a frame."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE_BYTES = 1 << 16
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
"""Headers of one connection; http.client has taken the answer out of its chunks."""


class SpaceProxy(ThreadingHTTPServer):
    """Serves an app of loopback below a path, as a proxy that ends TLS in front of it would.

    Attributes:
        target: Port of the app; it may change while the proxy runs.
        below: The path, such as ``/spaces/me/app``; it stays in what the app is asked for.
    """

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, below: str) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.below, self.target = below, 0

    @property
    def address(self) -> str:
        """Of the app's first page."""
        return f"http://127.0.0.1:{self.server_port}{self.below}/"


class _ProxyHandler(BaseHTTPRequestHandler):
    server: SpaceProxy

    def do_GET(self) -> None:
        self._hand_on()

    def do_HEAD(self) -> None:
        self._hand_on()

    def do_POST(self) -> None:
        self._hand_on()

    def _hand_on(self) -> None:
        if not f"{self.path}/".startswith(f"{self.server.below}/"):
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        headers |= {"X-Forwarded-For": self.client_address[0], "X-Forwarded-Proto": "http"}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=120)
        try:
            connection.request(self.command, self.path, body or None, headers)
            self._pass_back(connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # the app was ended, or the browser went away
        finally:
            connection.close()

    def _pass_back(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Connection", "close")  # which ends the body: HTTP/1.0 has no chunks
        self.end_headers()
        while piece := answer.read1(PIECE_BYTES):
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class FramePage(ThreadingHTTPServer):
    """A page of another site that shows an address in a frame."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FrameHandler)
        self.html = b""

    def show(self, framed: str) -> None:
        """Have this address in the frame from now on."""
        self.html = (
            f'<!doctype html><title>Hub</title><iframe src="{framed}" width="1280" height="900"></iframe>'
        ).encode()

    @property
    def address(self) -> str:
        """By the machine's other name, which is another site to a browser."""
        return f"http://localhost:{self.server_port}"


class _FrameHandler(BaseHTTPRequestHandler):
    server: FramePage

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.server.html)))
        self.end_headers()
        self.wfile.write(self.server.html)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[None]:
    """Serve until the block ends."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()

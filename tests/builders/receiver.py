"""A real HTTP server on loopback that takes webhooks' messages, and answers as it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


class Receiver:
    """Keeps what came.

    Attributes:
        status: What it answers.
        came: Headers and bodies, the oldest first.
    """

    def __init__(self) -> None:
        self.status = 204
        self.location = ""
        self.came: list[tuple[dict[str, str], str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                receiver.came.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("location", receiver.location)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def verify(self, secret: str, number: int = -1) -> dict[str, Any]:
        """A message as the receiver's own library reads it, which checks the signature and the time."""
        headers, body = self.came[number]
        Webhook(secret).verify(body, headers)
        read: dict[str, Any] = json.loads(body)
        return read

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

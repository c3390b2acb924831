"""An OpenAI-compatible endpoint that does what a test has written down."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "the-key"
Script = Callable[["ScriptedHandler", dict[str, Any]], None]


@dataclass
class ScriptedEndpoint:
    """Runs one script a request, the last one again when they run out."""

    scripts: list[Script]
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    """Of every request, with its method before it."""
    headers: list[dict[str, str]] = field(default_factory=list)
    models: list[str] | None = field(default_factory=list)
    """What it lists; None where it has no list."""
    wants_key: bool = True
    root: str = "/v1"
    """Where it answers; a plain 404 elsewhere."""
    n_active: int = 0

    @contextmanager
    def running(self) -> Iterator[ScriptedEndpoint]:
        server = _Server(self)
        self.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, endpoint: ScriptedEndpoint) -> None:
        self.endpoint = endpoint
        super().__init__(("127.0.0.1", 0), ScriptedHandler)


class ScriptedHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        endpoint = self.server.endpoint
        if not self._is_let_in() or not self._is_at("/models"):
            return
        if endpoint.models is None:
            self.reply(404, "404 page not found", Content_Type="text/plain")
        else:
            self.reply(200, {"object": "list", "data": [{"id": model} for model in endpoint.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._is_let_in() or not self._is_at("/chat/completions"):
            return
        endpoint = self.server.endpoint
        endpoint.requests.append(body)
        endpoint.n_active += 1
        script = endpoint.scripts.pop(0) if len(endpoint.scripts) > 1 else endpoint.scripts[0]
        try:
            script(self, body)
        except ConnectionError:
            pass
        finally:
            self.close_connection = True
            endpoint.n_active -= 1

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _is_let_in(self) -> bool:
        is_open = not self.server.endpoint.wants_key
        if is_open or self.headers.get("Authorization") == f"Bearer {KEY}":
            return True
        self.reply(
            401, {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}
        )
        return False

    def _is_at(self, call: str) -> bool:
        endpoint = self.server.endpoint
        endpoint.paths.append(f"{self.command} {self.path}")
        endpoint.headers.append(dict(self.headers))
        if self.path.partition("?")[0] == endpoint.root + call:
            return True
        self.reply(404, "404 page not found", Content_Type="text/plain")
        return False

    def reply(self, status: int, document: Any, **headers: str) -> None:
        body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def open_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send(self, text: str) -> None:
        body = text.encode()
        self.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
        self.wfile.flush()

    def event(self, document: Any) -> None:
        self.send(f"data: {json.dumps(document)}\n\n")

    def text(self, text: str) -> None:
        self.event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})

    def end_answer(self, reason: str = "stop", **counts: int) -> None:
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if counts:
            self.event({"choices": [], "usage": counts})
        self.send("data: [DONE]\n\n")
        self.send("")

    def break_off(self) -> None:
        """Close the connection in the middle of a chunk, as a killed server does."""
        self.connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError


def counts_up(handler: ScriptedHandler, body: dict[str, Any]) -> None:
    """Writes numbers until ``max_tokens``, a hundred a second."""
    handler.open_stream()
    handler.send(": a comment keeps the connection alive\n\n")
    for n in range(body["max_tokens"]):
        handler.text(f"{n} ")
        time.sleep(0.01)
    handler.end_answer("length", prompt_tokens=7, completion_tokens=body["max_tokens"])


def says(*pieces: str) -> Script:
    """Writes these pieces and ends by itself."""

    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.open_stream()
        for piece in pieces:
            handler.text(piece)
        handler.end_answer(prompt_tokens=7, completion_tokens=len(pieces))

    return script


def sends(*parts: str | bytes | float, content_type: str | None = "text/event-stream") -> Script:
    """Writes these bytes as they are, waiting where there is a number of seconds; then it hangs up."""

    def script(handler: ScriptedHandler, body: dict[str, Any]) -> None:
        handler.send_response(200)
        if content_type is not None:
            handler.send_header("Content-Type", content_type)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for part in parts:
            if isinstance(part, float):
                time.sleep(part)
            else:
                handler.wfile.write(part.encode() if isinstance(part, str) else part)
                handler.wfile.flush()

    return script


def chunk(content: Any = None, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """One event's document."""
    said = delta if content is None else {"content": content, **delta}
    return {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": said, "finish_reason": finish}],
    }


def events(*documents: Any, end: str = "\n\n") -> str:
    """Documents, and texts such as ``[DONE]``, as an event stream."""
    texts = (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in documents)
    return "".join(f"data: {text}{end}" for text in texts)


def streams(*documents: Any) -> Script:
    """Sends these documents as events, and ``[DONE]``."""
    return sends(events(*documents, "[DONE]"))


def refuses(status: int, document: Any, **headers: str) -> Script:
    """Answers with an error status."""
    return lambda handler, body: handler.reply(status, document, **headers)


def is_silent(handler: ScriptedHandler, body: dict[str, Any]) -> None:
    """Takes the question and says nothing until the client goes away."""
    while handler.connection.recv(1024):
        pass


def break_off_after(*documents: Any) -> Script:
    """Sends these documents as events and hangs up."""
    return sends(events(*documents))

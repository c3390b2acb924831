"""A child process that serves a Hugging Face checkpoint as an OpenAI-compatible endpoint.

    python -m blender_ui.members.local.transformers_server FOLDER --n-context 4096

For a GPU of this machine, or a CPU where llama.cpp cannot read the model. As ``llama_server``: the
first line of standard input is the key, it prints ``{"base_url": ...}`` when it is ready, ends with
its standard input, and listens on loopback only. Answers are written one after the other; a client
that goes away ends its answer within one token. Non-goal: throughput, which vLLM and its like have.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import select
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from blender_ui.members.local.checkpoint import Checkpoint, RequestError

MAX_BODY_BYTES = 16 << 20
REQUEST_SECONDS = 30.0
NICENESS = 5


class Server(ThreadingHTTPServer):
    """Listens on a free loopback port and lets in who shows the key."""

    daemon_threads = True
    request_queue_size = 128
    """With the library's 5, connections that come at once are reset on a busy machine."""

    def __init__(self, checkpoint: Checkpoint, *, name: str, key: str) -> None:
        self.checkpoint, self.name, self.key = checkpoint, name, key
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def base_url(self) -> str:
        """Where it answers, up to and with ``/v1``."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = REQUEST_SECONDS
    _is_streaming = False

    def do_GET(self) -> None:
        if not self._is_let_in():
            return
        if self.path == "/slots":  # As llama.cpp's server has it.
            self._reply(200, [{"id": 0, "is_processing": self.server.checkpoint.is_busy}])
        elif self._is_path("/v1/models"):
            self._reply(200, {"object": "list", "data": [{"id": self.server.name, "object": "model"}]})

    def do_POST(self) -> None:
        if not self._is_let_in() or not self._is_path("/v1/chat/completions"):
            return
        try:
            ending = self.server.checkpoint.answer(self._request(), self._emit)
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": ending.finish_reason}]})
            counts = {"prompt_tokens": ending.n_prompt_tokens, "completion_tokens": ending.n_tokens}
            total = ending.n_prompt_tokens + ending.n_tokens
            self._event({"choices": [], "usage": {**counts, "total_tokens": total}})
            self._send("data: [DONE]\n\n")
        except ConnectionError:
            self.close_connection = True
        except RequestError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001  # The server's edge; the client is told.
            self._refuse(RequestError(f"{type(error).__name__}: {error}", status=500, kind="server_error"))

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing, because prompts and paths are private."""

    def _is_let_in(self) -> bool:
        shown = self.headers.get("Authorization", "")
        if hmac.compare_digest(shown.encode(), f"Bearer {self.server.key}".encode()):
            return True
        self._reply(401, RequestError("wrong or missing key", status=401, kind="authentication_error").body())
        return False

    def _is_path(self, path: str) -> bool:
        if self.path == path:
            return True
        self._reply(404, RequestError(f"there is no {self.path}", status=404, kind="not_found_error").body())
        return False

    def _request(self) -> Mapping[str, Any]:
        try:
            size = int(self.headers.get("Content-Length", ""))
            if size > MAX_BODY_BYTES:
                raise RequestError(f"expected at most {MAX_BODY_BYTES} bytes, came {size}", status=413)
            document = json.loads(self.rfile.read(size))
        except ValueError as error:
            raise RequestError(f"expected a JSON body with its length: {error}") from error
        if not isinstance(document, dict) or document.get("stream") is not True:
            raise RequestError("expected a JSON object with stream true; answers are only streamed here")
        return document

    def _emit(self, text: str) -> None:
        if self._has_gone():
            raise ConnectionAbortedError("the client has closed the connection")
        if text:
            self._event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})

    def _has_gone(self) -> bool:
        # The request was read whole, so what is readable now is the connection's end.
        if not select.select([self.connection], [], [], 0)[0]:
            return False
        first: bytes = self.connection.recv(1, socket.MSG_PEEK)
        return not first

    def _refuse(self, error: RequestError) -> None:
        if self._is_streaming:
            self._event(error.body())
        else:
            self._reply(error.status, error.body())

    def _event(self, document: Mapping[str, Any]) -> None:
        event = {"object": "chat.completion.chunk", "model": self.server.name, **document}
        self._send(f"data: {json.dumps(event)}\n\n")

    def _send(self, text: str) -> None:
        if not self._is_streaming:
            self._is_streaming = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()

    def _reply(self, status: int, document: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a checkpoint's folder, or a hub's repository")
    parser.add_argument("--n-context", type=int, default=4096, help="tokens of prompt and answer together")
    options = parser.parse_args()
    key = sys.stdin.readline().strip()
    if not key:
        parser.error("expected the key on the first line of standard input")
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    os.nice(NICENESS)  # The pages answer a vote before an answer goes on.
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    checkpoint = Checkpoint(options.model, n_context=options.n_context)
    server = Server(checkpoint, name=options.model, key=key)
    print(json.dumps({"base_url": server.base_url}), flush=True)
    server.serve_forever()


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()

"""A hub on loopback that speaks what its client asks for, and knows one data set, ``a/set``."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHA = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "README.md": b"# A set",
    "data/train.jsonl": json.dumps({"prompt": "Why?", "chosen": "A.", "rejected": "B."}).encode(),
    "extra/test.jsonl": json.dumps({"prompt": "How?", "chosen": "A.", "rejected": "B."}).encode(),
}


class ScriptedHub(BaseHTTPRequestHandler):
    """Knows one data set."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.split("?")[0]
        name = path.removeprefix(f"/datasets/a/set/resolve/{SHA}/")
        if path.startswith("/api/datasets/a/set/tree/"):
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": str(hash(name))}
                for name, content in FILES.items()
            ]
            self._send(json.dumps(tree).encode(), {"Content-Type": "application/json"}, with_body)
        elif path.startswith("/api/datasets/a/set"):
            files = [{"rfilename": name} for name in FILES]
            told = {
                "id": "a/set",
                "sha": SHA,
                "siblings": files,
                "private": False,
                "tags": [],
                "downloads": 0,
            }
            self._send(json.dumps(told).encode(), {"Content-Type": "application/json"}, with_body)
        elif name in FILES:
            self._send(FILES[name], {"ETag": f'"{abs(hash(name)):x}"', "X-Repo-Commit": SHA}, with_body)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, body: bytes, headers: dict[str, str], with_body: bool) -> None:
        self.send_response(200)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_hub() -> Iterator[str]:
    """Its address, while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), ScriptedHub)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()

"""A hub on loopback that speaks what the hub's own client asks for: repositories, commits, large files.

For tests and benchmarks alone. Repositories are kept in memory; who writes, or reads a private one, must
bring ``TOKEN``. It begins with one public data set, ``a/set``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

TOKEN = "hf_scripted"
MOST_REGULAR_BYTES = 1 << 20
FILES = {
    "README.md": b"# A set",
    "data/train.jsonl": json.dumps({"prompt": "Why?", "chosen": "A.", "rejected": "B."}).encode(),
    "extra/test.jsonl": json.dumps({"prompt": "How?", "chosen": "A.", "rejected": "B."}).encode(),
}
_API = re.compile(r"/api/(?P<kind>model|dataset)s/(?P<name>[^/]+/[^/]+)(?P<rest>/.*)?")
_FILE = re.compile(r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_LARGE = re.compile(r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch")


@dataclass
class ScriptedRepository:
    """One repository, at its newest commit."""

    files: dict[str, bytes]
    is_private: bool = False
    n_commits: int = 1
    messages: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The newest commit's id."""
        return hashlib.sha1(str(self.n_commits).encode()).hexdigest()


class ScriptedHub(ThreadingHTTPServer):
    """What is on it, by kind and name, and whether it is up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = {("dataset", "a/set"): ScriptedRepository(dict(FILES))}
        self.large: dict[str, bytes] = {}
        self.is_down = False
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        """For ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self._body = self._read_body()
        path = unquote(self.path.split("?")[0])
        with self.server.lock:
            if self.server.is_down:
                self._tell({"error": "It is down"}, status=403)  # the client tries again at others
            elif path == "/api/repos/create":
                self._create()
            elif path == "/api/validate-yaml":
                self._tell({"warnings": [], "errors": []})
            elif path.startswith("/large/"):
                self.server.large[path.removeprefix("/large/")] = self._body
                self._tell({})
            elif found := _LARGE.fullmatch(path):
                self._promise_large(_kind(found))
            elif found := _API.fullmatch(path):
                self._answer_api(found["kind"], found["name"], found["rest"] or "")
            elif found := _FILE.fullmatch(path):
                self._send_file(_kind(found), found["name"], found["file"])
            else:
                self._tell({"error": "no such route"}, status=404)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while length := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _create(self) -> None:
        if not self._is_signed_in():
            return self._tell({"error": "Invalid username or password."}, status=401)
        told = json.loads(self._body)
        key = (told.get("type") or "model", f"{told['organization']}/{told['name']}")
        if key in self.server.repositories:
            told = {"error": "You already created this repo", "url": f"{self.server.address}/{key[1]}"}
            return self._tell(told, status=409)
        is_private = told.get("visibility") == "private" or bool(told.get("private"))
        self.server.repositories[key] = ScriptedRepository({}, is_private)
        self._tell({"url": f"{self.server.address}/{key[1]}", "id": key[1]})

    def _promise_large(self, kind: str) -> None:
        if not self._is_signed_in():
            return self._tell({"error": "Invalid username or password."}, status=401)
        objects = [
            {
                "oid": one["oid"],
                "size": one["size"],
                "actions": {"upload": {"href": f"{self.server.address}/large/{one['oid']}"}},
            }
            for one in json.loads(self._body)["objects"]
        ]
        self._tell({"transfer": "basic", "objects": objects})

    def _answer_api(self, kind: str, name: str, rest: str) -> None:
        repository = self._find(kind, name)
        if repository is None:
            return self._refuse_repository()
        if self.command == "POST" and not self._is_signed_in():
            return self._tell({"error": "Invalid username or password."}, status=401)
        if rest.startswith("/preupload/"):
            files = [
                {"path": one["path"], "uploadMode": _mode_of(one), "shouldIgnore": False}
                for one in json.loads(self._body)["files"]
            ]
            self._tell({"files": files})
        elif rest.startswith("/commit/"):
            self._commit(repository, f"{self.server.address}/{'datasets/' * (kind == 'dataset')}{name}")
        elif rest.startswith("/tree/"):
            self._tell(
                [
                    {"type": "file", "path": file, "size": len(content), "oid": _oid(content)}
                    for file, content in repository.files.items()
                ]
            )
        else:
            told: dict[str, Any] = {"id": name, "sha": repository.head, "private": repository.is_private}
            siblings = [{"rfilename": file} for file in repository.files]
            self._tell(told | {"siblings": siblings, "tags": [], "downloads": 0})

    def _commit(self, repository: ScriptedRepository, url: str) -> None:
        lines = [json.loads(line) for line in self._body.splitlines()]
        files = dict(repository.files)
        for line in lines:
            value = line["value"]
            match line["key"]:
                case "header":
                    repository.messages.append(value["summary"])
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.server.large[value["oid"]]
                case "deletedFile":
                    if files.pop(value["path"], None) is None:
                        return self._tell({"error": "A file with this name doesn't exist"}, status=404)
        repository.files = files
        repository.n_commits += 1
        url = f"{url}/commit/{repository.head}"
        self._tell({"success": True, "commitOid": repository.head, "commitUrl": url})

    def _send_file(self, kind: str, name: str, file: str) -> None:
        repository = self._find(kind, name)
        if repository is None:
            return self._refuse_repository()
        if file not in repository.files:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        content = repository.files[file]
        self._send(200, content, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": repository.head})

    def _find(self, kind: str, name: str) -> ScriptedRepository | None:
        found = self.server.repositories.get((kind, name))
        return None if found is not None and found.is_private and not self._is_signed_in() else found

    def _is_signed_in(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _refuse_repository(self) -> None:
        self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _tell(self, told: object, *, status: int = 200) -> None:
        self._send(status, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _kind(found: re.Match[str]) -> str:
    return "dataset" if found["kind"] else "model"


def _oid(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _mode_of(file: dict[str, Any]) -> str:
    """As the hub decides: large for what is long, or is no text."""
    is_text = b"\0" not in base64.b64decode(file["sample"])
    return "regular" if is_text and file["size"] <= MOST_REGULAR_BYTES else "lfs"


@contextmanager
def running_hub() -> Iterator[ScriptedHub]:
    """The hub, while it runs."""
    server = ScriptedHub()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()

"""A data set by its name, from a hub on loopback that speaks what its client asks for."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.exchange import read_file
from blender_ui.exchange.hub import fetch_dataset, is_dataset_name

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


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), ScriptedHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_data_set_is_read_by_its_name_and_so_is_a_part_of_it(hub: str) -> None:
    assert {record.prompt for record in read_file(fetch_dataset("a/set", endpoint=hub))} == {"Why?", "How?"}
    (record,) = read_file(fetch_dataset("a/set/extra", endpoint=hub))
    assert record.prompt == "How?"


def test_a_name_that_the_hub_does_not_know_is_a_sentence(hub: str) -> None:
    with pytest.raises(MalformedInput, match="there is no file b/none, and no data set of that name"):
        fetch_dataset("b/none", endpoint=hub)


def test_no_hub_at_all_is_a_sentence(hub: str) -> None:
    with pytest.raises(MalformedInput, match="if no hub can be reached, download its files"):
        fetch_dataset("a/set", endpoint="http://127.0.0.1:9")


def test_only_a_name_that_is_no_file_is_a_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "set").write_text("")
    assert not is_dataset_name(Path("a/set"))
    assert not is_dataset_name(tmp_path / "b" / "set")
    assert not is_dataset_name(Path("missing.jsonl"))
    assert not is_dataset_name(Path("folder/missing.jsonl"))
    assert is_dataset_name(Path("owner/a-set.v1"))

"""Gradio's own routes over real HTTP: what strangers and each role can do with files, and what is closed."""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from gradio.routes import App
from gradio_client import Client, handle_file

from blender_ui.services.people.accounts import MOST_FAILURES_FROM
from blender_ui.ui.app import build_app
from blender_ui.ui.identity import KEY_HEADER
from blender_ui.ui.serving.gate import MOST_BYTES, find_rule
from blender_ui.ui.serving.server import OPEN_FILES
from blender_ui.ui.serving.web import open_pages
from db.models import Role
from tests.builders.people import PASSWORD
from tests.builders.stores import key_of
from tests.ui.scripted_services import build_scripted_services

CLOSED = {
    "/gradio_api/component_server", "/gradio_api/component_server/",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/gradio_api/deep_link", "/gradio_api/dev/reload", "/gradio_api/file/{path:path}",
    "/gradio_api/process_recording", "/gradio_api/proxy={url_path:path}",
    "/gradio_api/run-history/connect", "/gradio_api/run-history/buckets", "/gradio_api/run-history/records",
    "/gradio_api/run-history/records/{endpoint}/{record_id}/assets/{asset_id}",
    "/gradio_api/runs", "/gradio_api/runs/", "/gradio_api/stream/{event_id}",
    "/gradio_api/stream/{event_id}/close",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/gradio_api/token", "/gradio_api/token/", "/gradio_api/undo-vibe-edit", "/gradio_api/undo-vibe-edit/",
    "/gradio_api/vibe-code", "/gradio_api/vibe-code/", "/gradio_api/vibe-edit", "/gradio_api/vibe-edit/",
    "/gradio_api/vibe-starter-queries", "/gradio_api/vibe-starter-queries/",
    "/monitoring", "/monitoring/summary", "/monitoring/{key}", "/svelte/{path:path}",
}  # fmt: skip
FOR_RESEARCHERS = {
    "/gradio_api/upload", "/gradio_api/upload_progress", "/gradio_api/file={path_or_url:path}",
}  # fmt: skip


class House:
    """The app where people sign in, served on loopback, and a token of each role."""

    def __init__(self, folder: Path) -> None:
        self.services = build_scripted_services(folder, access_mode="accounts")
        self.app = build_app(self.services)
        self.url = open_pages(self.app, replace(self.services.settings, port=0))
        self.tokens = {role: self._sign_in(role) for role in Role}

    def _sign_in(self, role: Role) -> str:
        self.services.accounts.add(username=role.value, password=PASSWORD, role=role, by=None)
        return str(self.services.accounts.sign_in(username=role.value, password=PASSWORD).token)

    def ask(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {} if key is None else {KEY_HEADER: key}
        return httpx.request(method, self.url.rstrip("/") + path, headers=headers, timeout=30, **options)

    def upload(self, key: str | None) -> httpx.Response:
        return self.ask("POST", "/gradio_api/upload", key=key, files={"files": ("a.csv", b"a,b")})

    def close(self) -> None:
        self.app.close(verbose=False)
        self.services.engine.dispose()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.close()


def test_somebody_has_said_of_every_route_of_gradio_who_may_ask_it(house: House) -> None:
    found = {context.path for context in iter_route_contexts(App.create_app(house.app).routes)}
    said = {str(path): find_rule(str(path)) for path in found}
    assert {path for path, rule in said.items() if rule is None} == CLOSED & said.keys()
    assert {path for path, rule in said.items() if rule and rule.role} == FOR_RESEARCHERS
    assert len(found) > 80


@pytest.mark.parametrize("key", [None, "short", key_of(1)])
def test_a_stranger_neither_sends_nor_fetches_a_file(house: House, key: str | None) -> None:
    there = house.upload(house.tokens[Role.RESEARCHER]).json()[0]
    before = len(house.app.upload_file_set)
    for refused in (house.upload(key), house.ask("GET", f"/gradio_api/file={there}", key=key)):
        assert refused.status_code == 401
        assert "not signed in" in refused.json()["error"]
    assert len(house.app.upload_file_set) == before


def test_a_file_is_for_researchers_and_above(house: House) -> None:
    tokens = house.tokens
    assert house.upload(tokens[Role.ANNOTATOR]).status_code == 403
    (there,) = house.upload(tokens[Role.RESEARCHER]).json()
    address = f"/gradio_api/file={there}"
    assert (
        "needs the role researcher" in house.ask("GET", address, key=tokens[Role.ANNOTATOR]).json()["error"]
    )
    assert house.ask("GET", address, key=tokens[Role.ADMIN]).content == b"a,b"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/file=https://example.com/"),
        ("GET", "/gradio_api/file=HTTP://127.0.0.1/"),
        ("GET", "/gradio_api/proxy=https://example.hf.space/"),
        ("GET", "/gradio_api/file/a.csv"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/stream/1/close"),
        ("GET", "/gradio_api/deep_link?session_hash=label"),
        ("GET", "/gradio_api/dev/reload"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/gradio_api/a_route_of_tomorrow"),
    ],
)
def test_what_the_app_does_not_use_is_closed_even_for_an_admin(house: House, method: str, path: str) -> None:
    answer = house.ask(method, path, key=house.tokens[Role.ADMIN])
    assert (answer.status_code, answer.json()) == (404, {"error": "There is nothing at this address."})


def test_what_a_session_remembers_of_one_person_is_given_to_nobody(house: House) -> None:
    # Gradio keeps the last inputs of a session, and a deep link would show them to whoever names it.
    sent = {"data": ["admin", PASSWORD], "session_hash": "label"}
    assert "token" in house.ask("POST", "/gradio_api/run/account_sign_in", json=sent).text
    link = house.ask("GET", "/gradio_api/deep_link?session_hash=label")
    assert link.status_code == 404
    shown = house.ask("GET", f"/config?deep_link={link.text}").text
    assert PASSWORD not in shown


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_no_file_has_an_end(house: House, declared: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(MOST_BYTES // 2**20 + 1):
            yield b"x" * 2**20

    content = b"x" * (MOST_BYTES + 1) if declared else pieces()
    path = "/gradio_api/run/account_me"
    assert house.ask("POST", path, content=content).status_code == 413
    body = {"data": ["y" * 2**20]}
    for key, status in ((None, 413), (key_of(1), 413), (house.tokens[Role.ANNOTATOR], 200)):
        assert house.ask("POST", path, json=body, key=key).status_code == status
    assert house.ask("POST", path, json={"data": ["y" * 10_000]}).status_code == 200


@contextmanager
def half_a_call(house: House) -> Iterator[socket.socket]:
    """A stranger's call, of which the last byte does not come."""
    address = urlsplit(house.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as sender:
        sender.sendall(
            b"POST /gradio_api/run/account_me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n"
            b'{"data": ["x"]'
        )
        yield sender


def test_a_body_that_does_not_come_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blender_ui.ui.serving.gate.BODY_SECONDS", 0.2)
    with half_a_call(house) as sender:
        assert sender.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert house.ask("POST", "/gradio_api/run/account_me", json={"data": ["x"]}).status_code == 200


def test_a_sender_who_is_gone_in_the_middle_leaves_nothing_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with half_a_call(house) as sender:
        sender.sendall(b"")
    for _ in range(20):  # what comes later is answered when that one was given up
        house.ask("POST", "/gradio_api/run/account_me", json={"data": ["x"]})
    assert [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"] == []


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
def test_a_connection_that_asks_for_nothing_is_closed(
    house: House, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("blender_ui.ui.serving.server.HEAD_SECONDS", 0.2)
    address = urlsplit(house.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as idle:
        idle.sendall(sent)
        assert idle.recv(1) == b""
    with socket.create_connection((address.hostname, address.port), timeout=30) as asking:
        asking.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asking.recv(15) == b"HTTP/1.1 200 OK"


def test_who_guesses_passwords_for_many_names_waits_whatever_address_they_say_they_have(house: House) -> None:
    said = []
    for number in range(MOST_FAILURES_FROM + 1):
        data = {"data": [f"nobody-{number}", "a guess of mine"]}
        forwarded = {KEY_HEADER: key_of(1), "x-forwarded-for": f"10.0.0.{number}"}
        response = httpx.post(f"{house.url}gradio_api/run/account_sign_in", json=data, headers=forwarded)
        said.append(response.json()["data"][0]["error"])
    assert "No account has this name" in said[-2]
    assert "Try again in 10 minutes" in said[-1]
    old = ["a guess of mine", "another password"]
    changed = house.ask(
        "POST",
        "/gradio_api/run/account_password",
        json={"data": [house.tokens[Role.RESEARCHER], *old]},
        key=house.tokens[Role.RESEARCHER],
    )
    assert "Try again in" in changed.json()["data"][0]["error"]


def test_as_many_files_as_the_system_allows_may_be_open() -> None:
    script = (
        "import resource; from blender_ui.ui.serving.server import allow_files;"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE);"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)); allow_files();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert int(told.stdout) == (OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard))


def test_inputs_are_not_read_for_somebody_who_may_not_call_the_handler(house: House) -> None:
    # Gradio would open the file, or fetch the address, before it calls the handler.
    for path in ("/etc/hostname", "https://example.com/"):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        data = [file, *[None] * 20]  # at least as many as the endpoint has
        answer = house.ask("POST", "/gradio_api/run/data_import_file", json={"data": data})
        assert "not signed in" in answer.json()["error"]
    admin = house.ask(
        "POST",
        "/gradio_api/run/data_import_file",
        json={"data": [{"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}, *[None] * 20]},
        key=house.tokens[Role.ADMIN],
    )
    assert admin.status_code == 500, "nor is a file that nobody sent read for an admin"


def test_the_python_client_of_a_researcher_sends_and_fetches_files(house: House, tmp_path: Path) -> None:
    record = {
        "id": "1", "source": "a-set", "prompt": "Why?",
        "candidates": [{"model": "a", "text": "So."}, {"model": "b", "text": "No."}],
        "labels": [{"annotator": "ada", "a": 0, "b": 1, "winner": "a", "kind": "human"}],
    }  # fmt: skip
    sent = tmp_path / "in.jsonl"
    sent.write_text(json.dumps(record))
    client = Client(house.url, headers={KEY_HEADER: house.tokens[Role.RESEARCHER]}, verbose=False)
    report = client.predict(path=handle_file(str(sent)), api_name="/data_import_file")
    assert report["n_preferences"] == 1
    fetched = client.predict(format="dpo", api_name="/data_export_file")
    assert json.loads(Path(fetched).read_text())["chosen"] == [{"role": "assistant", "content": "So."}]

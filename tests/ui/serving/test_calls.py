"""Who gets a Gradio session: over the whole web app, whoever may call a handler and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from blender_ui.faults import keep_log
from blender_ui.ui.app import BUILDERS, INSPECT, build_app
from blender_ui.ui.identity import KEY_HEADER
from blender_ui.ui.inspecting.decisions.handlers import InspectHandlers
from blender_ui.ui.serving.calls import MALFORMED, NAMES_A_FILE, SHARED_SESSION
from blender_ui.ui.serving.guard import MOST_SESSIONS, OUTDATED
from blender_ui.ui.serving.web import build_web
from db.models import Role
from tests.builders.people import PASSWORD
from tests.builders.stores import key_of
from tests.ui.scripted_services import build_scripted_services

WAYS = ("run/{}", "api/{}", "run/{}/", "call/{}", "call/v2/{}", "queue/join")


class House:
    """The web app where people sign in, a researcher's key, and the sessions that Gradio keeps."""

    def __init__(self, folder: Path, mode: str, *, builders: Any = BUILDERS) -> None:
        services = build_scripted_services(folder, access_mode=mode)
        self.app = build_app(services, builders=builders)
        self.client = TestClient(build_web(self.app, services.settings), base_url="http://localhost")
        services.accounts.add(username="ada", password=PASSWORD, role=Role.RESEARCHER, by=None)
        self.key = services.accounts.sign_in(username="ada", password=PASSWORD).token
        self.numbers = {str(fn.api_name): number for number, fn in self.app.fns.items()}

    def post(self, path: str, body: Any, key: str | None = None) -> Any:
        return self.client.post(f"/gradio_api/{path}", json=body, headers={KEY_HEADER: key} if key else {})

    def call(self, way: str, endpoint: str, session: str, key: str | None = None, *data: object) -> Any:
        body: dict[str, Any] = {"data": list(data), "session_hash": session}
        if way == "queue/join":
            body["fn_index"] = self.numbers[endpoint]
        return self.post(way.format(endpoint), {} if "v2" in way else body, key)

    @property
    def sessions(self) -> set[str]:
        return set(self.app.state_holder.session_data) - {SHARED_SESSION}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"), "accounts")
    with house.client:
        yield house


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", [None, "short", key_of(1)])
@pytest.mark.parametrize(
    "endpoint", ["inspect_open", "blend_open", "people_open", "label_open", "account_me"]
)
def test_a_stranger_gets_no_session_however_a_handler_is_called(
    house: House, way: str, key: str | None, endpoint: str
) -> None:
    before = house.sessions
    answer = house.call(way, endpoint, f"{way} {key} {endpoint}", key, key_of(1))
    is_let_in = endpoint in ("label_open", "account_me") and way.startswith(("run", "api"))
    if not is_let_in:
        assert answer.status_code == 401
        assert "not signed in" in answer.json()["error"]
    assert house.sessions == before


def test_a_call_names_its_endpoint_once(house: House) -> None:
    """Gradio goes by the number where there is one, so the role is that of the number."""
    before, number = house.sessions, house.numbers["people_open"]
    body = {"data": [], "session_hash": "x", "fn_index": number}
    assert house.post("run/account_me", body).status_code == 401
    for odd in (str(number), float(number), True, [number], 10**6, -1):
        assert house.post("run/account_me", body | {"fn_index": odd}, house.key).status_code == 404
    assert house.sessions == before


@pytest.mark.parametrize("body", ["no object", [1], None, 3])
def test_what_is_no_call_is_told_so(house: House, body: object) -> None:
    for path in ("run/account_me", "queue/join", "call/account_me", "run/no_such_endpoint"):
        assert house.post(path, body).status_code == 404
    assert house.client.post("/gradio_api/run/account_me", content=b"{").status_code == 404


@pytest.mark.parametrize("path", ["run/account_me", "queue/join", "call/account_me", "call/v2/account_me"])
@pytest.mark.parametrize("n", [60, 900, 100_000])
def test_brackets_without_end_are_refused(house: House, path: str, n: int) -> None:
    number = house.numbers["account_me"]
    body = b'{"data": [%b%b], "fn_index": %d}' % (b"[" * n, b"]" * n, number)
    answer = house.client.post(f"/gradio_api/{path}", content=body, headers={KEY_HEADER: house.key})
    assert (answer.status_code, bool(answer.json()["error"])) in ((404, True), (422, True))


def test_gradio_reads_of_a_call_what_a_page_says_and_no_more(house: House) -> None:
    """A batch would come to the handlers as a list of requests, and a token as one from the hub."""
    more = {
        "batched": True,
        "simple_format": True,
        "oauth_token": "x",
        "request": {},
        "batch_trigger_ids": [1],
    }
    for name, data in (("account_me", [house.key]), ("inspect_open", [None])):
        told = house.post(f"run/{name}", {"data": data, "session_hash": "more", **more}, house.key)
        assert told.status_code == 200, told.text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ["label_open", "blend_open", "data_import_file"])
def test_no_call_has_a_file_or_another_address_opened(
    house: House, way: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gradio takes what looks like one of its files for a file in every input, whatever the input is."""

    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("an address was fetched for somebody's call")

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", fetch)
    for path in ("https://example.com/large", "HTTP://example.com", "ftp://example.com"):
        file = {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}
        for value in (file, [file], {"a": [{"b": file}]}, file | {"meta": "no object"}):
            body: dict[str, Any] = {"data": [value] * 20, "key": value, "session_hash": "files"}
            if way == "queue/join":
                body["fn_index"] = house.numbers[endpoint]
            told = house.post(way.format(endpoint), body, house.key)
            assert (told.status_code, told.json()["error"]) == (422, NAMES_A_FILE)


@pytest.mark.parametrize("data", [(), (None, None)])
@pytest.mark.parametrize("way", ["run/{}", "api/{}", "call/{}", "queue/join"])
def test_a_call_with_fewer_inputs_than_the_endpoint_has_is_told_so(
    house: House, way: str, data: tuple[object, ...]
) -> None:
    answer = house.call(way, "blend_go_on", "short", house.key, *data)
    assert (answer.status_code, answer.json()["error"]) == (422, MALFORMED)


def test_a_choice_that_a_session_was_never_offered_asks_for_a_reload(house: House) -> None:
    """So it comes from a page that was open while the app was started anew."""
    answer = house.call("run/{}", "blend_go_on", "old tab", house.key, None, {}, "77", "And then?")
    assert answer.json()["error"] == OUTDATED


def test_an_unforeseen_error_in_the_queue_names_its_own_request(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not the one that began the queue, or that fetches the answer."""
    keep_log(tmp_path / "faults.log")
    monkeypatch.setattr(InspectHandlers, "find_prompts", lambda *_: 1 / 0)
    path, headers = "/gradio_api/call/inspect_search", {KEY_HEADER: house.key}
    for name in ("the-first", "the-second"):
        sent = headers | {"x-request-id": name}
        called = house.client.post(path, json={"data": ["word"]}, headers=sent)
        asked = headers | {"x-request-id": "another"}
        told = house.client.get(f"{path}/{called.json()['event_id']}", headers=asked)
        assert f"details under {name}" in told.text
    found = re.findall(r"fault (\S+)", (tmp_path / "faults.log").read_text())
    assert found == ["the-first", "the-second"]


def test_a_person_who_may_call_has_their_own_session(house: House) -> None:
    assert house.call("run/{}", "inspect_open", "mine", house.key).status_code == 200
    assert "mine" in house.sessions


def test_a_password_needs_no_session_and_is_in_none(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a session was made, in the event loop, for somebody who only signs in")

    with monkeypatch.context() as patch:
        patch.setattr("gradio.state_holder.SessionState.__init__", refuse)
        for way in ("run/{}", "api/{}", "call/{}", "queue/join"):
            signed_in = house.call(way, "account_sign_in", "a new one", None, "ada", PASSWORD)
            assert signed_in.json()["data"][0]["token"]
        wrong = house.call("run/{}", "account_sign_in", "a new one", None, "ada", "a wrong one")
        assert "No account has this name" in wrong.json()["data"][0]["error"]
        short = house.post("run/account_sign_in", {"data": ["ada"]})
        assert (short.status_code, "list of the endpoint's inputs" in short.json()["error"]) == (422, True)
    house.call("run/{}", "account_me", "", None, house.key)
    kept = house.app.state_holder.session_data.values()
    assert kept
    assert not any(PASSWORD in repr(session.config_values) for session in kept)


def test_what_people_without_accounts_may_call_keeps_a_bounded_number_of_sessions(tmp_path: Path) -> None:
    demo = House(tmp_path, "demo", builders={INSPECT: BUILDERS[INSPECT]})
    with demo.client:
        assert demo.app.state_holder.capacity == MOST_SESSIONS
        demo.app.state_holder.capacity = 3
        for number in range(6):
            assert demo.call("run/{}", "inspect_open", f"tab {number}").status_code == 200
        assert len(demo.app.state_holder.session_data) == 3

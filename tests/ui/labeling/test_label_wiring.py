"""What a plain POST can do, and what the pages' listeners are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.exc import ProgrammingError

from blender_ui.errors import StorageError
from blender_ui.settings import Settings
from blender_ui.ui.app import build_app
from blender_ui.ui.serving.web import build_web
from tests.builders.stores import add_prompts, key_of
from tests.ui.scripted_services import build_scripted_services

KEY, OTHER = key_of(1), key_of(2)
Call = Callable[..., Any]
PAGES = ("label", "leaderboard", "train", "inspect", "quality", "data", "projects", "people", "account")
TABS = {"inspect": ("what_if", "version", "contrast", "members", "choosing")}
"""Tabs whose listeners have names of their own."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    services = build_scripted_services(tmp_path_factory.mktemp("home"))
    for prompt_id in add_prompts(services.engine, n_prompts=20):
        services.labeling.queue_prompt(prompt_id=prompt_id)
    built = build_app(services)
    built.services = services
    return built


@pytest.fixture(scope="module")
def client(app: Any) -> TestClient:
    return TestClient(build_web(app, Settings()), base_url="http://localhost")


@pytest.fixture(scope="module")
def call(client: TestClient) -> Call:
    """Posts to an endpoint; what only an escape in JSON can spell travels, too."""

    def post(endpoint: str, *data: object) -> Any:
        response = client.post(
            f"/gradio_api/run/{endpoint}",
            content=json.dumps({"data": list(data)}),
            headers={"Content-Type": "application/json"},
        )
        assert response.status_code == 200, response.text
        return response.json()["data"][0]

    return post


def test_a_vote_and_the_next_pair_are_one_round_trip(call: Call) -> None:
    lease_id = call("label_open", KEY, None)["turn"]["pair"]["lease_id"]
    turn = call("label_vote", KEY, {"lease_id": lease_id, "outcome": "tie", "token": "t"})
    assert turn["reveal"]["outcome"] == "tie"
    assert turn["pair"]["lease_id"] != lease_id


def test_a_post_with_anothers_lease_votes_on_nothing(call: Call) -> None:
    lease_id = call("label_open", KEY, None)["turn"]["pair"]["lease_id"]
    turn = call("label_vote", OTHER, {"lease_id": lease_id, "outcome": "left", "token": "x"})
    assert turn["reveal"] is None
    assert turn["notice"].startswith("Not counted")
    assert call("label_open", KEY, None)["turn"]["pair"]["lease_id"] == lease_id


@pytest.mark.parametrize(
    ("endpoint", "data"),
    [
        ("label_open", [None, None]),
        ("label_open", ["short", None]),
        ("label_vote", [KEY, {"lease_id": 1}]),
        ("label_vote", [KEY, "left"]),
        ("label_skip", [KEY, "1", None]),
        ("label_rename", [KEY, " "]),
        ("label_keep", [None, 1]),
    ],
)
def test_a_post_of_another_form_gets_a_sentence(call: Call, endpoint: str, data: list[object]) -> None:
    assert set(call(endpoint, *data)) == {"error"}


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d"])
def test_a_text_that_no_database_keeps_is_refused_for_good(call: Call, text: str) -> None:
    lease_id = call("label_open", KEY, None)["turn"]["pair"]["lease_id"]
    vote = {"lease_id": lease_id, "outcome": "tie", "token": "unfit"}
    for sent in (
        {"reason": text},
        {"spans": [{"text": text}]},
        {"criteria": {text: "left"}},
        {"token": text},
    ):
        assert set(call("label_vote", KEY, vote | sent)) == {"error"}
    assert set(call("label_rename", KEY, text)) == {"error"}
    assert set(call("label_open", KEY + text, None)) == {"error"}
    assert call("label_open", KEY, None)["turn"]["pair"]["lease_id"] == lease_id


@pytest.mark.parametrize("number", [10**30, -(10**30), 2**63, 1e30, 10**400])
@pytest.mark.parametrize(
    ("endpoint", "data"),
    [
        ("label_vote", [KEY, {"lease_id": "N", "outcome": "left", "token": "n"}]),
        ("label_vote", [KEY, {"lease_id": 1, "outcome": "left", "token": "n", "shown": "N"}]),
        ("label_vote", [KEY, {"lease_id": 1, "outcome": "left", "token": "n", "seconds": "N"}]),
        ("label_vote", [KEY, {"lease_id": 1, "outcome": "left", "token": "n", "project_id": "N"}]),
        ("label_open", [KEY, "N"]),
        ("label_ahead", [KEY, "N", 1]),
        ("label_ahead", [KEY, 1, "N"]),
        ("label_skip", [KEY, "N", None]),
        ("label_undo", [KEY, "N"]),
        ("label_keep", [KEY, "N"]),
        ("label_progress", [KEY, "N"]),
        ("label_mine", [KEY, "N", None]),
        ("label_mine", [KEY, 1, "N"]),
        ("label_relabel", [KEY, "N", "left", "t"]),
    ],
)
def test_a_number_that_no_database_holds_is_refused_for_good(
    call: Call, endpoint: str, data: list[Any], number: float
) -> None:
    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: put(one) for name, one in value.items()}
        return number if value == "N" else value

    assert set(call(endpoint, *[put(value) for value in data])) == {"error"}


def test_a_database_that_fails_is_no_reason_to_give_a_vote_up(app: Any, call: Call) -> None:
    lease_id = call("label_open", KEY, None)["turn"]["pair"]["lease_id"]
    vote = {"lease_id": lease_id, "outcome": "left", "token": "later"}
    engine = app.services.engine
    event.listen(engine, "before_cursor_execute", break_down)
    try:
        said = call("label_vote", KEY, vote)
    finally:
        event.remove(engine, "before_cursor_execute", break_down)
    assert set(said) == {"error", "try_again"}
    assert said["error"].startswith("the disk of the database is full")
    assert call("label_vote", KEY, vote)["reveal"]["outcome"] == "left"


def break_down(*_: object) -> None:
    """What ``store`` makes of SQLite's and PostgreSQL's word for a full disk."""
    raise StorageError("the disk of the database is full. Make room there, then try again")


@pytest.mark.parametrize("endpoint", ["label_progress", "inspect_search"])
def test_a_fault_of_the_program_is_an_id_and_no_sql(app: Any, client: TestClient, endpoint: str) -> None:
    def fail(*_: object) -> None:
        raise ProgrammingError("SELECT secret FROM person", {}, Exception("no such column"))

    engine = app.services.engine
    event.listen(engine, "before_cursor_execute", fail)
    try:
        data = [KEY, 1] if endpoint == "label_progress" else ["word"]
        response = client.post(f"/gradio_api/run/{endpoint}", json={"data": data})
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert "faults.log" in response.text
    assert "SELECT" not in response.text


def test_a_pair_travels_without_names(call: Call) -> None:
    pair = call("label_open", OTHER, None)["turn"]["pair"]
    assert set(pair) == {"lease_id", "history", "instruction", "input", "left", "right", "is_practice"}


@pytest.mark.parametrize("page", PAGES)
def test_every_listener_of_a_page_has_its_name(app: Any, page: str) -> None:
    listeners = [fn for fn in app.fns.values() if fn.page == page and fn.fn is not None]
    assert listeners
    names = [fn.api_name for fn in listeners]
    prefixes = tuple(f"{prefix}_" for prefix in (page, *TABS.get(page, ())))
    assert all(str(name).startswith(prefixes) for name in names)
    assert len(set(names)) == len(names)


def test_only_what_may_take_long_waits_in_the_queue(app: Any) -> None:
    queued = {
        fn.api_name
        for fn in app.fns.values()
        if fn.page in PAGES and fn.fn is not None and fn.queue is not False
    }
    of_models = {
        "inspect_rank",
        "inspect_colour",
        "inspect_edit",
        "what_if_compare",
        "what_if_sentences",
        "what_if_tokens",
    }
    of_versions = {f"version_{step}" for step in ("open", "tab", "choose", "extend")}
    of_two_versions = {f"contrast_{step}" for step in ("open", "tab", "choose", "promote")}
    of_files = {"data_import", "data_export", "data_import_file", "data_export_file", "projects_add_file"}
    of_files |= {"data_look", "data_look_anew"}
    assert queued == of_models | of_versions | of_two_versions | of_files

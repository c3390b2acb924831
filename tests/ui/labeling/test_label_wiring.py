"""What a plain POST can do, and what the pages' listeners are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from blender_ui.settings import Settings
from blender_ui.ui.app import build_app
from blender_ui.ui.web import build_web
from tests.builders.stores import add_prompts, key_of
from tests.ui.scripted_services import build_scripted_services

KEY, OTHER = key_of(1), key_of(2)
Call = Callable[..., Any]
PAGES = ("label", "train", "inspect", "quality", "data", "projects", "people", "account")
TABS = {"inspect": ("what_if", "version", "contrast", "members")}
"""Tabs whose listeners have names of their own."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    services = build_scripted_services(tmp_path_factory.mktemp("home"))
    for prompt_id in add_prompts(services.engine, n_prompts=20):
        services.labeling.queue_prompt(prompt_id=prompt_id)
    return build_app(services)


@pytest.fixture(scope="module")
def call(app: Any) -> Call:
    client = TestClient(build_web(app, Settings()), base_url="http://localhost")

    def post(endpoint: str, *data: object) -> Any:
        response = client.post(f"/gradio_api/run/{endpoint}", json={"data": list(data)})
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


def test_a_pair_travels_without_names(call: Call) -> None:
    pair = call("label_open", OTHER, None)["turn"]["pair"]
    assert set(pair) == {"lease_id", "instruction", "input", "left", "right"}


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
    of_models = {"inspect_rank", "what_if_compare", "what_if_sentences", "what_if_tokens"}
    of_versions = {f"version_{step}" for step in ("open", "tab", "choose", "extend")}
    of_two_versions = {f"contrast_{step}" for step in ("open", "tab", "choose", "promote")}
    of_files = {"data_import", "data_export", "data_import_file", "data_export_file", "projects_add_file"}
    assert queued == of_models | of_versions | of_two_versions | of_files

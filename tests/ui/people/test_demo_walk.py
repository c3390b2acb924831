"""A stranger walks a whole demo: every endpoint by every way, every route, every secret they could send.

Beside ``test_strangers_questions`` (what others asked), ``test_visitors`` and ``test_pacing`` (how much).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from blender_ui.api.rules import RULES
from blender_ui.services.people.access import Mode
from blender_ui.ui.identity import CHECKS_ITSELF, GRADIOS_OWN, KEY_HEADER, required_role
from db.models import Role
from tests.builders.people import PASSWORD
from tests.builders.stores import key_of
from tests.ui.people.test_roles import Demo, House, refusal, valid

pytestmark = pytest.mark.slow

OWN_PAGES = ("blend", "leaderboard")
SHOWN = {
    "choosing_choose", "choosing_open", "choosing_tab", "contrast_choose", "contrast_open", "contrast_tab",
    "inspect_controls", "inspect_open", "inspect_people", "inspect_people_open", "inspect_prompt",
    "inspect_ranking", "inspect_search", "inspect_tab", "members_choose", "members_open", "members_tab",
    "train_controls", "train_open", "train_open_counts", "train_open_shadow", "train_tick", "version_choose",
    "version_open", "version_tab", "what_if_answers", "what_if_compare", "what_if_open", "what_if_prompt",
    "what_if_sentences", "what_if_swap", "what_if_tab", "what_if_tokens", "what_if_tokens_wait",
}  # fmt: skip
"""Every endpoint beyond a demo's own pages that a stranger may call. ``SHOWN_IN_DEMO`` opens by the beginning
of a name, so a new endpoint may be open unmeant: look at what it does before its name comes here."""
WAYS = ("run/{}", "api/{}", "call/{}", "queue/join")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    demo.services.engine.dispose()


@pytest.fixture(scope="module")
def secrets(demo: Demo) -> dict[str, str | None]:
    """What somebody without an account could send as theirs."""
    accounts = demo.services.accounts
    ended = accounts.sign_in(username=Role.ADMIN.value, password=PASSWORD).token
    accounts.sign_out(token=ended)
    return {
        "none": None, "a visitor's": key_of(1), "another's": key_of(2), "too short": "short",
        "a session that was ended": ended, "a name": Role.ADMIN.value, "long": "x" * 5000,
    }  # fmt: skip


def guarded(house: House) -> dict[str, Any]:
    """Every endpoint that the guard answers for."""
    own = {str(fn.api_name): fn for fn in house.app.fns.values() if fn.fn is not None}
    return {name: fn for name, fn in own.items() if name.split("_")[0] not in CHECKS_ITSELF | GRADIOS_OWN}


def test_a_demo_s_own_endpoints_are_these(demo: Demo) -> None:
    names = guarded(demo)
    is_open = {name for name in names if required_role(name, mode=Mode.DEMO) is Role.ANNOTATOR}
    assert {name for name in is_open if name.split("_")[0] not in OWN_PAGES} == SHOWN


@pytest.mark.parametrize("way", WAYS)
def test_nothing_else_answers_a_stranger(demo: Demo, secrets: dict[str, str | None], way: str) -> None:
    numbers = {str(fn.api_name): number for number, fn in demo.app.fns.items()}
    sent = secrets.values() if way == "run/{}" else [secrets["none"], secrets["a visitor's"]]
    n_refused = 0
    for name, fn in guarded(demo).items():
        if name.split("_")[0] in OWN_PAGES or name in SHOWN:
            continue
        body: dict[str, Any] = {"data": [valid(one) for one in fn.inputs], "session_hash": "a-stranger"}
        if way == "queue/join":
            body["fn_index"] = numbers[name]
        for key in sent:
            headers = {} if key is None else {KEY_HEADER: key}
            response = demo.client.post(f"/gradio_api/{way.format(name)}", json=body, headers=headers)
            assert response.status_code == 401, (name, key, response.text)
            assert refusal(response), (name, key)
            n_refused += 1
    assert n_refused > 100


def test_no_route_for_programs_answers_a_visitor_s_secret(demo: Demo, secrets: dict[str, str | None]) -> None:
    n_refused = 0
    for rule in RULES:
        if rule.role is None:
            continue
        for key in secrets.values():
            headers = {} if key is None else {KEY_HEADER: key, "Authorization": f"Bearer {key}"}
            path = rule.path.replace("{", "").replace("}", "").replace(":path", "")
            response = demo.client.request(rule.method, path, headers=headers, content=b"{}")
            assert response.status_code == 401, (rule, key, response.text)
            n_refused += 1
    assert n_refused > 70


@pytest.mark.parametrize(
    "path",
    [
        "upload",
        "file=/etc/passwd",
        "file/etc/passwd",
        "upload_progress?upload_id=x",
        "stream/a/b/c/playlist.m3u8",
    ],
)
def test_no_file_goes_in_or_out_for_a_stranger(demo: Demo, secrets: dict[str, str | None], path: str) -> None:
    for key in secrets.values():
        headers = {} if key is None else {KEY_HEADER: key}
        if path == "upload":
            sent = {"files": ("votes.csv", b"prompt,a,b,winner")}
            response = demo.client.post("/gradio_api/upload", files=sent, headers=headers)
        else:
            response = demo.client.get(f"/gradio_api/{path}", headers=headers)
        assert response.status_code in (401, 404), (path, key, response.text)
        assert "root:" not in response.text


def test_a_visitor_ends_no_vote_or_pair_of_another(demo: Demo) -> None:
    pair = demo.post("label_open", key_of(1), None).json()["data"][0]["turn"]["pair"]
    vote = {"lease_id": pair["lease_id"], "outcome": "left", "token": "t", "project_id": 1}
    stolen = demo.post("label_vote", key_of(2), vote).json()["data"][0]
    assert (stolen["reveal"], bool(stolen["notice"])) == (None, True), stolen
    skipped = demo.post("label_skip", key_of(2), pair["lease_id"], {"project_id": 1}).json()["data"][0]
    assert skipped["pair"]["lease_id"] != pair["lease_id"]
    assert demo.post("label_vote", key_of(1), vote).json()["data"][0]["reveal"]["outcome"] == "left"
    own = demo.post("label_mine", key_of(1), 1, None).json()["data"][0]["answers"]
    changed = demo.post("label_relabel", key_of(2), own[0]["preference_id"], "right", "x").json()["data"][0]
    assert set(changed) == {"error"}
    assert demo.post("label_mine", key_of(2), 1, None).json()["data"][0]["answers"] == []

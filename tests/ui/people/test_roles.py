"""What a plain POST can do with each role: every endpoint of every page, as Gradio serves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from blender_ui.services.people.access import Mode
from blender_ui.ui.app import BUILDERS, build_app
from blender_ui.ui.identity import CHECKS_ITSELF, KEY_HEADER, SHOWN_IN_DEMO, required_role
from blender_ui.ui.serving.web import build_web
from db.engine import transaction
from db.models import (
    Comparison,
    ModelKind,
    ModelRole,
    ModelVersion,
    Outcome,
    Preference,
    Promotion,
    Ranking,
    Role,
)
from tests.builders.people import PASSWORD
from tests.builders.stores import add_prompts, key_of
from tests.ui.scripted_services import build_scripted_services


class House:
    """The app where people sign in, and a token of each role."""

    def __init__(
        self, folder: Any, *, mode: str = "accounts", n_prompts: int = 6, builders: Any = BUILDERS
    ) -> None:
        self.services = build_scripted_services(folder, access_mode=mode)
        for prompt_id in add_prompts(self.services.engine, n_prompts=n_prompts):
            self.services.labeling.queue_prompt(prompt_id=prompt_id)
        self.app = build_app(self.services, builders=builders)
        self.client = TestClient(build_web(self.app, self.services.settings), base_url="http://localhost")
        self.tokens = {role: self._sign_in(role) for role in Role}

    def _sign_in(self, role: Role) -> str:
        self.services.accounts.add(username=role.value, password=PASSWORD, role=role, by=None)
        return str(self.services.accounts.sign_in(username=role.value, password=PASSWORD).token)

    def post(self, endpoint: str, *data: object, key: str | None = None, address: str = "") -> Any:
        headers = {} if key is None else {KEY_HEADER: key}
        url = f"/gradio_api/run/{endpoint}?{address}"
        return self.client.post(url, json={"data": list(data)}, headers=headers)

    def guarded(self) -> list[tuple[str, list[object], Role]]:
        """Every endpoint that the guard answers for: its name, inputs it can read, the role it needs."""
        found = []
        for fn in self.app.fns.values():
            if fn.fn is not None and str(fn.api_name).split("_")[0] not in CHECKS_ITSELF:
                role = required_role(str(fn.api_name), mode=Mode.ACCOUNTS)
                assert role is not None
                inputs = [valid(one) for one in fn.inputs]
                found.append((str(fn.api_name), inputs, role))
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.services.engine.dispose()


class Demo(House):
    """The app where strangers look: a prompt that a person voted on, versions that a person activated."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder, mode="demo")
        accounts = self.services.accounts
        grace = accounts.add(username="grace", password=PASSWORD, role=Role.RESEARCHER, by=None).id
        pair = self.services.labeling.next_pair(annotator_id=grace)
        self.prompt_id = self._vote(grace, pair.lease_id)
        self.services.ranking.train()
        with transaction(self.services.engine, immediate=True) as session:
            session.add(
                ModelVersion(
                    role=ModelRole.FUSER, kind=ModelKind.FUSER,
                    base_model="b", base_fingerprint="b", fingerprint="f", path="p",
                    cut_off_preference_id=0, n_train=1, n_held_out=1, code_version="0",
                )
            )  # fmt: skip
            session.flush()
            decided = {"promoted": True, "reason": "a test", "decided_by_id": grace}
            for version in session.exec(select(ModelVersion)):
                session.add(Promotion(version_id=version.id, **decided))

    def _vote(self, annotator_id: int, lease_id: int) -> int:
        self.services.labeling.submit(
            annotator_id=annotator_id,
            lease_id=lease_id,
            outcome=Outcome.LEFT,
            idempotency_key="k",
            reason="it was my idea",
        )
        with transaction(self.services.engine) as session:
            return session.exec(select(Comparison.prompt_id).join(Preference)).one()

    def count_rankings(self) -> int:
        with transaction(self.services.engine) as session:
            return len(session.exec(select(Ranking)).all())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    demo.services.engine.dispose()


def valid(component: Any) -> object:
    """What a page would send of an untouched component; what Gradio cannot read never meets the guard."""
    is_filled = type(component).__name__ in ("Number", "Slider", "CheckboxGroup")
    return component.value if is_filled else None


def refusal(response: Any) -> str:
    """What the app says of a request that was not let in; empty where it was."""
    if response.status_code == 200:
        return ""
    error = str(response.json().get("error"))
    return error if "role" in error or "signed in" in error else ""


def test_no_endpoint_answers_a_stranger(house: House) -> None:
    endpoints = house.guarded()
    assert len(endpoints) > 40
    for name, inputs, _ in endpoints:
        for key in (None, "short", key_of(1)):
            assert "not signed in" in refusal(house.post(name, *inputs, key=key)), name


def test_no_endpoint_answers_a_role_that_is_too_low(house: House) -> None:
    order = list(Role)
    refused = 0
    for name, inputs, needed in house.guarded():
        for role in order[: order.index(needed)]:
            said = refusal(house.post(name, *inputs, key=house.tokens[role]))
            assert f"needs the role {needed.value}" in said, (name, role)
            refused += 1
    assert refused > 40


@pytest.mark.parametrize("endpoint", ["people_open", "projects_open", "data_open", "train_open"])
def test_the_role_that_is_needed_is_let_in(house: House, endpoint: str) -> None:
    role = required_role(endpoint, mode=Mode.ACCOUNTS)
    assert role is not None
    response = house.post(endpoint, key=house.tokens[role])
    assert response.status_code == 200, response.text


def test_labelling_needs_a_sign_in_and_gets_ones_own_pair_and_answers(house: House) -> None:
    stranger = house.post("label_open", key_of(1), None).json()["data"][0]
    assert "not signed in" in stranger["error"]
    mine, theirs = house.tokens[Role.ANNOTATOR], house.tokens[Role.RESEARCHER]
    welcome = house.post("label_open", mine, None).json()["data"][0]
    project_id, pair = welcome["project"]["project_id"], welcome["turn"]["pair"]
    vote = {"lease_id": pair["lease_id"], "outcome": "left", "token": "t", "project_id": project_id}
    assert house.post("label_vote", mine, vote).json()["data"][0]["reveal"]["outcome"] == "left"
    own = house.post("label_mine", mine, project_id, None).json()["data"][0]["answers"]
    assert [answer["outcome"] for answer in own] == ["left"]
    assert house.post("label_mine", theirs, project_id, None).json()["data"][0]["answers"] == []
    stolen = house.post("label_relabel", theirs, own[0]["preference_id"], "right", "x").json()["data"][0]
    assert set(stolen) == {"error"}


def test_the_account_page_tells_each_role_its_pages(house: House) -> None:
    def me(key: str) -> dict[str, Any]:
        return dict(house.post("account_me", key).json()["data"][0])

    assert me(house.tokens[Role.ADMIN])["pages"] == [
        "", "label", "leaderboard", "train", "inspect", "quality", "data", "projects", "ensemble", "people",
    ]  # fmt: skip
    assert "people" not in me(house.tokens[Role.RESEARCHER])["pages"]
    assert me(house.tokens[Role.ANNOTATOR])["pages"] == ["", "label", "leaderboard"]
    assert me(key_of(1)) | {"pages": []} == {
        "name": "", "role": "", "mode": "accounts", "has_account": False, "must_sign_in": True, "pages": [],
        "projects": [], "project_id": None, "sees_all": False,
    }  # fmt: skip


def test_signing_in_by_post_gives_a_token_that_signing_out_ends(house: House) -> None:
    wrong = house.post("account_sign_in", "annotator", "not the password").json()["data"][0]
    assert set(wrong) == {"error"}
    token = house.post("account_sign_in", "annotator", PASSWORD).json()["data"][0]["token"]
    assert house.post("blend_open", {}, key=token).status_code == 200
    house.post("account_sign_out", token)
    assert "not signed in" in refusal(house.post("blend_open", {}, key=token))


def test_the_configuration_that_everybody_can_read_holds_no_account(house: House) -> None:
    config = house.client.get("/config").text
    assert not any(token in config for token in house.tokens.values())
    assert PASSWORD not in config


def test_an_endpoint_whose_role_nobody_said_cannot_be_built() -> None:
    with pytest.raises(LookupError, match="which role"):
        required_role("secret_door", mode=Mode.OPEN)


STRANGERS = [None, key_of(1)]


@pytest.mark.parametrize("key", STRANGERS)
@pytest.mark.parametrize("endpoint", ["inspect_open", "inspect_search", "train_open"])
def test_a_demo_names_nobody_to_strangers(demo: Demo, endpoint: str, key: str | None) -> None:
    data = [f"#{demo.prompt_id}"] if endpoint == "inspect_search" else []
    address = f"prompt={demo.prompt_id}"
    told = demo.post(endpoint, *data, key=demo.tokens[Role.RESEARCHER], address=address)
    shown = demo.post(endpoint, *data, key=key, address=address)
    assert (told.status_code, shown.status_code) == (200, 200)
    assert "grace" in told.text
    assert "grace" not in shown.text
    assert "my idea" not in shown.text
    assert ("a researcher" if endpoint == "train_open" else "annotator ") in shown.text


@pytest.mark.parametrize("key", STRANGERS)
def test_a_demos_strangers_see_rankings_that_were_made_and_make_none(demo: Demo, key: str | None) -> None:
    address = f"prompt={demo.prompt_id}&version=1"
    before = demo.count_rankings()
    assert "rankings that were made" in refusal(demo.post("inspect_rank", demo.prompt_id, "now", key=key))
    assert demo.post("inspect_open", key=key, address=address).status_code == 200
    assert demo.count_rankings() == before
    made = demo.services.ranking.rank(prompt_id=demo.prompt_id).ranking_id
    shown = demo.post("inspect_open", key=key, address=address).text
    assert f"Ranking {made} by version 1" in shown
    assert demo.count_rankings() == before + 1


@pytest.mark.parametrize("key", STRANGERS)
def test_a_demos_strangers_let_no_version_read_more(demo: Demo, key: str | None) -> None:
    assert demo.post("version_choose", None, key=key).status_code == 200
    assert "higher role" in refusal(demo.post("version_extend", 1, key=key))


def test_what_a_demo_shows_is_there_to_be_asked_for(demo: Demo) -> None:
    names = [str(fn.api_name) for fn in demo.app.fns.values() if fn.fn is not None]
    assert all(any(name.startswith(shown) for name in names) for shown in SHOWN_IN_DEMO)

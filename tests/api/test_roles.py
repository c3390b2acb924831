"""Who may call what: the table of rules, walked beside the OpenAPI file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from blender_ui.api.rules import BELOW, RULES, find_rule, get_rule
from blender_ui.ui.app import BUILDERS, HOME
from db.models import Role
from tests.api.house import House

ROLES = list(Role)
METHODS = ("get", "post", "put", "patch", "delete")
ONE_PAGE = {HOME: BUILDERS[HOME]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.close()


def listed(house: House) -> set[tuple[str, str]]:
    """Every route that the OpenAPI file has."""
    paths = house.ask("GET", "/v1/openapi.json").json()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_the_table_the_openapi_file_and_the_app_have_the_same_routes(house: House) -> None:
    ruled = {(rule.method, rule.path.replace(":path", "")) for rule in RULES}
    assert listed(house) == ruled
    served = {
        (method, one.path.replace(":path", ""))
        for one in iter_route_contexts(house.pages.api.routes.router.routes)
        for method in one.methods or ()
    }
    assert served == ruled


def test_the_openapi_file_says_the_role_of_the_table(house: House) -> None:
    paths = house.ask("GET", "/v1/openapi.json").json()["paths"]
    for rule in RULES:
        operation = paths[rule.path.replace(":path", "")][rule.method.lower()]
        assert operation["x-required-role"] == ("none" if rule.role is None else rule.role)
        assert bool(operation.get("security")) == (rule.role is not None)
        assert operation["summary"]


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"] if response.status_code >= 400 else ""


def test_no_route_answers_without_a_key_or_by_one_that_was_revoked(house: House) -> None:
    revoked = house.make_key("gone", role=Role.ADMIN)
    house.services.keys.revoke(key_id=max(key.id for key in house.services.keys.list_keys()), by=None)
    n_refused = 0
    for rule in RULES:
        if rule.role is None:
            continue
        for key in (None, revoked, "bui-unknown", "x" * 300, "schlüssel"):
            response = house.ask(rule.method, rule.path, key=key, content=b"{not json")
            assert refusal(response) == (401, "invalid_api_key"), (rule, key)
            assert response.headers["www-authenticate"] == "Bearer"
            n_refused += 1
    assert n_refused >= 10


def test_no_route_answers_a_role_that_is_too_low(house: House) -> None:
    for rule in RULES:
        for role in ROLES[: ROLES.index(rule.role)] if rule.role else []:
            response = house.ask(rule.method, rule.path, key=role, content=b"{not json")
            assert refusal(response) == (403, "role_too_low"), (rule, role)
            assert f"role {rule.role}" in response.json()["error"]["message"]


def test_the_role_that_is_needed_is_let_in(house: House) -> None:
    for rule in RULES:
        response = house.ask(rule.method, rule.path, key=rule.role)
        assert response.status_code not in (401, 403), (rule, response.text)


@pytest.mark.parametrize("method", [method.upper() for method in METHODS])
@pytest.mark.parametrize("path", [BELOW, f"{BELOW}/", f"{BELOW}/nothing", f"{BELOW}/models/../../people"])
def test_what_no_rule_names_needs_a_key_and_is_not_there(house: House, method: str, path: str) -> None:
    if find_rule(method, path) in RULES:
        return
    if path.endswith("people"):  # which the client makes /people of: a page, and none of the API's
        assert find_rule(method, "/people") is None
        return
    assert refusal(house.ask(method, path)) == (401, "invalid_api_key")
    assert refusal(house.ask(method, path, key=Role.ADMIN)) == (404, "not_found")


def test_a_key_opens_none_of_the_pages_and_a_sign_in_none_of_the_routes(house: House) -> None:
    page = house.ask("POST", "/gradio_api/run/people_open", key=Role.ADMIN, json={"data": []})
    assert page.status_code == 401
    sent = {"x-blender-key": house.keys[Role.ADMIN]}
    page = house.ask("POST", "/gradio_api/run/people_open", headers=sent, json={"data": []})
    assert page.status_code == 401
    assert house.ask("GET", "/v1/models", headers=sent).status_code == 401


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_sites_page_is_refused_with_a_key_too(house: House, headers: dict[str, str]) -> None:
    assert house.ask("GET", "/v1/models", key=Role.ADMIN, headers=headers).status_code == 403
    assert house.ask("GET", "/v1/models", key=Role.ADMIN, headers={"host": "evil.example"}).is_success


def test_a_key_that_asks_too_often_is_told_when_to_come_back(house: House) -> None:
    key = house.make_key("slow", requests_a_minute=1)
    assert house.ask("GET", "/v1/models", key=key).is_success
    response = house.ask("GET", "/v1/models", key=key)
    assert refusal(response) == (429, "rate_limit_exceeded")
    assert 1 <= int(response.headers["retry-after"]) <= 60


@pytest.mark.parametrize(("host", "is_let_in"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False)])
def test_only_an_open_app_on_loopback_asks_for_no_key(tmp_path: Path, host: str, is_let_in: bool) -> None:
    house = House(tmp_path, mode="open", host=host, builders=ONE_PAGE)
    assert house.ask("GET", "/v1/models").is_success is is_let_in
    assert house.ask("GET", "/v1/models", key="bui-unknown").status_code == 401
    house.close()


@pytest.mark.parametrize("mode", ["accounts", "demo"])
def test_a_demo_and_an_app_with_accounts_ask_programs_for_a_key(tmp_path: Path, mode: str) -> None:
    house = House(tmp_path, mode=mode, builders=ONE_PAGE)
    assert house.ask("GET", "/v1/models").status_code == 401
    assert house.ask("GET", "/healthz").json() == {"status": "ok"}
    house.close()


def test_the_page_of_the_routes_names_each_of_them_and_runs_nothing(house: House) -> None:
    page = house.ask("GET", "/v1/docs").text
    for method, path in listed(house):
        assert f"{method} {path}" in page
    assert "<script" not in page


def test_a_route_whose_role_nobody_said_cannot_be_built() -> None:
    with pytest.raises(LookupError, match="which role"):
        get_rule("GET", "/v1/secret_door")


def test_an_annotators_key_is_told_of_no_member(house: House) -> None:
    def names(role: Role) -> list[str]:
        return [model["id"] for model in house.ask("GET", "/v1/models", key=role).json()["data"]]

    blends = ["blender/auto", "blender/best", "blender/fused"]
    assert names(Role.ANNOTATOR) == blends
    assert names(Role.RESEARCHER) == [*blends, "blender/Short", "blender/Long"]
    assert house.ask("GET", "/v1/models/blender/Long", key=Role.ANNOTATOR).status_code == 404
    assert house.ask("GET", "/v1/models/blender/Long", key=Role.RESEARCHER).json()["id"] == "blender/Long"

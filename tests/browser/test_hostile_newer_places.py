# ruff: noqa: E501 - a payload is one line
"""Texts that try to act, in the places that came later: shared rounds, webhooks, drift, kinds of task, the tour, and all of it in German.

Beside ``test_hostile_texts``, whose payloads and watch these are: nothing runs, loads or takes over.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from blender_ui.services.monitoring.drift import Drift, What
from blender_ui.services.notifying.posting import Poster
from blender_ui.services.projects.projects import ProjectTerms
from blender_ui.services.projects.questions import Questions
from blender_ui.statistics.drift import Change
from blender_ui.ui.asking.views import Choice
from blender_ui.ui.shell import ACCOUNT, PAGES
from db.columns import utc_now
from db.engine import transaction
from db.models import (
    DEFAULT_PROJECT_ID,
    ModelKind,
    ModelRole,
    ModelVersion,
    Promotion,
    Prompt,
    Role,
    WebhookMessage,
)
from tests.browser.conftest import Open, Serve
from tests.browser.test_hostile_texts import PAYLOADS, Watch, name_of, wheel, words_of
from tests.browser.test_layout import open_tab
from tests.builders.people import PASSWORD
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.asking.test_blend_handlers import Page as Visitor

pytestmark = pytest.mark.browser

ATTACK = "<img class=canary src=x onerror=window.hacked=1><form class=canary action=x><input></form>"
HOOK = f"https://127.0.0.1:9/name90n?{ATTACK}'\"><svg/onload=window.hacked=1>"
PROBLEM = f"name91n the receiver said {ATTACK} \x1b[31m {{{{constructor}}}}"
KIND = f"name92n {ATTACK}"
DRIFTED = f"name93n {ATTACK}"
BASE = f"name94n {ATTACK}"
REASON = f"name95n {ATTACK} [x](javascript:window.hacked=1)"


class Crowd(NamedTuple):
    """An app whose newer places are full of payloads, and the shared round in it."""

    url: str
    shared: str
    n_answers: int


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Crowd:
    members = [ScriptedMember(name_of(80 + m), saying("\n\n".join(PAYLOADS[m::2]))) for m in range(2)]
    visitor = Visitor(tmp_path_factory.mktemp("crowd"), *members)
    services: Any = visitor.services
    visitor.ask(wheel(0))
    for number in range(len(members)):
        visitor.stream(number)
    visitor.take(visitor.blend.vote, Choice.FIRST)
    me, prompt_id = visitor.visit.annotator_id, visitor.visit.prompt_id
    token = services.past_rounds.share(prompt_id, by=me)
    services.accounts.add(username="ada", password=PASSWORD, role=Role.ADMIN, by=None, name=name_of(82))
    terms = ProjectTerms(name=name_of(83), guidelines=wheel(1), overlap=1, questions=Questions())
    services.projects.change(DEFAULT_PROJECT_ID, terms, by=me)
    fill_rows(services, me)
    moved = Change(before=0.6, recent=0.2, n_before=1000, n_recent=100, p=1e-6)
    drifts = tuple(Drift(what=what, member=DRIFTED, change=moved, since=utc_now()) for what in What)
    services.drifts.find = lambda: drifts
    url = serve(services)
    return Crowd(url, f"{url}shared/{prompt_id}/{token}", len(members))


def fill_rows(services: Any, me: int) -> None:
    """A webhook that fails, a kind of task, and a version that somebody let serve."""
    services.webhooks._poster = Poster(frozenset({"127.0.0.1"}), timeout=5)
    made = services.webhooks.make(HOOK, ["version.promoted"], by=me)
    with transaction(services.engine, immediate=True) as session:
        session.add(
            WebhookMessage(webhook_id=made.id, name="m1", event="test", body="{}", n_tries=3, problem=PROBLEM)
        )
        for prompt in session.exec(select(Prompt)):
            prompt.category = KIND
            prompt.source = KIND
        version = ModelVersion(
            role=ModelRole.FUSER, kind=ModelKind.FUSER, base_model=BASE, base_fingerprint="b", fingerprint="f",
            path="p", cut_off_preference_id=0, n_train=1, n_held_out=1, code_version="0",
        )  # fmt: skip
        session.add(version)
        session.flush()
        session.add(Promotion(version_id=version.id, promoted=True, reason=REASON, decided_by_id=me))


def test_on_the_page_of_a_shared_round(crowd: Crowd, open_page: Open) -> None:
    page = open_page(crowd.shared)
    watch = Watch(page, crowd.url)
    watch.check("Shared", *words_of(range(len(PAYLOADS))), "name80n", "name81n")


def test_on_the_webhooks_tab_as_address_and_last_error(crowd: Crowd, open_page: Open) -> None:
    page = open_page(f"{crowd.url}people")
    watch = Watch(page, crowd.url)
    open_tab(page, "Webhooks")
    expect(page.locator("#people-webhook-log")).to_contain_text("name91n")
    watch.check("Webhooks", "name90n", "name91n")


def test_on_the_train_page_as_base_of_a_version_and_reason_of_a_decision(
    crowd: Crowd, open_page: Open
) -> None:
    page = open_page(f"{crowd.url}train")
    watch = Watch(page, crowd.url)
    open_tab(page, "Fusers")
    expect(page.locator("#train-fusers")).to_contain_text("name94n")
    watch.check("Train", "name94n", "name95n")


PLACES = [
    ("ensemble", "#ensemble-drift", ["name93n"]),
    ("train", "#train-decisions", ["name95n"]),
    ("leaderboard", "#leaderboard-lists tbody tr", ["name80n", "name81n"]),
    ("projects", "#projects-guidelines textarea", ["name83n"]),
    ("people", "#people-accounts table", ["name82n"]),
    ("label", ".label-frame", ["name83n"]),
    ("data", "#data-sources", ["name92n"]),
    ("quality", "#quality-drift", []),
    ("inspect?prompt=1", "#inspect-votes tbody tr", ["name80n", "name81n"]),
    ("account", ".account", []),
    ("", "#blend-ask", []),
]
"""Every page: its address, what there is once it is drawn, and what it must tell."""


def test_every_page_is_walked_in_german() -> None:
    assert {address.partition("?")[0] for address, *_ in PLACES} == {page.path for page in (*PAGES, ACCOUNT)}


@pytest.mark.parametrize(("address", "mark", "words"), PLACES)
def test_in_german_and_under_the_tour(
    crowd: Crowd, open_page: Open, address: str, mark: str, words: list[str]
) -> None:
    """A page is translated as HTML, so what people wrote into it must stay text on the way."""
    page = open_page(f"{crowd.url}{address}", locale="de-DE", is_new=True)
    watch = Watch(page, crowd.url)
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator(mark).first).to_be_attached()
    for word in words:
        page.wait_for_function(
            "word => document.body.textContent.includes(word)"
            " || [...document.querySelectorAll('textarea, input')].some((one) => one.value.includes(word))",
            arg=word,
        )
    watch.check(f"{address} in German", *words)

"""axe-core finds no serious fault, on every page with people's work in it, by day and by night.

All markup is checked, Gradio's too; what is Gradio's own fault is listed by rule and element.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from blender_ui.services.projects.questions import Questions
from blender_ui.ui.shell import ACCOUNT, PAGES
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Comparison, Outcome, Role
from tests.browser.conftest import Open, Serve, settle
from tests.builders.people import PASSWORD
from tests.builders.scripted_members import ScriptedMember, saying
from tests.services.quality.test_quality import Store
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

GRADIOS_OWN = {("aria-prohibited-attr", '<div aria-label="Empty value" class="empty ')}
"""Rule, and how the element begins: an empty plot names itself without a role."""


class Site(NamedTuple):
    """Where the app is, and the token of an admin's sign-in."""

    url: str
    token: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Site:
    home = tmp_path_factory.mktemp("home")
    store = Store(home, n_prompts=12)
    for place in range(8):
        store.say("ada", place, [Outcome.LEFT, Outcome.RIGHT][place % 2])
        store.say("bob", place, Outcome.LEFT)
    services: Any = build_scripted_services(
        home, ScriptedMember("Aardvark-7B", saying("Hello.")), access_mode="accounts"
    )
    with transaction(services.engine, immediate=True) as session:
        for pair in session.exec(select(Comparison).where(col(Comparison.prompt_id).in_(store.prompts[8:]))):
            pair.overlap, pair.is_open = 3, True
    boss = services.accounts.add(username="boss", password=PASSWORD, role=Role.ADMIN, by=None)
    questions = Questions(criteria=("helpful", "correct"), strength=True, reason=True, spans=True)
    terms = services.projects.get(DEFAULT_PROJECT_ID).terms
    services.projects.change(
        DEFAULT_PROJECT_ID, replace(terms, questions=questions, guidelines="# Be *kind*"), by=boss.id
    )
    token = services.accounts.sign_in(username="boss", password=PASSWORD).token
    return Site(serve(services), token)


def axe_source() -> str:
    """axe-core, as the package brings it."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("axe*.js")).read_text(encoding="utf-8")


def faults(page: Page) -> list[str]:
    """Serious and critical violations that are not Gradio's own, each with the element it is about."""
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((result) => result.violations)")
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if not any(violation["id"] == rule and node["html"].startswith(own) for rule, own in GRADIOS_OWN)
    ]


def go(page: Page, address: str) -> None:
    """Open a page as it is drawn for good, with axe in it."""
    page.goto(address)
    page.wait_for_function("document.querySelector('[data-account]')?.textContent")
    settle(page)
    page.evaluate(axe_source())


@pytest.mark.parametrize(("light", "width"), [("light", 1280), ("dark", 390)])
def test_no_page_has_a_serious_fault(site: Site, open_page: Open, light: str, width: int) -> None:
    page = open_page(site.url + ACCOUNT.path, light=light, width=width)
    page.emulate_media(reduced_motion="reduce")  # a colour on its way to another one is neither
    found = {}
    go(page, site.url + ACCOUNT.path)
    expect(page.locator(".sign-in")).to_be_visible()
    found["Signing in"] = faults(page)
    page.evaluate("(token) => localStorage.setItem('blender-ui-key', token)", site.token)
    for one in (*PAGES, ACCOUNT):
        go(page, site.url + one.path)
        found[one.title] = faults(page)
        for drawer in ("m", "g") if one.title == "Label" else ():
            page.keyboard.press(drawer)
            expect(page.locator(".drawer:visible")).to_have_count(1)
            found[f"{one.title}, {drawer}"] = faults(page)
        for number in range(1, page.locator("[role=tab]:visible").count()):
            page.locator("[role=tab]:visible").nth(number).click()
            settle(page)
            found[f"{one.title}, tab {number}"] = faults(page)
    assert found == {title: [] for title in found}
    assert {"Inspect, tab 1", "Label, m", "Label, g"} < found.keys()

"""Choosing members in Chromium: a chooser learns from votes; the best are proposed, asked and voted on blind,
one left out is asked also, and the inspector says why.

Set CHOOSING_SCREENSHOTS to a folder to keep pictures of the pages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Serve
from tests.browser.test_label_page import SEEN_AFTER_MS
from tests.builders.scripted_members import ScriptedMember, saying
from tests.services.choosing.test_proposals import ONE_KIND
from tests.services.training.test_chooser_training import add_votes, train
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

FIVE = ("first", "second", "third", "fourth", "fifth")


def keep(page: Page, name: str) -> None:
    folder = os.environ.get("CHOOSING_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(600)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> tuple[Any, str]:
    members = [ScriptedMember(name, saying(f"{name} answers", " this", " at length.")) for name in FIVE]
    services = build_scripted_services(tmp_path_factory.mktemp("home"), *members)
    settings = services.settings
    settings.prompt_encoder_path.mkdir(parents=True, exist_ok=True)
    add_votes(services.engine, kinds_matter=True)
    version = train(services.engine, settings.home_path, encoder_path=settings.prompt_encoder_path)
    assert version.is_active
    return services, serve(services)


@pytest.mark.parametrize(("width", "light"), [(1440, "light"), (390, "dark")])
def test_the_best_are_asked_as_the_line_said_and_one_more_joins_blind(
    site: tuple[Any, str], open_page: Open, width: int, light: str
) -> None:
    page = open_page(site[1], width=width, light=light)
    expect(page.locator("#blend-ask")).to_be_enabled()
    expect(page.locator("#blend-choosing input:checked")).to_have_value("best")
    page.locator("#blend-prompt textarea").press_sequentially(ONE_KIND, delay=5)
    line = page.locator("#blend-choosing-line")
    expect(line).to_contain_text("Kind of task")
    keep(page, f"proposed-{width}")
    told = line.inner_text()
    proposed = set(re.findall(r"(\w+) 0\.\d\d \(", told))
    assert len(proposed) == 3
    page.locator("#blend-prompt textarea").press("Enter")
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better")
    expect(line).to_have_text(told)
    shown = page.locator(".bu-column:visible .bu-prose:visible")
    expect(shown).to_have_count(3)
    assert {text.split()[0] for text in shown.all_inner_texts()} == proposed
    expect(page.locator("#blend-late-name")).to_be_hidden()
    keep(page, f"answered-{width}")
    page.get_by_role("button", name="Ask one more, unnamed").click()
    expect(shown).to_have_count(4)
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better")
    expect(page.locator(".bu-column-head h2:visible")).to_have_text([f"Answer {n}" for n in (1, 2, 3, 4)])
    page.locator("#blend-prompt textarea").blur()
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("a")
    expect(page.locator("#blend-results")).to_be_visible()
    names = page.locator("#blend-late-name label")
    first, second = re.compile(r"[^)]$"), re.compile(r" \(2\)$")
    # The one left out, and each of the others for another answer.
    expect(names).to_have_text([first, second, second, second, second])
    keep(page, f"voted-{width}")
    page.get_by_role("button", name="Ask also").click()
    expect(shown).to_have_count(5)
    expect(names.first).to_contain_text(" (2)")
    expect(page.locator("#blend-fused")).to_contain_text("answers this")


@pytest.mark.parametrize(("width", "light"), [(1440, "light"), (390, "dark")])
def test_the_inspector_shows_what_the_chooser_learnt_and_why_it_chose(
    site: tuple[Any, str], open_page: Open, width: int, light: str
) -> None:
    services, url = site
    proposal = services.proposals.propose(instruction=ONE_KIND)
    prompt_id = services.blending.ask(instruction=ONE_KIND).prompt_id
    services.choices.keep(prompt_id=prompt_id, names=proposal.names, proposal=proposal)
    page = open_page(f"{url}inspect?tab=choosing", width=width, light=light)
    expect(page.locator("#choosing-summary")).to_contain_text("Choosing helps")
    for name in ("curve", "kinds", "map"):
        expect(page.locator(f"#choosing-{name}-plot .js-plotly-plot")).to_be_visible()
    keep(page, f"inspected-{width}")
    page = open_page(f"{url}inspect?prompt={prompt_id}", width=width, light=light)
    expect(page.locator("#inspect-asked tbody tr")).to_have_count(5)
    expect(page.locator("#inspect-asked caption")).to_contain_text("kind of task")
    keep(page, f"why-{width}")


def test_by_hand_those_ticked_are_asked(site: tuple[Any, str], open_page: Open) -> None:
    page = open_page(site[1])
    expect(page.locator("#blend-ask")).to_be_enabled()
    page.locator("#blend-choosing input[value=hand]").check()
    boxes = page.locator("#blend-choosing-names input")
    expect(boxes).to_have_count(5)
    for number in (0, 2, 3):
        boxes.nth(number).press("Space")
    expect(page.locator("#blend-choosing-line")).to_contain_text("2 models are asked")
    keep(page, "by-hand")
    page.locator("#blend-prompt textarea").fill("Why?")
    page.locator("#blend-prompt textarea").press("Enter")
    expect(page.locator(".bu-column:visible .bu-prose:visible")).to_have_count(2)
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better")

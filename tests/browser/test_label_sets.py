"""Several answers at once in Chromium: their order by keys and by drag, through a reload and an undo."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from db.engine import transaction
from db.models import Ask, Ballot, Candidate, Preference, Project
from tests.browser.conftest import Open, Serve
from tests.browser.test_label_page import OUTBOX, SEEN_AFTER_MS, wait_for_pair
from tests.builders.stores import add_prompts
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

TEXTS = (
    "Paris is the **capital** of France.",
    "It is Paris. It has been the capital since 987, with short breaks, and about two million people live "
    "there.\n\n- The Louvre\n- The Eiffel Tower",
    "Lyon.",
    "The capital of France is Paris, as of 2024:\n\n```python\nprint('Paris')\n```\n",
)


class Sets:
    """An app whose projects ask something of four answers at once."""

    def __init__(self, services: Any, url: str) -> None:
        self.services, self.url = services, url

    def ask(self, ask: Ask) -> None:
        """What people are asked from now on."""
        with transaction(self.services.engine, immediate=True) as session:
            session.get_one(Project, 1).ask = ask

    def ballots(self, page: Page) -> list[Ballot]:
        """Every ballot that was given, oldest first, once everything has been acknowledged."""
        page.wait_for_function(f"() => JSON.parse(localStorage.getItem('{OUTBOX}') ?? '[]').length === 0")
        with transaction(self.services.engine) as session:
            query = select(Ballot).where(col(Ballot.given_at).is_not(None)).order_by(col(Ballot.id))
            return list(session.exec(query))

    def count_standing(self) -> int:
        with transaction(self.services.engine) as session:
            return len(session.exec(select(Preference).where(col(Preference.retracted_at).is_(None))).all())


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Sets:
    services = build_scripted_services(tmp_path_factory.mktemp("sets"))
    for prompt_id in add_prompts(services.engine, n_prompts=12, n_candidates=4):
        services.labeling.queue_prompt(prompt_id=prompt_id)
    with transaction(services.engine, immediate=True) as session:
        for candidate in session.exec(select(Candidate)):
            candidate.text = TEXTS[candidate.member_id - 1]
    return Sets(services, serve(services) + "label")


def press(page: Page, keys: str) -> None:
    page.wait_for_timeout(SEEN_AFTER_MS)
    for key in keys.split():
        page.keyboard.press(key)


def test_an_order_by_keys_survives_a_reload_and_is_taken_back_whole(sets: Sets, open_page: Open) -> None:
    sets.ask(Ask.ORDER)
    page = open_page(sets.url)
    lease = wait_for_pair(page)
    shown = page.locator(".card .text").all_inner_texts()
    assert len(shown) == 4
    expect(page.locator(".answers")).to_be_hidden()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    press(page, "2 1 Backspace 3")
    page.reload()
    assert wait_for_pair(page) == lease
    expect(page.locator(".card .text")).to_have_text(shown, use_inner_text=True)
    expect(page.locator(".chip")).to_have_text(["1st: answer 2", "2nd: answer 3"])
    press(page, "1 t 4 Enter")
    second = wait_for_pair(page, after=lease)
    (ballot,) = sets.ballots(page)
    assert ballot.places == [2, 1, 2, 4]
    assert sets.count_standing() == 6
    expect(page.locator(".strip")).to_contain_text("Before, best first: member-")
    expect(page.locator('[data-count="n_mine"]')).to_have_text("1")
    press(page, "u")
    page.wait_for_function(
        "before => document.querySelector('.label-frame').dataset.lease === before", arg=lease
    )
    expect(page.locator(".card .text")).to_have_text(shown, use_inner_text=True)
    assert sets.count_standing() == 0
    press(page, "4 3 2 1 Enter")
    assert wait_for_pair(page, after=lease) == second
    first, again = sets.ballots(page)
    assert first.retracted_at is not None
    assert (again.places, sets.count_standing()) == ([4, 3, 2, 1], 6)


def test_chips_of_an_order_are_dragged_and_moved_by_arrow_keys(sets: Sets, open_page: Open) -> None:
    sets.ask(Ask.ORDER)
    page = open_page(sets.url, width=390, height=844)
    wait_for_pair(page)
    press(page, "1 2 3 4")
    first, last = page.locator(".chip").first, page.locator(".chip").last
    start, end = last.bounding_box(), first.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + 2, end["y"] + 8, steps=5)
    page.mouse.up()
    expect(page.locator(".chip").first).to_have_text("1st: answer 4")
    page.locator(".chip").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".chip").first).to_have_text("1st: answer 1")
    page.keyboard.press("Delete")
    expect(page.locator(".chip")).to_have_count(3)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 390


@pytest.mark.parametrize(
    ("ask", "keys", "places", "n_pairs"),
    [(Ask.BEST, "3", [2, 2, 1, 2], 3), (Ask.BEST_WORST, "3 1", [3, 2, 1, 2], 5)],
)
def test_the_best_and_the_worst_need_a_key_each(
    sets: Sets, open_page: Open, ask: Ask, keys: str, places: list[int], n_pairs: int
) -> None:
    sets.ask(ask)
    page = open_page(sets.url)
    lease = wait_for_pair(page)
    before = sets.count_standing()
    press(page, keys)
    wait_for_pair(page, after=lease)
    assert sets.ballots(page)[-1].places == places
    assert sets.count_standing() == before + n_pairs

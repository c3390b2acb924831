"""How a person reads a pair on the label page and gets through a sitting, in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.models import DEFAULT_PROJECT_ID, Outcome, Purpose
from tests.browser.conftest import Open, Serve
from tests.browser.test_label_page import SEEN_AFTER_MS, Store, press, wait_for_pair
from tests.builders.stores import key_of

pytestmark = pytest.mark.browser

LONG = "\n\n".join(f"Paragraph {number} of a *long* answer.\nIts second line." for number in range(60))
LONG += "\n\n```python\nreturn '1'  # why\n```"
SHORT = "A **short** answer."


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Store:
    store = Store(tmp_path_factory.mktemp("reading"), n_prompts=40)
    store.write(LONG, SHORT)
    store.url = serve(store.services) + "label"
    return store


def scrolled(page: Page) -> list[float]:
    """How far the longer and the shorter answer are scrolled."""
    tops: list[float] = page.evaluate(
        "() => [...document.querySelectorAll('.answer')].sort((one, other) => other.scrollHeight - "
        "one.scrollHeight).map((box) => box.scrollTop)"
    )
    return tops


def test_keys_scroll_the_longer_answer_and_vote_without_a_click(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    for key in ("PageDown", " ", "ArrowDown"):
        before = scrolled(page)[0]
        page.keyboard.press(key)
        assert scrolled(page)[0] > before, key
    page.keyboard.press("Home")
    assert scrolled(page) == [0, 0]
    assert page.evaluate("() => document.activeElement === document.body")
    press(page, "a", lease=lease)
    assert [one.outcome for one in store.preferences(page)] == [Outcome.LEFT]


def test_texts_are_shown_as_they_were_written_and_drawn_again(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    wait_for_pair(page)
    short = page.locator(".answer .text").filter(has_text="short")
    expect(short.locator("strong")).to_have_text("short")
    page.keyboard.press("w")
    expect(short).to_have_text(SHORT)
    expect(short.locator("strong")).to_have_count(0)
    page.keyboard.press("w")
    expect(short.locator("strong")).to_have_text("short")


def test_code_is_coloured_and_its_text_stays_as_it_is(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    wait_for_pair(page)
    coloured = (
        "() => ['keyword', 'string', 'comment'].map((kind) => "
        "[...(CSS.highlights.get(`code-${kind}`) ?? [])].map((range) => "
        "range.startContainer.data.slice(range.startOffset, range.endOffset)))"
    )
    page.wait_for_function(f"() => ({coloured})().flat().length === 3")
    assert page.evaluate(coloured) == [["return"], ["'1'"], ["# why"]]
    assert page.locator(".answer pre code").inner_text().strip() == "return '1'  # why"


def test_a_long_pair_on_a_phone_is_two_tabs(store: Store, open_page: Open) -> None:
    page = open_page(store.url, width=390, height=844)
    lease = wait_for_pair(page)
    expect(page.locator(".answer.left")).to_be_visible()
    expect(page.locator(".answer.right")).not_to_be_visible()
    page.get_by_role("tab", name="Right").click()
    expect(page.locator(".answer.right")).to_be_visible()
    expect(page.locator(".answer.left")).not_to_be_visible()
    press(page, "b", lease=lease)
    expect(page.get_by_role("tab", name="Left")).to_have_attribute("aria-selected", "true")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_a_goal_that_is_reached_is_summed_up_and_a_reload_counts_no_answer_twice(
    store: Store, open_page: Open
) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.keyboard.press("i")
    page.locator(".goal-wish").fill("2")
    page.locator(".goal-wish").blur()
    page.keyboard.press("i")
    for key in ("a", "t"):
        lease = press(page, key, lease=lease)
    summary = page.locator(".drawer.sitting .summary")
    expect(summary).to_contain_text("You reached your goal")
    expect(summary).to_contain_text("1 (50 %)")
    page.reload()
    wait_for_pair(page)
    expect(page.locator(".goal-said")).to_have_text("2 of 2")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Store:
    folder: Path = tmp_path_factory.mktemp("school")
    store = Store(folder, n_prompts=6)
    me = store.services.labeling.sign_in(key=key_of(9)).id
    for number in (1, 2):
        store.services.checks.set_check(
            number, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=me, reason="It names the *unit*."
        )
    store.url = serve(store.services) + "label"
    return store


def test_whoever_begins_hears_what_is_right_and_why(school: Store, open_page: Open) -> None:
    page = open_page(school.url)
    lease = wait_for_pair(page)
    expect(page.locator(".practice")).to_be_visible()
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("b")
    lesson = page.locator(".lesson")
    expect(lesson).to_contain_text("You said right. A researcher says left.")
    expect(lesson.locator("em")).to_have_text("unit")
    page.keyboard.press("a")  # nothing is asked now
    page.keyboard.press("Enter")
    wait_for_pair(page, after=lease)
    expect(lesson).not_to_be_visible()
    page.get_by_text("Skip the practice").click()
    expect(page.locator(".practice")).not_to_be_visible()
    wait_for_pair(page)
    assert [one.outcome for one in school.preferences(page)] == [Outcome.RIGHT]
    assert school.services.checks.count(project_id=DEFAULT_PROJECT_ID) == {Purpose.GOLD: 2}

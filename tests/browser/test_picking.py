"""Choosing among all answers in Chromium: by number keys, by thumb on a phone, and while one writes."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from blender_ui.members.protocol import Chunk, Message, Usage
from db.engine import transaction
from db.models import Ballot
from tests.browser.conftest import Open, Serve
from tests.browser.test_blend_page import ANSWERS, Site, ask, bar, heads, look_up, make_site, visit
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser


def list_places(site: Site) -> list[list[int] | None]:
    with transaction(site.services.engine) as session:
        return [one.places for one in session.exec(select(Ballot))]


def expect_all_there(page: Page) -> None:
    expect(page.locator("#blend-picks button[data-act=best]")).to_have_count(3)


def test_a_number_chooses_the_best_of_all(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    site = make_site(tmp_path, serve)
    page = visit(site, open_page, width=1440, height=900)
    ask(page)
    expect_all_there(page)
    look_up(page)
    page.keyboard.press("3")
    expect(heads(page).nth(2)).to_have_text(page.locator("#blend-card .bu-is-chosen b").inner_text())
    expect(bar(page)).to_contain_text("Your vote is in")
    assert list_places(site) == [[2, 2, 1]]


def test_a_thumb_puts_them_in_order_on_a_phone(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    site = make_site(tmp_path, serve)
    page = visit(site, open_page, width=390, height=844)
    ask(page)
    expect_all_there(page)
    look_up(page)
    page.get_by_role("button", name="Order them").click()
    send = page.get_by_role("button", name="Send this order")
    expect(send).to_be_disabled()
    page.get_by_role("button", name="Answer 2", exact=True).click()
    page.get_by_role("button", name="Answer 3", exact=True).click()
    expect(send).to_be_enabled()
    expect(send).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    send.click()
    expect(page.locator("#blend-card .bu-is-chosen")).to_contain_text("Answer 2")
    assert list_places(site) == [[3, 1, 2]]


def test_no_press_waits_for_the_one_before(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    site = make_site(tmp_path, serve)
    page = visit(site, open_page, width=1440, height=900)
    ask(page)
    expect_all_there(page)
    look_up(page)
    asked = page.locator("#blend-vote").get_by_text("Which is better")
    expect(asked).to_be_visible()
    # In one task of the browser: none of these can have been answered before the next.
    press = "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    page.evaluate(f"(keys) => keys.forEach({press})", ["o", "3", "1", "1", "2"])  # 1 is taken out again
    expect(asked).to_be_hidden()
    send = page.get_by_role("button", name="Send this order")
    expect(send).to_be_enabled()
    expect(page.locator("#blend-picks sup")).to_have_text(["3.", "2.", "1."])
    click = "() => document.querySelectorAll('#blend-picks button[data-place]').forEach((one) => one.click())"
    page.evaluate(click)  # each goes out with what is behind it
    expect(page.locator("#blend-picks sup")).to_have_text(["", "", ""])
    page.evaluate(click)
    expect(page.locator("#blend-picks sup")).to_have_text(["1.", "2.", ""])
    page.keyboard.press("3")
    page.keyboard.press("e")
    expect(bar(page)).to_contain_text("Your vote is in")
    assert list_places(site) == [[1, 2, 3]]


def test_the_order_is_left_for_the_vote_on_two(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    page = visit(make_site(tmp_path, serve), open_page, width=1440, height=900)
    ask(page)
    expect_all_there(page)
    look_up(page)
    for key in ("o", "2", "o"):
        page.keyboard.press(key)
    expect(page.locator("#blend-vote").get_by_text("Which is better")).to_be_visible()
    page.keyboard.press("o")
    expect(page.locator("#blend-picks [aria-pressed=true]")).to_have_count(0)


def test_two_answers_are_voted_on_while_the_third_is_written(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    told = threading.Event()

    def slow(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        yield Chunk("Well,", 1)
        assert told.wait(60), "nobody told the member to go on"
        yield Chunk(" at last.", 2)
        yield Chunk("", 2, Usage(1, 2, "stop", 0.1, 0.2))

    members = [ScriptedMember(name, saying(ANSWERS[name])) for name in ("Brahms", "Curie")]
    services = build_scripted_services(tmp_path, ScriptedMember("Ada", slow), *members)
    page = visit(Site(serve(services), services), open_page)
    ask(page)
    look_up(page)
    page.keyboard.press("a")
    expect(page.locator("#blend-card .bu-is-chosen .bu-chosen")).to_have_text("Your choice")
    expect(page.locator("#blend-stop")).to_be_visible()
    told.set()
    expect(page.locator(".bu-columns")).to_contain_text("at last.")
    expect(heads(page).filter(has_text="Ada")).to_be_visible()
    expect(page.locator("#blend-stop")).to_be_hidden()
    expect(page.locator("#blend-ranking")).not_to_contain_text("come with the last answer")

"""One's earlier questions on the Blend page in Chromium: found, opened, and shared as a page by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Serve
from tests.browser.test_blend_page import ask, bar, look_up, make_site, visit

pytestmark = pytest.mark.browser


def test_an_earlier_question_is_found_opened_and_shared(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    site = make_site(tmp_path, serve)
    page = visit(site, open_page, width=1440, height=900)
    ask(page, "Why is the sky blue?")
    look_up(page)
    page.keyboard.press("a")
    expect(bar(page)).to_contain_text("Your vote is in")
    expect(page.locator("#blend-stop")).to_be_hidden()
    ask(page, "Why is grass green?")
    expect(page.locator("#blend-picks button[data-act=best]")).to_have_count(3)

    page.locator("#blend-past").get_by_text("Your earlier questions").click()
    rows = page.locator("#blend-past-rounds tbody tr")
    expect(rows).to_have_count(2)
    page.locator("#blend-past-search input, #blend-past-search textarea").fill("sky")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    rows.get_by_role("button", name="Share").click()
    link = page.locator("#blend-past-said a")
    expect(link).to_be_visible()
    address = f"{site.url}{link.get_attribute('href').removeprefix('./')}"
    rows.get_by_role("button", name="Open").click()
    expect(page.locator("#blend-card .bu-is-chosen .bu-chosen")).to_have_text("Your choice")
    expect(page.locator("#blend-prompt textarea")).to_have_value("Why is the sky blue?")

    stranger = open_page(address, width=390, height=844)
    expect(stranger.locator(".bu-verdict")).to_contain_text("Chosen")
    assert stranger.evaluate("document.documentElement.scrollWidth") <= 390
    page.once("dialog", lambda dialog: dialog.accept())
    rows.get_by_role("button", name="Take the link back").click()
    expect(page.locator("#blend-past-said")).to_contain_text("does not open any more")
    stranger.goto(address)
    expect(stranger.locator(".bu-verdict")).to_have_count(0)
    stranger.goto(f"{site.url}?round=1")
    expect(stranger.locator("#blend-notice")).to_contain_text("not one of yours")

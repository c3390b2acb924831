"""After the vote, in Chromium: one look holds the choice, the bet, the names and the fused answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Serve
from tests.browser.test_blend_page import ask, bar, look_up, make_site, visit

pytestmark = pytest.mark.browser


def bottom(page: Page, selector: str) -> float:
    """Pixels from the window's top to an element's lower edge."""
    edge: float = page.evaluate(
        "selector => document.querySelector(selector).getBoundingClientRect().bottom", selector
    )
    return edge


def test_after_the_vote_one_look_holds_all(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    site = make_site(tmp_path, serve)
    site.services.ranking.train()
    page = visit(site, open_page, width=1440, height=900)
    ask(page)
    expect(bar(page)).to_contain_text("Which is better, Answer")
    expect(page.locator("#blend-reveal")).to_be_hidden()
    look_up(page)
    page.keyboard.press("ArrowLeft")
    card = page.locator("#blend-card .bu-reveal")
    expect(card).to_contain_text("Before your vote the ranker had bet on")
    expect(card.locator(".bu-is-chosen .bu-chosen")).to_have_text("Your choice")
    expect(card.locator(".bu-is-chosen .bu-move")).to_contain_text("→")
    expect(page.locator("#blend-fused")).to_contain_text("scattered")
    expect(page.locator("#blend-fuse-again")).to_be_visible()
    for selector in ("#blend-card", "#blend-fused", ".bu-column-head"):
        assert 0 < bottom(page, selector) <= 900, selector
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.reload()
    expect(card.locator(".bu-is-chosen .bu-chosen")).to_have_text("Your choice")

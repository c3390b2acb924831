"""Every page fits its screen: nothing is wider, and what one comes for is within a screen and a half."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from blender_ui.ui.shell import ACCOUNT, PAGES
from tests.browser.conftest import Open
from tests.browser.test_accessibility import Site, site

__all__ = ["site"]  # the same pages, with people's work in them

pytestmark = pytest.mark.browser

HEIGHT = 900
MAIN_ACTIONS = {
    "": ".bu-send button",
    "label": "[data-outcome=left]",
    "train": "#train-go",
    "data": "#data-import",
    "projects": "#projects-save",
    "people": "#people-invite",
}
"""What one comes to a page for; pages that are read have none."""


def open_signed_in(site: Site, open_page: Open, width: int) -> Page:
    page = open_page(site.url + ACCOUNT.path, width=width, height=HEIGHT)
    page.evaluate("(token) => localStorage.setItem('blender-ui-key', token)", site.token)
    return page


def draw(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("[data-account]")).to_have_text("boss")


def tabs(page: Page) -> list[str]:
    """The names of a page's tabs; Gradio measures them in a hidden row that has them all, at any width."""
    shown = page.locator(".tab-wrapper", has=page.locator("[role=tablist]:visible"))
    return [
        name.strip() for name in shown.locator(".tab-container.visually-hidden button").all_text_contents()
    ]


def open_tab(page: Page, name: str) -> None:
    """Open a tab, through the menu of more tabs where the screen is too narrow for it.

    Gradio moves tabs into that menu some moments after it draws them, so both places are tried.
    """
    more = page.get_by_role("button", name="More tabs").locator("visible=true")
    for _ in range(20):
        tab = page.get_by_role("tab", name=name, exact=True)
        with suppress(Error):  # it moved between the look and the click
            if not tab.is_visible():
                more.click(timeout=1_000)
                tab = page.locator(".overflow-dropdown").get_by_role("button", name=name, exact=True)
            tab.click(timeout=1_000)
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"the tab {name} cannot be opened")


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_nothing_is_wider_than_the_screen(site: Site, open_page: Open, width: int) -> None:
    page = open_signed_in(site, open_page, width)
    wide: dict[str, Any] = {}
    for one in (*PAGES, ACCOUNT):
        draw(page, site.url + one.path)
        for tab in tabs(page) or [""]:
            if tab:
                open_tab(page, tab)
            found = page.evaluate("document.documentElement.scrollWidth")
            if found > width:
                wide[f"{one.title}, tab {tab}"] = found
    assert wide == {}


def test_what_one_comes_for_is_within_a_screen_and_a_half(site: Site, open_page: Open) -> None:
    page = open_signed_in(site, open_page, 1440)
    low: dict[str, Any] = {}
    for path, selector in MAIN_ACTIONS.items():
        draw(page, site.url + path)
        action = page.locator(selector).locator("visible=true").first
        expect(action).to_be_visible()
        box = action.bounding_box()
        assert box is not None
        if box["y"] + box["height"] > 1.5 * HEIGHT or box["width"] > 600:
            low[path] = box
    assert low == {}

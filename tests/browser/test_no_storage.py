"""A browser that keeps nothing for the page, as for a frame of another site: all works until one leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Serve
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

DENIED = """
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, {
    configurable: true,
    get() { throw new DOMException("Access is denied for this document.", "SecurityError"); },
  });
"""


def test_pages_work_where_the_browser_keeps_nothing(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    members = [ScriptedMember(name, saying(f"So says {name}.")) for name in ("Aardvark", "Badger")]
    url = serve(build_scripted_services(tmp_path, *members))
    page = open_page("about:blank", is_new=True)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.add_init_script(DENIED)
    for path in ("label", "train", ""):
        page.goto(url + path)
        expect(page.locator(".bu-tour")).to_be_visible()
    page.locator("#blend-prompt textarea").fill("Why?")
    page.keyboard.press("Enter")
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better")
    assert faults == []

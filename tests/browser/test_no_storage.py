"""A browser that keeps nothing for the page, as for a frame of another site: all works until one leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.space_parts import FramePage, running
from blender_ui.bootstrap import build_services
from blender_ui.settings import Settings
from tests.browser.conftest import Open, Serve
from tests.browser.test_label_page import SEEN_AFTER_MS
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

FORGETFUL = ".bu-forgetful"
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
        expect(page.locator(FORGETFUL)).to_have_count(0)  # nothing was done that the next page would lose
    expect(page.locator("#blend-ask")).to_be_enabled()
    page.locator("#blend-prompt textarea").fill("Why?")
    page.keyboard.press("Enter")
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better")
    expect(page.locator(FORGETFUL)).to_contain_text("the next page takes you for somebody new")
    assert faults == []


def test_a_vote_in_a_frame_that_keeps_nothing_says_so_once(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    elsewhere = FramePage()
    settings = Settings(
        home_path=tmp_path / "home",
        weights_path=tmp_path / "none",
        worker="none",
        frames=elsewhere.address,
    )
    services = build_services(settings)
    services.keep_examples()
    elsewhere.show(serve(services) + "label")
    page = open_page("about:blank", is_new=True)
    page.add_init_script(DENIED)
    with running(elsewhere):
        page.goto(elsewhere.address)
    frame = page.frame_locator("iframe")
    said = frame.locator(FORGETFUL)
    for number in (1, 2):
        expect(frame.locator(".label-frame")).to_have_attribute("data-phase", "ready")
        expect(said).to_have_count(number - 1)
        page.wait_for_timeout(SEEN_AFTER_MS)
        frame.locator("[data-outcome=left]").click()
        expect(frame.locator("[data-count=n_mine]")).to_have_text(str(number))
    expect(said).to_have_count(1)
    expect(said.get_by_role("link", name="Open it in a tab of its own")).to_have_attribute("target", "_blank")


def test_a_browser_that_keeps_things_is_told_nothing(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    members = [ScriptedMember(name, saying(f"So says {name}.")) for name in ("Aardvark", "Badger")]
    page = open_page(serve(build_scripted_services(tmp_path, *members)))
    expect(page.locator("#blend-ask")).to_be_enabled()
    page.locator("#blend-prompt textarea").fill("Why?")
    page.keyboard.press("Enter")
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better")
    expect(page.locator(FORGETFUL)).to_have_count(0)

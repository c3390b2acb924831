"""The tour: each of the three users walks it, closes it and opens it again; it fits; axe finds nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, Route, expect

from blender_ui.bootstrap import Services, build_services
from blender_ui.services.people.access import Mode
from blender_ui.settings import Settings
from db.enums import Role
from tests.browser.conftest import Open, Serve
from tests.browser.test_accessibility import axe_source, faults
from tests.browser.test_german import CUT, english_patterns
from tests.browser.test_label_page import SEEN_AFTER_MS, wait_for_pair
from tests.builders.people import PASSWORD

pytestmark = pytest.mark.browser

TOUR = ".bu-tour"
WALKS = {
    "visitor": ["", "", "label", "leaderboard"],
    "annotator": ["label", "label", "label", "leaderboard"],
    "researcher": ["", "label", "ensemble", "projects", "train", "inspect"],
}
"""The page of each step."""


class Place(NamedTuple):
    """Where the app is, and the token of who opens it; None for somebody without an account."""

    url: str
    token: str | None


def make_services(folder: Path, mode: Mode) -> Services:
    settings = Settings(
        home_path=folder / "home", weights_path=folder / "none", access=mode.value, worker="none"
    )
    services = build_services(settings)
    services.keep_examples()
    return services


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Iterator[Mapping[str, Place]]:
    own = make_services(tmp_path_factory.mktemp("own"), Mode.OPEN)
    demo = make_services(tmp_path_factory.mktemp("demo"), Mode.DEMO)
    demo.accounts.add(username="ann", password=PASSWORD, role=Role.ANNOTATOR, by=None)
    token = demo.accounts.sign_in(username="ann", password=PASSWORD).token
    url = serve(demo)
    yield {
        "visitor": Place(url, None),
        "annotator": Place(url, token),
        "researcher": Place(serve(own), None),
    }
    for services in (own, demo):
        services.close()


def arrive(
    place: Place, open_page: Open, *, width: int = 1280, light: str = "light", locale: str = "en-US"
) -> Page:
    """Open the first page as somebody who was never here."""
    page = open_page(place.url, is_new=True, width=width, light=light, locale=locale)
    if place.token is not None:
        page.evaluate("(token) => localStorage.setItem('blender-ui-key', token)", place.token)
        page.reload()
    page.emulate_media(reduced_motion="reduce")
    expect(page.locator(TOUR)).to_be_visible()
    return page


def go_to_step(page: Page, place: Place, number: int, path: str) -> None:
    """Be at a step, on its page."""
    page.evaluate("(step) => localStorage.setItem('blender-ui-tour', step)", number)
    page.goto(place.url + path)
    expect(page.locator(f"{TOUR} .bu-tour-step")).to_contain_text(str(number + 1))


@pytest.mark.parametrize("who", WALKS)
def test_each_user_walks_their_tour_by_the_keyboard(
    places: Mapping[str, Place], open_page: Open, who: str
) -> None:
    page = arrive(places[who], open_page)
    if WALKS[who][0]:
        page.get_by_role("button", name="Go to Label").press("Enter")
    for number, path in enumerate(WALKS[who]):
        expect(page.locator(f"{TOUR} .bu-tour-step")).to_have_text(
            f"Tour, step {number + 1} of {len(WALKS[who])}"
        )
        page.wait_for_url(lambda url, path=path: url.split("?")[0] == places[who].url + path)  # type: ignore[misc]
        expect(page.locator(f"{TOUR} .bu-strong")).to_have_count(1)
        page.locator(f"{TOUR} .bu-strong").press("Enter")
    expect(page.locator(TOUR)).to_have_count(0)
    page.reload()
    expect(page.locator("[data-tour-open]")).to_have_attribute("aria-expanded", "false")
    expect(page.locator(TOUR)).to_have_count(0)


def test_a_closed_tour_stays_closed_until_the_header_opens_it(
    places: Mapping[str, Place], open_page: Open
) -> None:
    page = arrive(places["researcher"], open_page)
    page.locator(f"{TOUR} h2").focus()
    page.keyboard.press("Escape")
    expect(page.locator(TOUR)).to_have_count(0)
    expect(page.locator("[data-tour-open]")).to_be_focused()
    page.goto(places["researcher"].url + "data")
    expect(page.locator("[data-tour-open]")).to_have_attribute("aria-expanded", "false")
    page.locator("[data-tour-open]").press("Enter")
    expect(page.locator(f"{TOUR} .bu-tour-step")).to_contain_text("step 1")
    expect(page.get_by_role("button", name="Go to Blend")).to_be_visible()


def test_a_press_before_the_page_knows_who_one_is_opens_the_tour_then(
    places: Mapping[str, Place], open_page: Open
) -> None:
    page = arrive(places["researcher"], open_page)
    page.evaluate("localStorage.setItem('blender-ui-tour', 'over')")
    asked: list[Route] = []
    page.route("**/run/account_me", lambda one: asked.append(one))
    page.goto(places["researcher"].url + "data")
    page.locator("[data-tour-open]").press("Enter")
    expect(page.locator(TOUR)).to_have_count(0)
    for one in asked:
        one.continue_()
    expect(page.locator(f"{TOUR} .bu-tour-step")).to_contain_text("step 1")
    assert asked


def test_keys_vote_beside_the_tour_and_the_votes_fit_the_screen(
    places: Mapping[str, Place], open_page: Open
) -> None:
    page = arrive(places["researcher"], open_page)
    page.get_by_role("button", name="Next: Label").click()
    wait_for_pair(page)
    expect(page.locator(TOUR)).to_be_visible()
    assert (
        page.evaluate("document.querySelector('.label-frame .votes').getBoundingClientRect().bottom") <= 900
    )
    page.locator(f"{TOUR} h2").focus()
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("a")
    expect(page.locator("[data-count=n_mine]")).to_have_text("1")


@pytest.mark.parametrize(("locale", "light", "width"), [("en-US", "light", 1024), ("de-DE", "dark", 390)])
@pytest.mark.parametrize("who", WALKS)
def test_it_fits_speaks_the_language_and_axe_finds_nothing(
    places: Mapping[str, Place], open_page: Open, who: str, locale: str, light: str, width: int
) -> None:
    patterns = english_patterns() if locale == "de-DE" else []
    page = arrive(places[who], open_page, width=width, light=light, locale=locale)
    page.evaluate(axe_source())
    wrong = {0: [fault for fault in faults(page) if "bu-tour" in fault]}
    for number, path in enumerate(WALKS[who]):
        go_to_step(page, places[who], number, path)
        said = page.locator(f"{TOUR} :is(h2, p, button)").all_text_contents()
        cut = [text for text in page.evaluate(CUT) if text in said]
        is_wide = page.evaluate("document.documentElement.scrollWidth") > width
        english = [text for text in said if any(one.fullmatch(text) for one in patterns)]
        wrong[number] = wrong.get(number, []) + cut + english + ["wide"] * is_wide
    assert {number: found for number, found in wrong.items() if found} == {}

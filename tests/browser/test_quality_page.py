"""The quality page in Chromium: figures, a ruling by hand, and what a phone shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from db.engine import transaction
from db.models import Adjudication, Outcome
from tests.browser.conftest import Open, Serve
from tests.services.quality.test_quality import Store
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> tuple[Any, str]:
    home: Path = tmp_path_factory.mktemp("home")
    store = Store(home, n_prompts=45)
    for place in range(44):
        store.say("ada", place, [Outcome.LEFT, Outcome.RIGHT][place % 2])
        store.say("bob", place, [Outcome.LEFT, Outcome.RIGHT][(place + (place < 2)) % 2])
    services = build_scripted_services(home)
    return services, serve(services)


def test_a_ruling_is_stored_and_the_next_disagreement_comes(site: tuple[Any, str], open_page: Open) -> None:
    services, url = site
    page = open_page(f"{url}quality")
    expect(page.locator("#quality-overall")).to_contain_text("Krippendorff's alpha")
    expect(page.locator("#quality-curve .js-plotly-plot")).to_be_visible()
    expect(page.locator("#quality-annotators")).to_contain_text("ada")
    expect(page.locator("#quality-pair")).to_contain_text("0 with a ruling, 2 waiting for one")
    page.click("#quality-rule")
    expect(page.locator("#quality-notice")).to_contain_text("choose what counts")
    page.click("#quality-outcome label:has-text('left is better')")
    page.fill("#quality-reason textarea", "the right one is not an answer")
    page.click("#quality-rule")
    expect(page.locator("#quality-notice")).to_contain_text("The ruling is stored")
    expect(page.locator("#quality-pair")).to_contain_text("1 with a ruling, 1 waiting for one")
    with transaction(services.engine) as session:
        ruling = session.get(Adjudication, 1)
        assert ruling is not None
        assert (ruling.outcome, ruling.reason) == (Outcome.LEFT, "the right one is not an answer")


def test_a_phone_shows_the_page_without_scrolling_sideways(site: tuple[Any, str], open_page: Open) -> None:
    _, url = site
    page = open_page(f"{url}quality", width=390, light="dark")
    expect(page.locator("#quality-annotators")).to_contain_text("bob")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

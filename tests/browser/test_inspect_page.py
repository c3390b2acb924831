"""The inspect page in Chromium: a prompt is found, ranked, and seen beside its votes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from db.models import Outcome
from tests.browser.conftest import Open, Serve
from tests.services.stores import add_prompts, key_of
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> tuple[Any, str]:
    services = build_scripted_services(tmp_path_factory.mktemp("home"))
    annotator = services.labeling.sign_in(key=key_of(1))
    for prompt_id in add_prompts(services.engine, n_prompts=3, n_candidates=3):
        services.labeling.queue_prompt(prompt_id=prompt_id)
    for number in range(9):
        pair = services.labeling.next_pair(annotator_id=annotator.id)
        services.labeling.submit(
            annotator_id=annotator.id,
            lease_id=pair.lease_id,
            outcome=Outcome.LEFT if pair.left_text < pair.right_text else Outcome.RIGHT,
            idempotency_key=str(number),
        )
    return services, serve(services)


def test_a_prompt_is_found_ranked_and_shown_beside_its_votes(site: tuple[Any, str], open_page: Open) -> None:
    services, url = site
    page = open_page(f"{url}inspect")
    expect(page.locator("#inspect-texts summary").first).to_contain_text("Prompt 3")
    page.fill("#inspect-search input, #inspect-search textarea", "question 1")
    page.keyboard.press("Enter")
    expect(page.locator("#inspect-texts summary").first).to_contain_text("Prompt 2")
    expect(page.locator("#inspect-votes tbody tr")).to_have_count(3)
    page.click("#inspect-rank")
    expect(page.locator("#inspect-notice")).to_contain_text("No ranker has been trained")
    services.ranking.train()
    page.click("#inspect-rank")
    expect(page.locator("#inspect-ranks tbody tr")).to_have_count(3)
    expect(page.locator("#inspect-heat .js-plotly-plot")).to_be_visible()
    expect(page.locator("#inspect-logits tbody tr")).to_have_count(3)
    with page.expect_download() as downloading:
        page.locator("#inspect-logits a[download]").click()
    assert downloading.value.path().read_text().count("\n") == 7


def test_members_are_rated_with_intervals(site: tuple[Any, str], open_page: Open) -> None:
    page = open_page(f"{site[1]}inspect", light="dark")
    page.get_by_role("tab", name="The members").click()
    expect(page.locator("#inspect-ratings tbody tr")).to_have_count(3)
    expect(page.locator("#inspect-ratings tbody td").nth(1)).to_have_text("member-0")
    expect(page.locator("#inspect-ratings-plot .js-plotly-plot")).to_be_visible()
    expect(page.locator("#inspect-wins tbody tr")).to_have_count(3)


def test_an_address_opens_its_prompt(site: tuple[Any, str], open_page: Open) -> None:
    page = open_page(f"{site[1]}inspect?prompt=1")
    expect(page.locator("#inspect-texts summary").first).to_contain_text("Prompt 1")

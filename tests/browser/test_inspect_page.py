"""The inspect page in Chromium: a prompt is found, ranked, and seen beside its votes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from blender_ui.services.ranking.ranks import RankingService
from db.models import Outcome
from tests.browser.conftest import Open, Serve
from tests.builders.stores import add_prompts, key_of
from tests.builders.trained import copy_trained_store
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
    expect(page.locator("#inspect-texts h2").first).to_contain_text("Prompt 3")
    page.fill("#inspect-search input, #inspect-search textarea", "question 1")
    page.keyboard.press("Enter")
    expect(page.locator("#inspect-texts h2").first).to_contain_text("Prompt 2")
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
    expect(page.locator("#members-ratings tbody tr")).to_have_count(3)
    expect(page.locator("#members-ratings tbody td").nth(1)).to_have_text("member-0")
    expect(page.locator("#members-ratings-plot .js-plotly-plot")).to_be_visible()
    expect(page.locator("#members-wins tbody tr")).to_have_count(3)


@pytest.mark.parametrize("kind", ["PNG", "SVG"])
def test_a_figure_is_saved_as_it_is_drawn(site: tuple[Any, str], open_page: Open, kind: str) -> None:
    page = open_page(f"{site[1]}inspect?tab=members")
    expect(page.locator("#members-ratings-plot .js-plotly-plot")).to_be_visible()
    with page.expect_download() as downloading:
        page.locator("#members-ratings").get_by_role("button", name=kind).click()
    saved = downloading.value.path().read_bytes()
    assert saved.startswith(b"\x89PNG" if kind == "PNG" else b"<svg")
    assert downloading.value.suggested_filename == f"ratings.{kind.lower()}"


@pytest.fixture(scope="module")
def trained_site(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> tuple[Any, str]:
    home = tmp_path_factory.mktemp("home")
    copy_trained_store(home)
    services = build_scripted_services(home)
    return services, serve(services)


def test_a_version_is_judged_and_its_link_opens_it_again(
    trained_site: tuple[Any, str], open_page: Open
) -> None:
    page = open_page(f"{trained_site[1]}inspect?tab=version&version=2")
    expect(page.locator("#version-summary")).to_contain_text("41 of 41")
    expect(page.locator("#version-reliability-plot .js-plotly-plot")).to_be_visible()
    mistake = page.locator("#version-mistakes tbody a").first
    assert "tab=decision" in (mistake.get_attribute("href") or "")
    link = page.locator("#version-notice a").first.get_attribute("href")
    again = open_page(f"{trained_site[1]}{(link or '').removeprefix('./')}")
    expect(again.locator("#version-summary")).to_contain_text("41 of 41")


def test_two_versions_are_compared_and_one_is_promoted(
    trained_site: tuple[Any, str], open_page: Open
) -> None:
    page = open_page(f"{trained_site[1]}inspect?tab=versions&version=1&other=2")
    expect(page.locator("#contrast-summary")).to_contain_text("McNemar")
    page.fill("#contrast-reason input, #contrast-reason textarea", "to see")
    page.click("#contrast-promote")
    expect(page.locator("#contrast-said")).to_contain_text("Version 2 ranks from now on")
    expect(page.locator("#contrast-reason input, #contrast-reason textarea")).to_have_value("")


def test_typing_moves_the_logits_and_sides_are_swapped(
    trained_site: tuple[Any, str], open_page: Open
) -> None:
    page = open_page(f"{trained_site[1]}inspect?tab=what-if&prompt=1&version=1", width=390)
    opinion = page.locator("#what-if-opinion")
    expect(opinion).to_contain_text("The first answer is better")
    page.fill("#what-if-first textarea", "good good good good good")
    page.fill("#what-if-second textarea", "bad")
    expect(opinion).to_contain_text(re.compile(r"The first answer is better: (9\d|100)%"))
    page.click("#what-if-swap")
    expect(page.locator("#what-if-first textarea")).to_have_value("bad")
    page.click("#what-if-sentences")
    expect(page.locator("#what-if-dropped .bu-weighed")).to_have_count(2)
    page.click("#what-if-tokens")
    expect(page.locator("#what-if-attributed")).to_contain_text("They add up.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_decision_shows_its_texts_with_why_and_they_are_changed_in_place(
    trained_site: tuple[Any, str], open_page: Open
) -> None:
    services, url = trained_site
    ranker = RankingService(
        services.engine,
        process=services.process,
        live_head=services.live_head,
        rankers_path=services.settings.rankers_path,
    )
    ranking_id = ranker.rank(prompt_id=1, version_id=1).ranking_id
    page = open_page(f"{url}inspect?tab=decision&prompt=1&ranking={ranking_id}", width=1440)
    cards = page.locator("#inspect-texts .bu-side > div")
    expect(cards).to_have_count(2)
    first, second = cards.nth(0).bounding_box(), cards.nth(1).bounding_box()
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]  # side by side
    expect(cards.nth(0)).to_contain_text(re.compile(r"^1\. m\d"))
    expect(cards.nth(0)).to_contain_text(re.compile(r"Before m\d-0 for .*\+\d\.\d"))
    expect(cards.nth(1)).to_contain_text("Behind m")
    expect(page.locator("#inspect-texts .bu-badge").nth(1)).to_have_text(
        re.compile("^(held out|learnt from this prompt)$")
    )
    page.get_by_role("button", name="Change a text and see what becomes of it").click()
    page.fill("#inspect-first textarea", "bad")
    page.locator("#inspect-second textarea").press_sequentially(" good good")
    expect(page.locator("#inspect-edited")).to_contain_text(re.compile(r"would be better: \d+%"))
    page.click("#inspect-colour")
    expect(page.locator("#inspect-texts .bu-weighed")).to_have_count(2)
    expect(page.locator("#inspect-notice")).to_contain_text("They add up.")


def test_the_queue_is_shown_by_source(trained_site: tuple[Any, str], open_page: Open) -> None:
    page = open_page(f"{trained_site[1]}inspect?tab=people")
    expect(page.locator("#inspect-queue tbody tr")).to_have_count(1)
    expect(page.locator("#inspect-queue")).to_contain_text("180")


def test_an_address_opens_its_prompt(site: tuple[Any, str], open_page: Open) -> None:
    page = open_page(f"{site[1]}inspect?prompt=1")
    expect(page.locator("#inspect-texts h2").first).to_contain_text("Prompt 1")

"""A stranger's first minute in a fresh demo, on a machine without any weights: something to see at once.

No model runs: what is shown was recorded, ranked by the start ranker and fused before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from blender_ui.bootstrap import Services, build_services
from blender_ui.services.recorded.file import read_rounds
from blender_ui.services.recorded.keeping import PROJECT_NAME
from blender_ui.settings import Settings
from tests.browser.conftest import Open, Serve, settle
from tests.browser.test_label_page import SEEN_AFTER_MS, wait_for_pair

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST = read_rounds().rounds[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("fresh-demo")
    settings = Settings(
        home_path=folder / "home", weights_path=folder / "no-weights", access="demo", worker="none"
    )
    services = build_services(settings)
    services.keep_examples()
    yield services
    services.close()


@pytest.fixture(scope="module")
def url(demo: Services, serve: Serve) -> str:
    return serve(demo)


def open_example(page: Page) -> None:
    expect(page.locator("#blend-ask")).to_be_enabled()
    page.locator("#blend-recorded .gallery-item").first.click()
    expect(page.locator("#blend-conversation")).to_contain_text("Recorded")


def test_a_recorded_example_is_ranked_and_fused_without_a_vote(url: str, open_page: Open) -> None:
    page = open_page(url)
    expect(page.locator("#blend-kept")).to_contain_text("are kept")
    open_example(page)
    expect(page.locator("#blend-prompt textarea")).to_have_value(FIRST.instruction)
    for number, _ in enumerate(FIRST.answers):
        expect(page.locator(f"#blend-column-{number}")).to_contain_text(f"Answer {number + 1}")
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better, Answer")
    page.locator("#blend-show").click()
    expect(page.locator("#blend-results")).to_contain_text("start ranker")
    expect(page.locator("#blend-ranking table").first).to_contain_text("SmolLM2")
    expect(page.locator("#blend-fused")).not_to_have_text("")


@pytest.mark.parametrize(("width", "height", "least"), [(1440, 900, 230), (390, 844, 60)])
def test_answers_are_in_sight_above_the_vote_s_bar(
    url: str, open_page: Open, width: int, height: int, least: int
) -> None:
    page = open_page(url, width=width, height=height)
    open_example(page)
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better, Answer")
    settle(page)
    answer, bar = page.locator("#blend-column-0").bounding_box(), page.locator("#blend-vote").bounding_box()
    assert answer is not None
    assert bar is not None
    assert bar["y"] - answer["y"] > least
    page.locator("#blend-show").click()
    expect(page.locator("#blend-ask")).to_be_visible()


def test_a_recorded_example_that_is_pressed_while_the_page_opens_is_opened(url: str, open_page: Open) -> None:
    page = open_page("about:blank")

    def hold(route: Route) -> None:
        time.sleep(1.5)
        route.continue_()

    page.route("**/blend_open", hold)
    page.route("**/run/blend_open*", hold)
    page.goto(url)
    page.locator("#blend-recorded .gallery-item").first.click()
    expect(page.locator("#blend-conversation")).to_contain_text("Recorded")
    expect(page.locator("#blend-notice")).not_to_contain_text("still opening")


def test_a_vote_on_a_recorded_example_counts_and_a_reload_shows_it_again(url: str, open_page: Open) -> None:
    page = open_page(url)
    open_example(page)
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better, Answer")
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("a")
    expect(page.locator("#blend-results")).to_be_visible()
    page.reload()
    expect(page.locator("#blend-results")).to_contain_text("start ranker")
    expect(page.locator("#blend-conversation")).to_contain_text("Recorded")


def test_pairs_are_ready_to_label_and_decisions_to_inspect(url: str, open_page: Open) -> None:
    page = open_page(f"{url}label")
    lease = wait_for_pair(page)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("a")
    expect(page.locator("[data-count=n_mine]")).to_have_text("1")
    assert wait_for_pair(page, after=lease) != lease
    page.goto(f"{url}inspect")
    expect(page.locator("#inspect-ranks")).to_contain_text("SmolLM2")
    expect(page.locator("#inspect-texts")).not_to_have_text("")


def test_no_page_sends_a_visitor_where_they_may_not_go(
    demo: Services, url: str, open_page: Open, tmp_path: Path
) -> None:
    project_id = next(one.id for one in demo.projects.list_projects() if one.terms.name == PROJECT_NAME)
    page = open_page(f"{url}label?project=1")
    expect(page.locator(".label-frame")).to_contain_text("Default project has no prompts yet")
    assert not page.locator(".label-frame a[href*=data], .label-frame a[href*=projects]").count()
    page.goto(f"{url}label?project={project_id}")
    wait_for_pair(page)

"""The pages in German: no English message is left, words fit, axe finds nothing, a round goes through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from blender_ui.language import speaking, tr
from blender_ui.messages import find_messages
from blender_ui.ui.shell import ACCOUNT, PAGES
from tests.browser.conftest import Open, Serve, settle
from tests.browser.test_accessibility import Site, axe_source, faults, site
from tests.browser.test_blend_page import make_site, visit

__all__ = ["site"]  # the same pages, with people's work in them

pytestmark = pytest.mark.browser

GERMAN = "de-DE"
WIDTHS, HEIGHT = (1440, 1024, 390), 900
READ = """() => {
  const skipped = ".bu-prose, pre, code, option:not(:checked), script, style, .katex, select[data-project]";
  const said = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (node.data.trim() && !parent.closest(skipped) && parent.checkVisibility()) said.add(node.data);
  }
  for (const element of document.querySelectorAll("[aria-label], [placeholder], [title]")) {
    if (element.closest(skipped) || !element.checkVisibility()) continue;
    for (const name of ["aria-label", "placeholder", "title"]) said.add(element.getAttribute(name) ?? "");
  }
  return [...said].map((text) => text.split(/\\s+/).join(" ").trim());
}"""
"""What a person reads on the page, apart from people's and models' texts."""
CUT = """() => [...document.querySelectorAll(
    "button, .label-wrap > span:first-child, h1, h2, h3, label, summary, .bu-badge, .bu-notice, nav a, th")]
  .filter((one) => !one.matches(".label-wrap") && one.checkVisibility()
    && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).display !== "inline")
  .map((one) => one.textContent.trim().slice(0, 60))"""
"""Words that do not fit where they stand."""
LEAST_WORDS = 2
"""Of a message with values, whose English words alone tell it from a text of somebody's."""


def english_patterns() -> list[re.Pattern[str]]:
    """Messages as they read in English, those that German says otherwise."""
    patterns = []
    with speaking("de"):
        said = {one.text: tr(one.text) for one in find_messages() if not one.many}
    for english, german in said.items():
        if english.strip() == german.strip():
            continue
        parts = re.split(r"\{[^{}]*\}", english.strip())
        words = re.findall(r"[A-Za-z]{3,}", " ".join(parts))
        if len(parts) == 1 or len(words) >= LEAST_WORDS:
            patterns.append(re.compile(".+".join(map(re.escape, parts))))
    return patterns


def open_german(site: Site, open_page: Open) -> Page:
    page = open_page(site.url + ACCOUNT.path, width=WIDTHS[0], locale=GERMAN)
    page.evaluate("(token) => localStorage.setItem('blender-ui-key', token)", site.token)
    page.emulate_media(reduced_motion="reduce")
    return page


def walk(page: Page, site: Site) -> Iterator[str]:
    """Every page, drawn for good, and every tab of it; gives where one is."""
    for one in (*PAGES, ACCOUNT):
        page.goto(site.url + one.path)
        expect(page.locator("[data-account]")).to_have_text("boss")
        settle(page)
        yield one.title
        for number in range(1, page.locator("[role=tab]:visible").count()):
            page.locator("[role=tab]:visible").nth(number).click()
            settle(page)
            yield f"{one.title}, tab {number}"


def list_cut(page: Page) -> list[str]:
    """What is wider than the screen, or than its place, at any width; the page is left as wide as it was."""
    cut = []
    for width in (*WIDTHS[1:], WIDTHS[0]):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        settle(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        cut += [f"{width}: the page has {wide}"] if wide > width else []
        cut += [f"{width}: {words}" for words in page.evaluate(CUT)]
    return cut


def test_no_english_message_is_left_words_fit_and_axe_finds_nothing(site: Site, open_page: Open) -> None:
    page, patterns = open_german(site, open_page), english_patterns()
    left: dict[str, list[str]] = {}
    for place in walk(page, site):
        assert page.locator("html").get_attribute("lang") == "de"
        said = [text for text in page.evaluate(READ) if any(one.fullmatch(text) for one in patterns)]
        page.evaluate(axe_source())
        left[place] = said + faults(page) + list_cut(page)
    assert {place: found for place, found in left.items() if found} == {}
    assert len(left) > len(PAGES)


def test_a_round_in_german_and_what_is_left_to_label(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    made = make_site(tmp_path, serve)
    made.services.ranking.train()
    page = visit(made, open_page, width=1440, height=900, locale=GERMAN)
    expect(page.locator("h1")).to_have_text("Einmal fragen, blind vergleichen, das Beste verbinden")
    expect(page.locator("#blend-ask")).to_have_text("Fragen")
    page.locator("#blend-prompt textarea").fill("Why is the sky blue?")
    page.keyboard.press("Enter")
    expect(page.locator("#blend-vote .bu-question")).to_contain_text("Welche ist besser, Antwort")
    page.locator("h1").click()  # keys are votes outside of the text box, after the eye's moment
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowLeft")
    card = page.locator("#blend-card .bu-reveal")
    expect(card).to_contain_text("Vor der Stimme hatte der Ranker gesetzt auf")
    expect(page.locator("#blend-ranking")).to_contain_text("Die Rangfolge")
    page.goto(made.url + "label")
    expect(page.locator("[data-outcome=left]")).to_have_text("a Links ist besser")
    expect(page.locator(".label-frame")).to_have_attribute("data-phase", "empty")
    expect(page.locator(".empty h2")).to_have_text(
        "Nichts zu bewerten"
    )  # of these answers the names are known
    expect(page.locator(".empty .why")).to_contain_text(
        "gehören zu Prompts, deren Modelle schon bekannt sind"
    )


def test_a_choice_in_the_header_goes_before_the_browsers_language(site: Site, open_page: Open) -> None:
    page = open_german(site, open_page)
    page.goto(site.url + "leaderboard")
    expect(page.locator("h1")).to_have_text("Bestenliste")
    page.locator("[data-language]").select_option("en")
    expect(page.locator("h1")).to_have_text("Leaderboard")
    assert page.locator("html").get_attribute("lang") == "en"
    page.goto(site.url + "quality")
    expect(page.locator("h1")).to_have_text("How good are the labels?")

"""The Blend page in Chromium, over members that do what the question tells them."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import select

from blender_ui.members.protocol import Chunk, Message
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.fusing.fused_answers import FusionUpdate
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.views import Turn
from db.engine import transaction
from db.models import Preference
from tests.browser.conftest import Open, Serve
from tests.builders.scripted_members import Script, ScriptedMember, failing, hanging, thinking_first
from tests.ui.scripted_services import build_scripted_services, typing

pytestmark = pytest.mark.browser

ANSWERS = {
    "Ada": "It is **scattered** light, $x^2$ of it, and costs $5 or $6.\n\n```python\nblue = True\n```\n\n"
    '<img src="https://images.invalid/a.png" onerror="window.hacked = 1"> ![b](https://images.invalid/b.png)',
    "Brahms": "Short waves bounce about in the air. So blue comes from everywhere. Red goes straight on.",
    "Curie": "The sea is blue, and the sky mirrors it.",
}
QUESTION = "Why is the sky blue?"
NOTE_WRITING = """() => {
    const look = () => {
        const drawn = document.querySelector('.bu-writing');
        if (drawn && drawn.getClientRects().length) window.hasWritten = true;
    };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""
"""Notes in the page whether a column was ever seen writing."""


def pondering(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
    """Thinks for three seconds before it answers."""
    for count in range(1, 31):
        time.sleep(0.1)
        yield Chunk("", count, thinking=f"thought {count}; ")
    yield from thinking_first(answer="Blue scatters most.")(messages, stop)


class Site(NamedTuple):
    """An app that is being served."""

    url: str
    services: Any


def obeying(name: str) -> Script:
    """Answers, breaks down once for each question that says "break", or hangs where it says "hang"."""
    has_broken = set()

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        question = messages[-1].content
        if name == "Curie" and "break" in question and question not in has_broken:
            has_broken.add(question)
            return failing("crashed", "Curie fell over", "I b")(messages, stop)
        if name == "Ada" and "ponder" in question:
            return pondering(messages, stop)
        if "hang" in question:
            return hanging(f"{name[0]} thinks")(messages, stop)
        return typing(ANSWERS[name], word_seconds=0.03)(messages, stop)

    return script


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Site:
    return make_site(tmp_path_factory.mktemp("blend"), serve)


def make_site(folder: Path, serve: Serve) -> Site:
    members = [ScriptedMember(name, obeying(name)) for name in ANSWERS]
    services = build_scripted_services(folder, *members)
    return Site(serve(services), services)


def visit(site: Site, open_page: Open, **options: Any) -> Page:
    page = open_page(site.url, **options)
    expect(page.locator("#blend-ask")).to_be_enabled()
    return page


def ask(page: Page, question: str = QUESTION) -> None:
    page.locator("#blend-prompt textarea").fill(question)
    page.keyboard.press("Enter")


def heads(page: Page) -> Locator:
    return page.locator(".bu-column-head h2")


def bar(page: Page) -> Locator:
    return page.locator("#blend-vote .bu-question")


def look_up(page: Page) -> None:
    """Leave the text box, so that keys are votes, and give the eye its moment."""
    expect(bar(page)).to_contain_text("Which is better, Answer")
    page.locator("#blend-prompt textarea").blur()  # a phone has no room for the heading now
    page.wait_for_timeout(300)


def test_ask_stream_vote_by_key_and_see_who_it_was(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    site = make_site(tmp_path, serve)
    site.services.ranking.train()
    page = visit(site, open_page)
    page.evaluate(NOTE_WRITING)  # it lasts half a second, and Playwright looks less often than that
    ask(page)
    expect(bar(page)).to_contain_text("Which is better, Answer")
    assert page.evaluate("window.hasWritten") is True
    expect(heads(page)).to_have_text(["Answer 1", "Answer 2", "Answer 3"])
    assert not any(name in page.content() for name in ANSWERS)
    expect(page.locator("#blend-results")).to_be_hidden()
    look_up(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#blend-ranking table").first).to_contain_text("Brahms")
    for name in ANSWERS:  # each once: there are as many columns as names
        expect(heads(page).filter(has_text=name)).to_have_count(1)
    expect(page.locator("#blend-fused")).to_contain_text("scattered")
    page.get_by_role("tab", name="Where it came from").click()
    expect(page.locator("#blend-attributed .bu-source-1").first).to_be_visible()
    expect(page.locator("#blend-differences :is(ins, del)").first).to_be_visible()


def test_answers_are_drawn_as_markdown_that_can_do_nothing(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    ask(page)
    expect(bar(page)).to_be_visible()
    answer = page.locator(".bu-column", has_text="scattered")
    expect(answer.locator("strong")).to_have_text("scattered")
    expect(answer.locator(".katex").first).to_be_visible()
    expect(answer.locator("pre code")).to_contain_text("blue = True")
    expect(answer).to_contain_text("costs $5 or $6")
    expect(answer).to_contain_text('<img src="')
    assert page.locator(".bu-column img").count() == 0
    assert page.evaluate("window.hacked") is None
    assert not [url for url in requests if not url.startswith((site.url, "data:", "blob:"))]


def test_a_failing_member_is_a_card_with_retry_and_spoils_nothing(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    ask(page, "Please break.")
    card = page.locator(".bu-column", has=page.locator(".bu-warning"))
    expect(card).to_contain_text("Retry starts it again")
    expect(bar(page)).to_be_visible()
    assert "Curie" not in page.content()
    card.get_by_role("button", name="Retry").click()
    expect(page.locator(".bu-columns")).to_contain_text("the sky mirrors it.")
    expect(page.locator(".bu-column .bu-warning")).to_have_count(0)


def test_thinking_can_be_unfolded_once_the_names_are_shown(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    ask(page, "Please ponder.")
    expect(page.locator(".bu-columns")).to_contain_text("Blue scatters most.")
    expect(bar(page)).to_contain_text("Which is better, Answer")
    expect(page.get_by_role("button", name="Thinking")).to_have_count(0)
    assert "thought 2;" not in page.content()
    page.locator("#blend-show").click()
    expect(page.get_by_role("button", name="Thinking")).to_have_count(1)
    column = page.locator(".bu-column", has=page.get_by_role("button", name="Thinking"))
    expect(column.get_by_text("thought 2;")).to_be_hidden()
    column.get_by_role("button", name="Thinking").click()
    expect(column.get_by_text("thought 2;")).to_be_visible()
    assert "thought" not in column.locator(".block.bu-answer").inner_text()


def test_stop_ends_the_answers_and_keeps_what_was_said(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    ask(page, "Please hang.")
    for name in ANSWERS:
        expect(page.locator(".bu-columns")).to_contain_text(f"{name[0]} thinks")
    expect(page.locator("#blend-ask")).to_be_disabled()
    ask(page, "Something else?")
    expect(page.locator("#blend-notice")).to_contain_text("The answers are still coming")
    for name in ANSWERS:
        expect(page.locator(".bu-columns")).to_contain_text(f"{name[0]} thinks")
    page.locator("#blend-stop").click()
    expect(page.locator(".bu-column .bu-warning")).to_have_count(3)
    expect(page.locator(".bu-columns")).to_contain_text("A thinks")
    expect(page.locator("#blend-ask")).to_be_enabled()
    expect(page.locator("#blend-stop")).to_be_hidden()


def test_a_reload_in_the_middle_can_still_stop_and_ask_again(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    ask(page, "Please hang on.")
    for name in ANSWERS:
        expect(page.locator(".bu-columns")).to_contain_text(f"{name[0]} thinks")
    page.reload()
    for name in ANSWERS:
        expect(page.locator(".bu-columns")).to_contain_text(f"{name[0]} thinks")
    expect(heads(page)).to_have_text(["Answer 1", "Answer 2", "Answer 3"])
    page.locator("#blend-stop-0").click()
    expect(page.get_by_role("button", name="Retry")).to_have_count(1)
    page.locator("#blend-stop").click()
    expect(page.get_by_role("button", name="Retry")).to_have_count(3)
    expect(page.locator(".bu-columns")).to_contain_text("A thinks")
    expect(page.locator("#blend-ask")).to_be_enabled()


def test_a_double_click_asks_once_and_quick_keys_vote_once(site: Site, open_page: Open) -> None:
    members = site.services.members.by_name.values()
    n_asked = [len(member.asked) for member in members]
    n_votes = count_votes(site)
    page = visit(site, open_page)
    page.locator("#blend-prompt textarea").fill(QUESTION)
    page.locator("#blend-ask").dblclick()
    look_up(page)
    assert [len(member.asked) for member in members] == [count + 1 for count in n_asked]
    for key in "abtn":
        page.keyboard.press(key)
    expect(bar(page)).to_contain_text("Your vote is in")
    assert count_votes(site) == n_votes + 1


def test_a_vote_that_came_to_nothing_can_be_given_again(
    site: Site, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press() -> None:
        with page.expect_response("**/run/**"):
            page.keyboard.press("t")
        page.wait_for_timeout(600)
        expect(bar(page)).to_contain_text("Which is better, Answer")

    n_votes = count_votes(site)
    page = visit(site, open_page)
    ask(page)
    look_up(page)
    page.route("**/run/**", lambda route: route.fulfill(status=500, json={"error": "broken"}), times=1)
    press()
    with monkeypatch.context() as refusing:
        refusing.setattr(Blend, "vote", lambda _, visit, *__: Turn(visit, "There is no pair to vote on now."))
        press()
    page.keyboard.press("t")
    expect(bar(page)).to_contain_text("Your vote is in")
    assert count_votes(site) == n_votes + 1


def count_votes(site: Site) -> int:
    with transaction(site.services.engine) as session:
        return len(session.exec(select(Preference.id)).all())


def test_keys_do_nothing_while_one_types(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    ask(page)
    look_up(page)
    page.locator("#blend-reason").get_by_role("textbox").press_sequentially("bats")
    expect(heads(page)).to_have_text(["Answer 1", "Answer 2", "Answer 3"])


def test_a_reload_brings_the_prompt_its_answers_and_its_blindness_back(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    ask(page)
    expect(bar(page)).to_be_visible()
    before = page.locator(".bu-column .bu-prose").all_inner_texts()
    page.reload()
    look_up(page)
    expect(page.locator("#blend-prompt textarea")).to_have_value(QUESTION)
    expect(page.locator(".bu-column .bu-prose")).to_have_text(before, use_inner_text=True)
    assert not any(name in page.content() for name in ANSWERS)
    page.keyboard.press("t")
    expect(page.locator("#blend-ranking")).to_contain_text("No ranker has been trained yet")
    page.reload()
    expect(page.locator("#blend-ranking")).to_contain_text("No ranker has been trained yet")
    for name in ANSWERS:
        expect(heads(page).filter(has_text=name)).to_have_count(1)


def test_a_second_question_begins_blind_and_gets_a_result_of_its_own(site: Site, open_page: Open) -> None:
    page = visit(site, open_page)
    for question in (QUESTION, "And at night?"):
        ask(page, question)
        expect(page.locator("#blend-results")).to_be_hidden()
        expect(bar(page)).to_contain_text("Which is better, Answer")
        expect(heads(page)).to_have_text(["Answer 1", "Answer 2", "Answer 3"])
        look_up(page)
        page.keyboard.press("n")
        expect(page.locator("#blend-differences :is(ins, del)").first).to_be_visible()


def test_a_second_round_ends_with_the_next_question(
    site: Site, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fuse, goes_on, has_ended = site.services.fusing.fuse, threading.Event(), threading.Event()

    def fuse_slowly(answers: PromptView, *, rounds: int = 1) -> Iterator[FusionUpdate]:
        if rounds == 1:
            yield from fuse(answers)
            return
        try:
            yield FusionUpdate(text="The first question's")
            goes_on.wait(60)
            yield FusionUpdate(text="The first question's second round", is_done=True)
        finally:
            has_ended.set()

    monkeypatch.setattr(site.services.fusing, "fuse", fuse_slowly)
    page = visit(site, open_page)
    for question in (QUESTION, "And at night?"):
        ask(page, question)
        look_up(page)
        page.keyboard.press("n")
        expect(page.locator("#blend-differences :is(ins, del)").first).to_be_visible()
        if question == QUESTION:
            page.locator("#blend-fuse-again").click()
            expect(page.locator("#blend-fused")).to_contain_text("The first question's")
    goes_on.set()
    assert has_ended.wait(60)
    page.wait_for_timeout(500)
    expect(page.locator("#blend-fused")).to_contain_text("scattered")
    page.locator("#blend-fuse-again").click()
    expect(page.locator("#blend-fused")).to_contain_text("second round")


def test_dark_follows_the_system_until_the_switch_says_otherwise(site: Site, open_page: Open) -> None:
    page = visit(site, open_page, light="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    page.wait_for_function(f"{background} === 'rgb(21, 24, 27)'")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function(f"{background} === 'rgb(250, 248, 245)'")
    page.reload()
    page.wait_for_function(f"{background} === 'rgb(250, 248, 245)'")


def test_on_a_phone_columns_stack_and_the_vote_bar_stays_in_reach(site: Site, open_page: Open) -> None:
    page = visit(site, open_page, width=390, height=844)
    ask(page)
    expect(bar(page)).to_be_visible()
    boxes = [page.locator(f"#blend-column-{number}").bounding_box() for number in range(3)]
    assert all(box is not None and box["width"] > 330 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.evaluate("window.scrollTo(0, 0)")
    expect(page.locator("#blend-vote-first")).to_be_in_viewport()
    expect(page.locator("#blend-vote-second")).to_be_in_viewport()


def test_on_a_phone_no_figure_of_the_ranking_is_cut_off(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    names = ("SmolLM2 135M", "Qwen2.5 Coder 0.5B", "Qwen2.5 Coder 1.5B")  # as members.toml has them
    members = [ScriptedMember(name, typing(text)) for name, text in zip(names, ANSWERS.values(), strict=True)]
    services = build_scripted_services(tmp_path, *members)
    services.ranking.train()
    page = visit(Site(serve(services), services), open_page, width=390, height=844)
    ask(page)
    page.locator("#blend-show").click()
    expect(page.locator("#blend-ranking .bu-matrix")).to_be_visible()
    # Gradio draws the ranking anew while its parts arrive: both boxes are waited for, then measured.
    boxes = "[...document.querySelectorAll('#blend-ranking .bu-scroll')]"
    widths = f"{boxes}.map((box) => box.scrollWidth - box.clientWidth).join()"
    page.wait_for_function(f"() => {widths} === '0,0'")


LIT = "() => [...(CSS.highlights.get('bu-source-light') ?? [])].map((range) => range.toString())"


def test_a_stretch_of_the_fused_answer_lights_its_words_in_its_member_s_column(
    site: Site, open_page: Open
) -> None:
    page = visit(site, open_page)
    ask(page, "Why is the evening sky red?")
    look_up(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#blend-record")).to_contain_text("Nobody has voted on an answer fused by")
    page.get_by_role("tab", name="Where it came from").click()
    stretch = page.locator("#blend-attributed [data-light-member=Brahms]").first
    stretch.hover()
    column = page.locator(".bu-column.bu-lit")
    expect(column.locator(".bu-column-head h2")).to_have_text("Brahms")
    (lit,) = page.evaluate(LIT)
    assert lit in stretch.inner_text()
    assert len(lit.split()) >= 3
    page.locator("#blend-differences").hover()
    assert page.evaluate(LIT) == []
    expect(page.locator(".bu-column.bu-lit")).to_have_count(0)
    stretch.focus()  # the keyboard's way
    assert page.evaluate(LIT) == [lit]

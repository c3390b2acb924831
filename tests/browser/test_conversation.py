"""A conversation of three turns in Chromium: asked, voted on, gone on with, and labelled."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from blender_ui.services.candidates import prompt_columns
from blender_ui.ui.asking.drawing import NOT_COMPARED
from blender_ui.values import Message, RankingPrompt
from db.engine import transaction
from db.models import Preference, Prompt
from tests.browser.conftest import Open, Serve
from tests.browser.test_blend_page import Site, ask, bar, heads, visit
from tests.browser.test_label_page import SEEN_AFTER_MS
from tests.builders.scripted_members import ScriptedMember
from tests.builders.stores import add_prompts
from tests.ui.scripted_services import build_scripted_services, typing

pytestmark = pytest.mark.browser

QUESTIONS = ("Where is Oslo?", "How warm is it there?", "And in winter?")


def vote(page: Page) -> None:
    expect(bar(page)).to_contain_text("Which is better, Answer")
    page.wait_for_timeout(SEEN_AFTER_MS)  # before that a click is no vote
    page.locator("#blend-vote-first").click()
    expect(page.locator("#blend-results")).to_be_visible()
    expect(page.locator("#blend-go-on")).to_be_visible()


def go_on(page: Page, question: str) -> None:
    page.locator("#blend-next textarea").fill(question)
    page.locator("#blend-next textarea").press("Enter")
    expect(page.locator("#blend-conversation")).to_contain_text(question)


def test_three_turns_are_asked_and_voted_on(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    members = [ScriptedMember(name, typing(f"{name} says. It is so.")) for name in ("Ada", "Brahms")]
    services = build_scripted_services(tmp_path, *members)
    site = Site(serve(services), services)
    page = visit(site, open_page)
    ask(page, QUESTIONS[0])
    vote(page)
    expect(page.locator("#blend-way input:checked + span")).to_contain_text("which you preferred")
    go_on(page, QUESTIONS[1])
    expect(page.locator("#blend-go-on")).to_be_hidden()
    expect(heads(page)).to_have_text(["Answer 1", "Answer 2"])
    vote(page)
    expect(page.locator("#blend-way")).to_contain_text("The fused answer")
    page.locator("#blend-way").get_by_text("The fused answer").click()
    go_on(page, QUESTIONS[2])
    vote(page)
    fold = page.locator("#blend-conversation details")
    expect(fold.locator("summary")).to_have_text("The conversation so far (2 turns)")
    expect(fold.locator(".bu-message").first).to_be_hidden()
    fold.locator("summary").click()
    expect(fold.locator(".bu-message")).to_have_count(4)
    assert members[0].asked[-1][2].content == QUESTIONS[1]
    assert members[0].asked[-1][3].content == "Ada says. Brahms says."

    page.reload()
    expect(page.locator("#blend-conversation")).to_contain_text(QUESTIONS[2])
    expect(page.locator("#blend-prompt textarea")).to_have_value("")
    page.locator("#blend-way").get_by_text("Each model with its own answer").click()
    go_on(page, "Why?")
    expect(page.locator("#blend-conversation .bu-remark")).to_have_text(NOT_COMPARED)
    expect(page.locator("#blend-conversation details")).to_have_count(2)
    expect(page.locator("#blend-go-on")).to_be_visible()
    expect(page.locator("#blend-results")).to_be_hidden()
    expect(page.locator("#blend-vote")).to_be_hidden()

    with transaction(services.engine) as session:
        prompts = session.exec(select(Prompt).order_by(Prompt.id)).all()  # type: ignore[arg-type]
        assert [len(prompt.history) for prompt in prompts] == [0, 2, 4, 6, 6]
        assert len(session.exec(select(Preference)).all()) == 3


def test_the_history_is_folded_above_the_pair_to_label(tmp_path: Path, serve: Serve, open_page: Open) -> None:
    services = build_scripted_services(tmp_path)
    (prompt_id,) = add_prompts(services.engine, n_prompts=1)
    history = (Message("user", QUESTIONS[0]), Message("assistant", "In Norway. " * 300))
    with transaction(services.engine) as session:
        later = RankingPrompt(instruction=QUESTIONS[1], history=history)
        for name, value in prompt_columns(later).items():
            setattr(session.get_one(Prompt, prompt_id), name, value)
    services.labeling.queue_prompt(prompt_id=prompt_id)
    page = open_page(serve(services) + "label")
    expect(page.locator(".instruction")).to_have_text(QUESTIONS[1])
    fold = page.locator(".history details")
    expect(fold.locator("summary")).to_have_text("The conversation so far (1 turn)")
    expect(fold.locator(".bu-message").first).to_be_hidden()
    fold.locator("summary").click()
    expect(fold).to_contain_text(QUESTIONS[0])
    # However long it is, the question below it stays in sight.
    expect(page.locator(".instruction")).to_be_in_viewport()
    box = page.locator(".prompt-text").bounding_box()
    question = page.locator(".instruction").bounding_box()
    assert box is not None
    assert question is not None
    assert question["y"] + question["height"] <= box["y"] + box["height"] + 1

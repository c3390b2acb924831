"""One's earlier rounds: a private list, an address of each, and a card that is shared on request only."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from blender_ui.errors import NotFound, Refused
from blender_ui.services.asking.past import PastRounds
from blender_ui.ui.asking.past.drawing import draw_rounds
from blender_ui.ui.asking.past.shared import SharedRounds
from blender_ui.ui.asking.views import Choice
from blender_ui.ui.asking.wiring import read_round
from blender_ui.ui.shell import ASSETS_PATH
from db.engine import transaction
from db.models import Prompt, SharedRound
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.asking.test_blend_handlers import MEMBERS, Page

QUESTIONS = ("Why is the sky <b>blue</b>?", "How do 100 % of bees fly?")


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """Two rounds of one person, the first voted on, the second open."""
    page = Page(tmp_path, *(ScriptedMember(name, saying(f"Says {len(name)}.")) for name in MEMBERS))
    for question in QUESTIONS:
        page.ask(question)
        for number in range(len(MEMBERS)):
            page.stream(number)
        if question == QUESTIONS[0]:
            page.take(page.blend.vote, Choice.FIRST)
    return page


def past(page: Page) -> PastRounds:
    rounds: PastRounds = page.services.past_rounds
    return rounds


def test_a_list_holds_ones_own_rounds_the_latest_first_and_finds_words(page: Page) -> None:
    me = page.visit.annotator_id
    found = past(page).list_of(me)
    assert [(one.instruction, one.is_seen) for one in found] == [(QUESTIONS[1], False), (QUESTIONS[0], True)]
    assert [one.instruction for one in past(page).list_of(me, text="BEES")] == [QUESTIONS[1]]
    assert [one.instruction for one in past(page).list_of(me, text="0 %")] == [QUESTIONS[1]]
    assert past(page).list_of(me, text="_") == ()
    assert past(page).list_of(me + 1) == ()


def test_a_round_is_opened_as_it_was_left(page: Page) -> None:
    second, first = past(page).list_of(page.visit.annotator_id)
    page.take(page.blend.open_round, first.prompt_id)
    shown = page.blend.page(page.visit)
    assert shown.is_revealed
    assert shown.card is not None
    assert shown.card.chosen is not None
    page.take(page.blend.open_round, second.prompt_id)
    assert not page.visit.is_revealed
    assert page.visit.pair is not None
    assert not any(column.name for column in page.blend.page(page.visit).columns)


def test_an_address_opens_ones_own_round_and_nobody_elses(page: Page) -> None:
    first = past(page).list_of(page.visit.annotator_id)[-1]
    assert page.blend.open(page.memory, wished=first.prompt_id).visit.prompt_id == first.prompt_id
    elsewhere = page.blend.open({"annotator": "x" * 32}, wished=first.prompt_id).visit
    assert elsewhere.prompt_id is None
    assert "not one of yours" in page.blend.open_round(elsewhere, first.prompt_id).notice


def test_a_round_that_still_runs_elsewhere_is_followed_by_its_address_alone(page: Page) -> None:
    page.ask("How long is a piece of string?")
    asked = page.visit.prompt_id
    assert asked is not None
    for number in (0, 1):
        page.stream(number)
    second_tab = replace(page.visit, prompt_id=None, columns=(), is_asking=False)
    turn = page.blend.open_round(second_tab, asked)
    assert turn.visit == second_tab, "nothing would draw what still comes"
    assert f"?round={asked}" in turn.notice
    by_address = page.blend.open({**page.memory, "prompt_id": None}, wished=asked).visit
    assert by_address.is_asking
    assert by_address.pair is not None, "two answers are there"


@pytest.mark.parametrize(
    ("value", "found"), [("7", 7), ("", None), ("-1", None), ("²", None), ("9" * 30, None)]
)
def test_an_address_names_a_round_by_its_number(value: str, found: int | None) -> None:
    assert read_round({"round": value}) == found
    assert read_round(None) is None


def test_a_card_is_shared_by_its_asker_alone_and_after_the_names(page: Page) -> None:
    me = page.visit.annotator_id
    second, first = past(page).list_of(me)
    with pytest.raises(Refused, match="vote first"):
        past(page).share(second.prompt_id, by=me)
    with pytest.raises(NotFound, match="not one of yours"):
        past(page).share(first.prompt_id, by=me + 1)

    web = FastAPI()
    SharedRounds(page.services).add_to(web, "")
    client = TestClient(web)
    token = past(page).share(first.prompt_id, by=me)
    shown = client.get(f"/shared/{first.prompt_id}/{token}")
    assert shown.status_code == 200
    assert "Why is the sky" in shown.text
    assert "<b>blue</b>" not in shown.text
    assert "<script" not in shown.text
    assert "You" not in shown.text, "whoever looks chose nothing"
    assert "Chosen" in shown.text
    assert all(name in shown.text for name in MEMBERS)
    others = (f"{second.prompt_id}/{token}", f"{first.prompt_id}/{'0' * 32}", f"{10**9}/{token}", "1/ä")
    for wrong in (*others, f"{10**30}/{token}", f"-1/{token}", f"x/{token}"):
        assert client.get(f"/shared/{wrong}").status_code == 404


def test_a_link_is_of_its_question_alone_also_where_a_number_is_given_again(page: Page) -> None:
    me = page.visit.annotator_id
    first = past(page).list_of(me)[-1]
    token = past(page).share(first.prompt_id, by=me)
    assert past(page).find_asker(first.prompt_id, token) == me
    with transaction(page.services.engine, immediate=True) as session:
        prompt = session.get_one(Prompt, first.prompt_id)
        prompt.created_at += timedelta(seconds=1)  # as of a later question under a deleted one's number
    with pytest.raises(NotFound, match="no such shared round"):
        past(page).find_asker(first.prompt_id, token)


def test_a_link_that_was_taken_back_never_opens_again_and_a_later_one_does(page: Page) -> None:
    me, first = page.visit.annotator_id, past(page).list_of(page.visit.annotator_id)[-1]
    assert not first.is_shared
    old = past(page).share(first.prompt_id, by=me)
    assert past(page).share(first.prompt_id, by=me) == old, "the same link, however often it is asked for"
    assert past(page).list_of(me)[-1].is_shared
    assert "Take the link back" in draw_rounds(past(page).list_of(me), is_search=False)
    assert [(one.prompt_id, one.instruction) for one in past(page).list_shared()] == [
        (first.prompt_id, QUESTIONS[0])
    ]
    with pytest.raises(NotFound, match="not one of yours"):
        past(page).take_back(first.prompt_id, by=me + 1)
    assert past(page).find_asker(first.prompt_id, old) == me
    past(page).take_back(first.prompt_id, by=me)
    past(page).take_back(first.prompt_id, by=me)
    assert past(page).list_shared() == ()
    assert not past(page).list_of(me)[-1].is_shared
    for dead in (old, ""):
        with pytest.raises(NotFound):
            past(page).find_asker(first.prompt_id, dead)
    new = past(page).share(first.prompt_id, by=me)
    assert past(page).find_asker(first.prompt_id, new) == me
    with pytest.raises(NotFound):
        past(page).find_asker(first.prompt_id, old)
    past(page).take_back(first.prompt_id, by=None, of_anybody=True)
    with pytest.raises(NotFound):
        past(page).find_asker(first.prompt_id, new)
    trail = [one.action for one in page.services.auditing.list_latest()]
    assert trail.count("round.unshare") == 2


def test_a_link_of_an_earlier_release_can_be_taken_back(page: Page) -> None:
    """It has no row: one is made, so that the token that it went out with opens no more."""
    me, first = page.visit.annotator_id, past(page).list_of(page.visit.annotator_id)[-1]
    token = past(page).share(first.prompt_id, by=me)
    with transaction(page.services.engine, immediate=True) as session:
        session.delete(session.get_one(SharedRound, first.prompt_id))
    assert past(page).find_asker(first.prompt_id, token) == me
    past(page).take_back(first.prompt_id, by=me)
    with pytest.raises(NotFound):
        past(page).find_asker(first.prompt_id, token)


def test_a_shared_page_is_dark_by_the_same_colours_as_the_app() -> None:
    """It has no script and so no class on its body: the system's wish decides."""
    style = (ASSETS_PATH / "theme.css").read_text(encoding="utf-8")
    dark, by_itself = (style.split(opening, 1)[1].split("}", 1)[0] for opening in ("\n.dark {", "dark) {"))
    colours = re.compile(r"--[\w-]+: [^;]+;")
    assert colours.findall(by_itself) == colours.findall(dark) != []

"""A demo's visitors on the Blend and Label pages: rows, quotas and turns, as the pages meet them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from blender_ui.language import speaking
from blender_ui.services.people.visitors import Limits
from blender_ui.ui.app import BUILDERS, LABEL
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.views import Progress, Visit
from blender_ui.ui.identity import presented_address, presented_key
from db.engine import transaction
from db.models import Annotator, Prompt
from tests.builders.scripted_members import ScriptedMember
from tests.builders.stores import key_of
from tests.ui.people.test_roles import House
from tests.ui.scripted_services import build_scripted_services, typing

FLOOD, OTHER = key_of(1), key_of(2)


class Demo:
    """The Blend page over a real store, and whoever sits at it."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        members = [ScriptedMember(name, typing(f"{name} says so", word_seconds=0)) for name in ("A", "B")]
        self.services: Any = build_scripted_services(folder, *members, access_mode="demo", limits=limits)
        self.paused = 0
        self.while_paused: Any = lambda: None
        self.blend = Blend(self.services, pause=self._pause)

    def _pause(self, seconds: float) -> None:
        self.paused += 1
        self.while_paused()

    @contextmanager
    def sits(self, key: str, address: str = "here") -> Iterator[None]:
        tokens = presented_key.set(key), presented_address.set(address)
        yield
        presented_key.reset(tokens[0])
        presented_address.reset(tokens[1])

    def ask(self, key: str, address: str = "here") -> tuple[Visit, str]:
        with self.sits(key, address):
            opened = self.blend.open({})
            turn = self.blend.ask(opened.visit, "Why?", "", opened.memory)
            return turn.visit, turn.notice

    def stream(self, visit: Visit) -> list[Progress]:
        return [view.progress for number in range(2) for view in self.blend.stream(visit, number)]

    def count(self, table: type) -> int:
        with transaction(self.services.engine) as session:
            return len(session.exec(select(table)).all())


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    demo.services.engine.dispose()


def test_opening_the_page_leaves_no_row_and_asking_leaves_one_that_comes_back(demo: Demo) -> None:
    with demo.sits(FLOOD):
        for _ in range(3):
            demo.blend.open({})
    assert demo.count(Annotator) == 0
    visit, notice = demo.ask(FLOOD)
    assert (notice, demo.count(Annotator)) == ("", 1)
    demo.stream(visit)
    with demo.sits(FLOOD):
        again = demo.blend.open({"prompt_id": visit.prompt_id})
    assert again.visit.prompt_id == visit.prompt_id


def test_of_fifty_questions_at_once_two_are_taken_and_others_are_answered_at_once(demo: Demo) -> None:
    asked = [demo.ask(FLOOD) for _ in range(50)]
    taken = [visit for visit, notice in asked if not notice]
    assert len(taken) == 2
    assert {notice for _, notice in asked[2:]} == {
        "One question of yours is being answered and one waits. Ask again when the first is answered."
    }
    assert demo.count(Prompt) == 2
    other, notice = demo.ask(OTHER)
    assert notice == ""
    assert demo.stream(other)[-1] is Progress.DONE
    assert demo.paused == 0, "the other visitor waited for nobody"


def test_a_question_that_waits_begins_when_the_one_before_is_answered(demo: Demo) -> None:
    (first, _), (second, _) = demo.ask(FLOOD), demo.ask(FLOOD)
    demo.while_paused = lambda: demo.stream(first)
    said = demo.stream(second)
    assert demo.paused == 1
    assert said[0] is Progress.WAITING
    assert said[-1] is Progress.DONE
    assert demo.ask(FLOOD)[1] == ""


def test_who_waits_is_told_so_in_the_language_of_the_page(demo: Demo) -> None:
    (first, _), (second, _) = demo.ask(FLOOD), demo.ask(FLOOD)
    demo.while_paused = lambda: demo.stream(first)
    with speaking("de"):
        said = [view.waiting for view in demo.blend.stream(second, 0)]
    assert "vorher kommt noch 1 Frage an die Reihe" in said


def test_a_question_that_waits_can_be_stopped(demo: Demo) -> None:
    _, (second, _) = demo.ask(FLOOD), demo.ask(FLOOD)
    demo.while_paused = lambda: demo.blend.stop(second)
    assert demo.stream(second)[-1] is Progress.FAILED
    assert demo.ask(FLOOD)[1] == "", "its place is another question's"


def test_a_refused_or_empty_question_uses_nothing_up(tmp_path: Path) -> None:
    demo = Demo(tmp_path, Limits(visitor_asks=1))
    with demo.sits(FLOOD):
        opened = demo.blend.open({})
        assert "empty" in demo.blend.ask(opened.visit, " ", "", opened.memory).notice
    visit, notice = demo.ask(FLOOD)
    assert notice == ""
    demo.stream(visit)
    said = demo.ask(FLOOD)[1]
    assert said.startswith("You have asked 1 question within an hour")
    assert "Come back in 60 minutes, or sign in with an account." in said


def test_an_address_has_a_quota_whatever_its_visitors_call_themselves(tmp_path: Path) -> None:
    demo = Demo(tmp_path, Limits(address_asks=3))
    for number in range(3):
        visit, notice = demo.ask(key_of(number), "there")
        assert notice == ""
        demo.stream(visit)
    assert "from your network" in demo.ask(key_of(9), "there")[1]
    assert demo.ask(key_of(9), "here")[1] == ""


def test_asking_again_and_fusing_again_are_questions_too(tmp_path: Path) -> None:
    demo = Demo(tmp_path, Limits(visitor_asks=1))
    visit, _ = demo.ask(FLOOD)
    demo.blend.stop(visit)
    with demo.sits(FLOOD):
        assert "within an hour" in demo.blend.retry(visit, 0).notice
        revealed = demo.blend.reveal(visit).visit
        (view,) = Results(demo.services).fuse_again(revealed, rounds=2)
    assert "within an hour" in view.fusion_notice


def test_people_with_accounts_have_no_such_limits(tmp_path: Path) -> None:
    demo = Demo(tmp_path, Limits(visitor_asks=1))
    accounts = demo.services.accounts
    me = accounts.sign_in_from_hub(hub_name="ada", name="Ada").token
    assert [demo.ask(me)[1] for _ in range(5)] == [""] * 5


@pytest.mark.slow
def test_the_label_page_says_when_to_come_back(tmp_path: Path) -> None:
    house = House(tmp_path, mode="demo", n_prompts=50, builders={LABEL: BUILDERS[LABEL]})
    said = [house.post("label_open", key_of(number), None).json()["data"][0] for number in range(60)]
    refused = [one for one in said if "error" in one]
    assert len(refused) == 20
    assert "Come back in 60 minutes" in refused[0]["error"]
    with transaction(house.services.engine) as session:
        visitors = [one for one in session.exec(select(Annotator)) if one.key.startswith("guest:")]
    assert len(visitors) == 40


def test_a_question_that_waits_is_told_how_many_come_before(demo: Demo) -> None:
    (first, _), (second, _) = demo.ask(FLOOD), demo.ask(FLOOD)
    demo.while_paused = lambda: demo.stream(first)
    said = [view.waiting for view in demo.blend.stream(second, 0)]
    assert "your turn comes after 1 question" in said
    assert said[-1] == ""


def test_a_question_that_is_too_long_for_a_visitor_is_refused_and_counts_for_nothing(tmp_path: Path) -> None:
    demo = Demo(tmp_path, Limits(visitor_asks=1, visitor_characters=3))
    assert "may have 3 characters, and yours has 4" in demo.ask(FLOOD)[1]
    assert demo.count(Prompt) == 0
    demo.services.access.visitors._limits = Limits(visitor_asks=1)
    assert demo.ask(FLOOD)[1] == ""
    demo.services.engine.dispose()


def test_the_oldest_questions_go_when_there_are_too_many(tmp_path: Path) -> None:
    demo = Demo(tmp_path, Limits(visitor_questions=2))
    for number in range(3):
        demo.stream(demo.ask(key_of(number), address=str(number))[0])
    assert demo.count(Prompt) == 3, "none is deleted within the hour"
    with transaction(demo.services.engine, immediate=True) as session:
        for prompt in session.exec(select(Prompt)).all():
            prompt.created_at -= timedelta(hours=2)
    last, _ = demo.ask(key_of(9), address="9")
    assert demo.count(Prompt) == 2
    assert demo.stream(last)[-1] is Progress.DONE
    demo.services.engine.dispose()

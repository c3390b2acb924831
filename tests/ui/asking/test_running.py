"""Answers are written on the server: pages come, go and come back to them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import MemberError
from blender_ui.members.protocol import Chunk, Message, Usage
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.views import Progress, Visit
from db.enums import FailureKind
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services

PATIENCE_SECONDS = 20.0


class Gate:
    """A member that begins, and ends when it is let go or stopped."""

    def __init__(self) -> None:
        self.has_begun, self.is_let_go = threading.Event(), threading.Event()

    def __call__(self, messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        yield Chunk("Well,", 1)
        self.has_begun.set()
        while not self.is_let_go.wait(0.01):
            if stop is not None and stop.is_set():
                raise MemberError("it was stopped", kind="stopped", partial_text="Well,")
        yield Chunk(" yes.", 2)
        yield Chunk("", 2, Usage(9, 2, "stop", 0.1, 0.2))


class House:
    """One person's pages over three members, two of which wait at a gate."""

    def __init__(self, folder: Path) -> None:
        self.gates = {"Ada": Gate(), "Brahms": Gate()}
        members = [ScriptedMember(name, gate) for name, gate in self.gates.items()]
        members.append(ScriptedMember("Curie", saying("No.")))
        self.services: Any = build_scripted_services(folder, *members)
        self.blend = Blend(self.services)
        opened = self.blend.open({"annotator": "", "prompt_id": None})
        turn = self.blend.ask(opened.visit, "Well?", "", opened.memory)
        self.visit: Visit = turn.visit
        self.memory = self.blend.remember(turn.visit, opened.memory)

    def begin(self) -> None:
        """The page that asked begins every answer, and is closed."""
        for number, name in enumerate(self.visit.columns):
            stream = self.blend.stream(self.visit, number)
            next(stream)
            stream.close()
            if name in self.gates:
                assert self.gates[name].has_begun.wait(PATIENCE_SECONDS)

    def let_go(self, *names: str) -> None:
        for name in names or self.gates:
            self.gates[name].is_let_go.set()

    def end(self, visit: Visit) -> Visit:
        """What a page that was opened on a running round sees to the end."""
        for view in self.blend.watch(visit):
            assert not view.name
        return self.blend.settle(visit)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_page_that_is_closed_stops_nobody(house: House) -> None:
    house.begin()
    house.let_go()
    settled = house.end(house.blend.open(house.memory).visit)
    assert settled.pair is not None
    views = house.blend.page(settled).columns
    assert sorted(view.text for view in views) == ["No.", "Well, yes.", "Well, yes."]


def test_a_reload_shows_the_running_round_and_no_name(house: House) -> None:
    house.begin()
    visit = house.blend.open(house.memory).visit
    page = house.blend.page(visit)
    assert page.is_asking
    assert not page.is_revealed
    assert not any(view.name for view in page.columns)
    assert {view.text for view in page.columns} == {"No.", "Well,"}
    house.let_go()
    assert house.end(visit).pair is not None


def test_a_round_that_nobody_began_begins_where_it_is_looked_at(house: House) -> None:
    house.let_go()
    settled = house.end(house.blend.open(house.memory).visit)
    assert settled.pair is not None


def test_a_phone_shows_the_round_that_runs_elsewhere(house: House) -> None:
    house.begin()
    phone = house.blend.open({"annotator": house.memory["annotator"], "prompt_id": None})
    assert phone.visit.prompt_id == house.visit.prompt_id
    assert phone.visit.columns == house.visit.columns
    stranger = house.blend.open({"annotator": "", "prompt_id": house.visit.prompt_id})
    assert stranger.visit.prompt_id is None
    house.let_go()
    house.end(phone.visit)


def test_names_that_were_seen_in_one_browser_are_seen_in_the_other(house: House) -> None:
    house.begin()
    house.let_go()
    house.blend.reveal(house.end(house.blend.open(house.memory).visit))
    phone = house.blend.open({**house.memory, "is_revealed": False})
    assert phone.visit.is_revealed


def test_who_looks_on_sees_an_answer_end_before_the_others(house: House) -> None:
    house.begin()
    number = house.visit.columns.index("Ada")
    house.blend.stop_one(house.visit, number)
    for view in house.blend.watch(house.blend.open(house.memory).visit):
        if view.number == number and view.progress is Progress.FAILED:
            break
    else:
        pytest.fail("the stopped answer was not shown while another was running")
    assert house.blend.page(house.visit).is_asking
    house.let_go()


def test_one_member_is_stopped_and_the_others_go_on(house: House) -> None:
    house.begin()
    house.blend.stop_one(house.visit, house.visit.columns.index("Ada"))
    house.let_go("Brahms")
    settled = house.end(house.blend.open(house.memory).visit)
    answers = house.services.blending.answers(prompt_id=house.visit.prompt_id)
    assert {one.member for one in answers.candidates} == {"Brahms", "Curie"}
    assert [(one.member, one.kind) for one in answers.failures] == [("Ada", FailureKind.STOPPED)]
    assert settled.pair is not None
    stopped = house.blend.page(settled).columns[house.visit.columns.index("Ada")]
    assert stopped.progress is Progress.FAILED
    assert not stopped.name

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.recorded import SAID, SHARED
from blender_ui.ui.asking.results import Results, shown_text
from blender_ui.ui.asking.views import Choice, Progress, Visit
from db.engine import transaction
from db.enums import DEFAULT_PROJECT_ID
from db.models import Annotator, Candidate, Fusion, Preference, Prompt
from tests.builders.recorded import keep, record
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services

TEXTS = {
    "Ada": "It is made of leaves. It takes four minutes.",
    "Brahms": "Of leaves. And water.",
    "Curie": "Tea is hot. Very.",
}


class Page:
    """One browser on the Blend page, in a store that holds recorded rounds and has no ranker of its own."""

    def __init__(self, services: Any) -> None:
        self.services = services
        self.blend = Blend(services, timer=lambda: 5.0)
        self.memory: dict[str, Any] = {}
        self.visit = self.reload()

    def reload(self) -> Visit:
        opened = self.blend.open(self.memory)
        self.visit, self.memory = opened.visit, dict(opened.memory)
        return self.visit

    def open_example(self, number: object = 0) -> str:
        turn = self.blend.open_example(self.visit, number, self.memory)
        return self.take(turn)

    def take(self, turn: Any) -> str:
        self.visit = turn.visit
        self.memory = dict(self.blend.remember(turn.visit, self.memory))
        return str(turn.notice)

    def results(self) -> Any:
        *_, last = Results(self.services).follow(self.visit)
        return last


def build(folder: Path, access_mode: str = "open") -> Any:
    members = [ScriptedMember(name, saying(text)) for name, text in TEXTS.items()]
    recording = build_scripted_services(folder / "recording", *members)
    recording.ranking.train()
    silent = [ScriptedMember(name, saying("Asked, although it is recorded.")) for name in ("Ada", "Euler")]
    services = build_scripted_services(folder / "fresh", *silent, access_mode=access_mode)
    keep(services, record(recording), folder)
    return services


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(build(tmp_path))


def rows(page: Page, table: Any) -> list[Any]:
    with transaction(page.services.engine) as session:
        return list(session.exec(select(table)).all())


def test_the_answers_are_there_at_once_blind_and_said_to_be_recorded(page: Page) -> None:
    assert page.open_example() == ""
    view = page.blend.page(page.visit)
    assert {column.text for column in view.columns} == set(TEXTS.values())
    assert {column.progress for column in view.columns} == {Progress.DONE}
    assert not any(column.name for column in view.columns)
    assert (view.instruction, view.told) == ("How is tea made?", SAID)
    assert view.pair is not None


def test_a_vote_shows_names_rank_and_fusion_without_asking_a_model(page: Page) -> None:
    page.open_example()
    page.take(page.blend.vote(page.visit, Choice.FIRST))
    view = page.blend.page(page.visit)
    assert {column.name for column in view.columns} == set(TEXTS)
    assert view.late.names == ()
    result = page.results()
    assert [entry.member for entry in result.ranking.entries] == ["Ada", "Brahms", "Curie"]
    assert shown_text(result) == "It is made of leaves. Of leaves. Tea is hot."
    assert page.services.ranking.n_ranked == 0
    assert len(rows(page, Preference)) == 1


def test_nothing_that_one_does_changes_it_for_others(page: Page) -> None:
    page.open_example()
    page.take(page.blend.reveal(page.visit))
    before = len(rows(page, Candidate)), len(rows(page, Fusion))
    assert page.take(page.blend.retry(page.visit, 0)) == SHARED
    assert page.take(page.blend.ask_also(page.visit, "Euler")) == SHARED
    *_, again = Results(page.services).fuse_again(page.visit, rounds=2)
    assert again.fusion_notice == SHARED
    assert (len(rows(page, Candidate)), len(rows(page, Fusion))) == before
    other = Page(page.services)
    other.open_example()
    assert other.blend.page(other.visit).pair is not None


def test_a_reload_brings_it_back(page: Page) -> None:
    page.open_example()
    shown = page.visit.columns
    assert page.reload().columns == shown
    assert page.visit.pair is not None
    page.take(page.blend.reveal(page.visit))
    assert page.reload().is_revealed


def test_a_question_that_follows_is_one_s_own(page: Page) -> None:
    page.open_example()
    page.take(page.blend.reveal(page.visit))
    way = page.blend.offer(page.visit).choices[0][1]
    assert page.take(page.blend.go_on(page.visit, way, "And coffee?", page.memory)) == ""
    asked = max(rows(page, Prompt), key=lambda one: one.id)
    assert (asked.instruction, asked.project_id, asked.source) == ("And coffee?", DEFAULT_PROJECT_ID, None)
    assert asked.asked_by_id == page.visit.annotator_id


@pytest.mark.parametrize("number", [-1, 2, None, "0"])
def test_what_is_no_example_opens_nothing(page: Page, number: object) -> None:
    assert "Reload" in page.open_example(number)
    assert page.visit.prompt_id is None


def test_a_visitor_of_a_demo_has_a_row_only_once_they_opened_one(tmp_path: Path) -> None:
    page = Page(build(tmp_path, access_mode="demo"))
    assert rows(page, Annotator) == []
    page.open_example()
    (guest,) = rows(page, Annotator)
    assert guest.key.startswith("guest:")
    page.take(page.blend.vote(page.visit, Choice.FIRST))
    (kept,) = rows(page, Annotator)
    assert kept.key.startswith("browser:")

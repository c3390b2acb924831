"""The leaderboard as people see it: which lists, and whose projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blender_ui.language import speaking
from blender_ui.ui.leaderboard import handlers as module
from blender_ui.ui.leaderboard.drawing import draw_contribution, draw_lists
from blender_ui.ui.leaderboard.handlers import LeaderboardHandlers
from db.engine import transaction
from db.models import Member
from tests.builders.stores import make_store
from tests.services.inspecting.test_leaderboard import Votes


class Page:
    """The handlers over a store with two projects, who looks at it, and in which project."""

    def __init__(self, votes: Votes, monkeypatch: pytest.MonkeyPatch) -> None:
        self.votes = votes
        self.viewer_id = 0
        self.project_id: int | None = None
        monkeypatch.setattr(
            module, "find_viewer", lambda *asked: SimpleNamespace(annotator_id=self.viewer_id)
        )
        anybody: Any = None
        self.handlers = LeaderboardHandlers(
            votes.board, labeling=anybody, access=anybody, find_project=lambda: self.project_id
        )


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    engine = make_store(tmp_path)
    yield Page(Votes(engine), monkeypatch)
    engine.dispose()


def test_an_empty_store_says_where_votes_come_from(page: Page) -> None:
    assert "Nobody compared two members here yet" in draw_lists(page.handlers.page(None))
    assert draw_contribution(page.handlers.page(None).contribution) == ""


def test_the_lists_are_of_the_project_in_the_header(page: Page) -> None:
    page.votes.add("a", "b", n=2)
    page.votes.add("c", "d", n=2, project_id=page.votes.project_id or 0)
    assert len(page.handlers.page(None).board.lists) == 2
    page.project_id = page.votes.project_id
    (entries,) = page.handlers.page(None).board.lists
    assert [one.name for one in entries] == ["c", "d"]
    assert page.handlers.page(None).contribution.n_all == 2


def test_a_kind_that_is_not_there_is_a_sentence(page: Page) -> None:
    page.votes.add("a", "b")
    assert "Poems" in draw_lists(page.handlers.page(None, "Poems"))


def test_lists_are_drawn_with_their_intervals_and_what_an_entry_is(page: Page) -> None:
    page.votes.add("a", "b", n=20)
    page.votes.add("fused by x", "c", n=2)
    drawn = draw_lists(page.handlers.page(None))
    assert drawn.count("<figure") == 2
    assert "<em>fused</em>" in drawn
    assert "Nobody compared these with those above" in drawn
    assert "20 votes" in drawn


def test_in_german_everything_beside_names_is_german(page: Page) -> None:
    page.votes.add("a", "b", n=20)
    with speaking("de"):
        drawn = draw_lists(page.handlers.page(None))
    assert "der Balken ist das 95-%-Intervall" in drawn
    assert "How likely" not in drawn
    assert "Entries share" not in drawn


def test_a_name_from_outside_stays_text(page: Page) -> None:
    with transaction(page.votes.engine, immediate=True) as session:
        session.get_one(Member, page.votes.members["a"]).name = "<img src=x>"
    page.votes.add("a", "b", n=2)
    drawn = draw_lists(page.handlers.page(None))
    assert "<img" not in drawn
    assert "&lt;img" in drawn


def test_what_one_contributed_is_told_to_the_one(page: Page) -> None:
    page.votes.add("a", "b", n=3)
    assert "None of them is yours yet" in draw_contribution(page.handlers.page(None).contribution)
    page.viewer_id = page.votes.people[0] or 0
    said = draw_contribution(page.handlers.page(None).contribution)
    assert "<dt>your votes</dt><dd>3</dd>" in said
    assert "100%" in said

"""The members' tab: ratings as drawn and as saved."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blender_ui.errors import NotFound
from blender_ui.services.inspecting.member_ratings import RatingWish
from blender_ui.ui.inspecting.members import drawing
from blender_ui.ui.inspecting.members.handlers import (
    MembersHandlers,
    points_csv,
    ranker_csv,
    ratings_csv,
    wins_csv,
)
from blender_ui.ui.report_plots import kinds_plot, points_plot, ranker_ratings_plot, wins_plot
from tests.builders.trained import copy_trained_store
from tests.ui.scripted_services import build_scripted_services


def open_handlers(services: Any) -> MembersHandlers:
    return MembersHandlers(services.member_ratings, services.version_inspection)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MembersHandlers, int]]:
    home = tmp_path_factory.mktemp("home")
    good = copy_trained_store(home).good
    services = build_scripted_services(home)
    yield open_handlers(services), good
    services.engine.dispose()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_table_holds_what_its_figure_holds(store: tuple[MembersHandlers, int]) -> None:
    handlers, version_id = store
    page = handlers.page(RatingWish(), version_id)
    names = [one.member for one in page.view.members]
    assert [row["member"] for row in read_csv(ratings_csv(page.view))] == names
    (heat,) = wins_plot(page.view).data
    wins = {(row["member"], row["against"]): float(row["wins"]) for row in read_csv(wins_csv(page.view))}
    first, second = names.index("m0-0"), names.index("m1-0")
    assert heat.z[first][second] == pytest.approx(wins["m0-0", "m1-0"] / 60)
    lines = points_plot(page.over_time, members=names).data
    saved = read_csv(points_csv(page.over_time))
    assert sum(len(line.x) for line in lines) == len(saved)
    (kinds,) = kinds_plot(page.by_kind, members=names).data
    assert list(kinds.y) == ["all prompts"]
    assert heat.text[first][second].endswith("<br>of 60")
    assert heat.text[first][first] == ""
    people, version = ranker_ratings_plot(page.ranker).data
    table = read_csv(ranker_csv(page.ranker))
    assert [float(row["ranker"]) for row in table] == list(version.x)
    assert [float(row["people"]) for row in table] == list(people.x)
    assert [row["member"] for row in table] == list(version.y)
    assert all(one.ranker_low < one.ranker < one.ranker_high for one in page.ranker)
    assert "As a table" in drawing.draw_time(page)
    assert "On the same decided votes" in drawing.draw_ranker(page)


def test_style_is_shown_where_it_was_held_equal(store: tuple[MembersHandlers, int]) -> None:
    handlers, _ = store
    plain = drawing.draw_ratings(handlers.page(RatingWish(), None).view)
    styled = drawing.draw_ratings(handlers.page(RatingWish(holds_style=True), None).view)
    assert "one doubling" not in plain
    assert "one doubling" in styled
    assert "list items" in styled


def test_a_kind_that_is_not_there_is_an_error(store: tuple[MembersHandlers, int]) -> None:
    with pytest.raises(NotFound, match="all prompts"):
        store[0].page(RatingWish(kind="poetry"), None)


def test_a_version_that_is_not_there_leaves_people_alone(store: tuple[MembersHandlers, int]) -> None:
    page = store[0].page(RatingWish(), 99)
    assert page.ranker == ()
    assert "no ranker version 99" in drawing.draw_ranker(page)
    assert page.view.members


def test_nothing_compared_says_so(tmp_path: Path) -> None:
    services = build_scripted_services(tmp_path)
    page = open_handlers(services).page(RatingWish(), None)
    assert "No two members were compared" in drawing.draw_ratings(page.view)
    assert drawing.draw_wins(page.view) == ""
    assert "No two members" in drawing.draw_time(page)
    services.engine.dispose()

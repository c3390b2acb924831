"""Votes from files in the store: each one stands, or the report says why not; ratings name who met whom."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import col

from blender_ui.cli.importing import _say
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.import_reports import ImportReport, tell_what_was_not_taken
from blender_ui.services.data.importing import Importing
from blender_ui.services.inspecting.member_ratings import MemberRatings, RatingWish
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.ui.data.drawing import draw_outcome
from blender_ui.ui.data.handlers import ImportOutcome
from blender_ui.ui.inspecting.members.drawing import draw_ratings
from blender_ui.ui.inspecting.members.handlers import ratings_csv
from db.engine import transaction
from db.models import Preference
from tests.builders.stores import Clock, make_store

ROW = {"prompt": "Why?", "model_a": "m1", "text_a": "A.", "model_b": "m2", "text_b": "B."}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


def bring_in(engine: Engine, path: Path, *rows: dict[str, Any]) -> ImportReport:
    path.write_text("\n".join(map(json.dumps, rows)))
    return Importing(engine, clock=Clock(), seed=1, overlap=1).import_file(path)


def count_standing(engine: Engine) -> int:
    with transaction(engine) as session:
        n: int = session.execute(
            select(func.count()).select_from(Preference).where(col(Preference.retracted_at).is_(None))
        ).scalar_one()
        return n


def dpo(engine: Engine, folder: Path) -> list[dict[str, object]]:
    path = folder / "out.dpo.jsonl"
    Exporting(engine).export(path, format="dpo")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_unnamed_votes_stand_side_by_side_and_their_majority_is_chosen(
    engine: Engine, tmp_path: Path
) -> None:
    rows = [ROW | {"winner": winner} for winner in "aab"]
    report = bring_in(engine, tmp_path / "x.jsonl", *rows)
    assert (report.n_preferences, report.n_replaced, count_standing(engine)) == (3, 0, 3)
    assert [line["chosen"] for line in dpo(engine, tmp_path)] == [[{"role": "assistant", "content": "A."}]]
    again = bring_in(engine, tmp_path / "x.jsonl", *rows)
    assert (again.n_already_there, again.n_differing, count_standing(engine)) == (1, 0, 3)


def test_a_vote_that_replaces_another_is_told_on_page_and_by_command(engine: Engine, tmp_path: Path) -> None:
    rows = [ROW | {"annotator": "ada", "winner": winner} for winner in "aab"]
    report = bring_in(engine, tmp_path / "x.jsonl", *rows)
    assert (report.n_rows, report.n_preferences, report.n_replaced, count_standing(engine)) == (3, 1, 2, 1)
    sentence = "2 votes were replaced by a later one of the same person on the same pair."
    assert sentence in draw_outcome(ImportOutcome(name="x", report=report))
    assert sentence in _say(report)


def test_rows_that_were_left_out_are_told_on_page_and_by_command(engine: Engine, tmp_path: Path) -> None:
    same = {"prompt": "Q?", "chosen": "A.", "rejected": "A."}
    good = {"prompt": "Good?", "chosen": "A.", "rejected": "B."}
    report = bring_in(engine, tmp_path / "x.jsonl", same, good, same)
    sentence = "Left out 2: both answers are the same text, so neither is better (line 1, line 3)."
    assert tell_what_was_not_taken(report) == (sentence,)
    assert sentence in draw_outcome(ImportOutcome(name="x", report=report))
    assert sentence in _say(report)
    assert report.n_preferences == 1


def test_two_answers_of_the_same_text_are_no_pair_for_a_trainer(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, tmp_path / "x.jsonl", ROW | {"winner": "a"})
    with transaction(engine, immediate=True) as session:
        session.connection().exec_driver_sql("UPDATE candidate SET text = 'A.'")
    assert dpo(engine, tmp_path) == []


def rate(engine: Engine, **wish: Any) -> Any:
    return MemberRatings(engine, table=PreferenceTable(engine)).rate(RatingWish(**wish))


@pytest.mark.parametrize("name", [None, "unknown", "Unknown-2", "None", "nan"])
def test_an_unnamed_model_is_nobody_in_the_ratings(engine: Engine, tmp_path: Path, name: str | None) -> None:
    rows = [ROW | {"prompt": f"Q{number}?", "model_b": name, "winner": "a"} for number in range(4)]
    bring_in(engine, tmp_path / "x.jsonl", *rows, ROW | {"winner": "b"})
    view = rate(engine)
    assert {one.member for one in view.members} == {"m1", "m2"}
    assert (view.n_preferences, view.n_unnamed) == (1, 4)
    assert "4 preferences are left out: the model of one side has no name" in draw_ratings(view)


def test_a_store_of_unnamed_models_says_why_nobody_is_rated(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, tmp_path / "x.jsonl", ROW | {"model_b": None, "winner": "a"})
    view = rate(engine)
    assert view.members == ()
    assert "1 preference is left out: the model of one side has no name" in draw_ratings(view)


def islands(*, bridge: bool) -> list[dict[str, Any]]:
    rows = [
        ROW | {"prompt": f"Q{number}?", "model_a": a, "model_b": b, "winner": "a"}
        for number in range(4)
        for a, b in (("m1", "m2"), ("m3", "m4"))
    ]
    return (
        [*rows, ROW | {"prompt": "B?", "model_a": "m2", "model_b": "m3", "winner": "tie"}] if bridge else rows
    )


@pytest.mark.parametrize("wish", [{}, {"holds_style": True}])
def test_members_that_never_met_are_said_to_be_apart(
    engine: Engine, tmp_path: Path, wish: dict[str, bool]
) -> None:
    bring_in(engine, tmp_path / "x.jsonl", *islands(bridge=False))
    view = rate(engine, **wish)
    assert view.groups == (("m1", "m2"), ("m3", "m4"))
    assert {one.member: one.group for one in view.members} == {"m1": 1, "m2": 1, "m3": 2, "m4": 2}
    drawn = draw_ratings(view)
    assert "2 groups of members were never compared with each other" in drawn
    assert "m1, m2; m3, m4" in drawn


def test_members_that_met_through_others_are_one_group(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, tmp_path / "x.jsonl", *islands(bridge=True))
    view = rate(engine)
    (group,) = view.groups
    assert set(group) == {"m1", "m2", "m3", "m4"}
    assert "never compared" not in draw_ratings(view)


def test_a_kind_of_task_in_which_members_never_met_is_named(engine: Engine, tmp_path: Path) -> None:
    rows = [row | {"category": "tea"} for row in islands(bridge=False)]
    bridge = islands(bridge=True)[-1] | {"category": "milk"}
    bring_in(engine, tmp_path / "x.jsonl", *rows, bridge)
    ratings = MemberRatings(engine, table=PreferenceTable(engine))
    assert {(one.member, one.at, one.group) for one in ratings.by_kind()} == {
        ("m1", "tea", 1), ("m2", "tea", 1), ("m3", "tea", 2), ("m4", "tea", 2), ("m2", "milk", 1),
        ("m3", "milk", 1),
    }  # fmt: skip


def test_saved_ratings_hold_the_group(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, tmp_path / "x.jsonl", *islands(bridge=False))
    table = list(csv.DictReader(io.StringIO(ratings_csv(rate(engine)))))
    assert {row["member"]: row["group"] for row in table} == {"m1": "1", "m2": "1", "m3": "2", "m4": "2"}

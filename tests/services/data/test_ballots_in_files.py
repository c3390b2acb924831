"""Ballots and criteria leave in exports and come back from them."""

import csv
import json
from pathlib import Path

import pytest
from sqlmodel import col, select

from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.labeling.answers import Answer, Marks
from blender_ui.services.quality.vote_log import VoteLog
from db.engine import transaction
from db.models import Ask, Ballot, Outcome, Preference, Project
from tests.builders.stores import Clock, make_store
from tests.services.labeling.test_ballots import asking, give, lent_set, sign_in


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Of an order that was taken back, the one after it, a best of four, and a pair: JSON lines and CSV."""
    clock, engine = Clock(), make_store(tmp_path / "first")
    labeling = asking(engine, clock, n_prompts=5)
    me = sign_in(labeling)
    give(labeling, me, lent_set(labeling, me), (1, 2, 3, 4))
    labeling.undo(annotator_id=me)
    give(labeling, me, lent_set(labeling, me), (2, 1, 3, 3), key="again")
    labeling.skip(annotator_id=me, lease_id=lent_set(labeling, me).lease_id)
    with transaction(engine, immediate=True) as session:
        project = session.get_one(Project, 1)
        project.ask, project.questions = Ask.BEST, {"criteria": ["correct", "style"]}
    give(labeling, me, lent_set(labeling, me), (2, 2, 1, 2), key="best")
    labeling.skip(annotator_id=me, lease_id=lent_set(labeling, me).lease_id)
    pair = labeling.next_pair(annotator_id=me)
    assert pair is not None
    marks = Marks(criteria={"correct": "right", "style": "tie"})
    answer = Answer(lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="pair", marks=marks)
    labeling.answer(answer, annotator_id=me)
    path = tmp_path / "first.jsonl"
    Exporting(engine).export(path, format="jsonl")
    Exporting(engine).export(tmp_path / "first.csv", format="csv")
    engine.dispose()
    return path


def test_ballots_and_criteria_survive_export_and_import(exported: Path, tmp_path: Path) -> None:
    engine = make_store(tmp_path / "second")
    Importing(engine, clock=Clock(), seed=7, overlap=1).import_file(exported)
    with transaction(engine) as session:
        order, best = session.exec(select(Ballot).order_by(col(Ballot.id))).all()
        assert {order.ask, best.ask} == {Ask.ORDER, Ask.BEST}
        order, best = (order, best) if order.ask is Ask.ORDER else (best, order)
        assert sorted(order.places or []) == [1, 2, 3, 3]
        assert sorted(best.places or []) == [1, 2, 2, 2]
        assert order.seconds == 12
        stored = session.exec(select(Preference)).all()
        assert {one.criteria["correct"] for one in stored if one.criteria} == {"right"}
        assert sorted(sum(one.ballot_id == ballot.id for one in stored) for ballot in (order, best)) == [3, 6]
    assert len(set(VoteLog(engine).current().ballot_id.tolist())) == 3  # two ballots, and none
    again = tmp_path / "second.jsonl"
    Exporting(engine).export(again, format="jsonl")
    assert again.read_bytes() == exported.read_bytes()
    engine.dispose()


def test_tables_say_ballots_and_criteria(exported: Path) -> None:
    with exported.with_suffix(".csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["ballot"] for row in rows) == [""] + ["1"] * 9
    (pair,) = (row for row in rows if row["criteria"])
    assert json.loads(pair["criteria"]) == {"correct": "b", "style": "tie"}

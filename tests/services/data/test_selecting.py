"""Exports of some preferences, and the card that says what is in a file."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.data.taking import Selection
from blender_ui.services.people.auditing import Auditing
from db.models import Outcome
from db.queries.bulk import StoredLabel
from tests.builders.stores import Clock, key_of, make_labeling, make_store

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


def label(
    outcome: Outcome, *, by: int = 1, left: int = 1, right: int = 2, at: datetime = NOON
) -> StoredLabel:
    return StoredLabel(7, left, right, outcome, None, None, None, at, by, None, None)


def test_a_selection_of_nothing_takes_everything() -> None:
    labels = [label(Outcome.TIE), label(Outcome.LEFT, by=2)]
    assert Selection().take(labels) == labels
    assert Selection().is_everything


def test_preferences_are_taken_by_time_from_the_first_moment_to_before_the_last() -> None:
    labels = [label(Outcome.LEFT, at=NOON + timedelta(hours=hours)) for hours in (-1, 0, 1)]
    assert Selection(since=NOON).take(labels) == labels[1:]
    assert Selection(until=NOON).take(labels) == labels[:1]


def test_preferences_are_taken_by_person() -> None:
    labels = [label(Outcome.LEFT, by=one) for one in (1, 2, 3)]
    assert Selection(annotator_ids=frozenset({2})).take(labels) == [labels[1]]


def test_agreement_is_that_of_everybody_whichever_side_an_answer_was_shown_on() -> None:
    two_of_three = [
        label(Outcome.LEFT, by=1),
        label(Outcome.RIGHT, by=2, left=2, right=1),  # the same answer, shown on the other side
        label(Outcome.RIGHT, by=3),
    ]
    once = [label(Outcome.LEFT, left=3, right=4)]
    assert Selection(agreement=0.6).take(two_of_three + once) == two_of_three
    assert Selection(agreement=0.7).take(two_of_three + once) == []
    one = Selection(agreement=0.6, annotator_ids=frozenset({1}))
    assert one.take(two_of_three) == two_of_three[:1]


RECORDS = [
    {
        "id": f"q{number}",
        "prompt": f"Why {number}?",
        "source": "a-set",
        "licence": "CC-BY-4.0" if number else None,
        "candidates": [{"model": "A", "text": "Because."}, {"model": "B", "text": f"So {number}."}],
        "labels": [{"annotator": who, "a": 0, "b": 1, "winner": "a", "kind": "human"} for who in people],
    }
    for number, people in enumerate((["x", "y"], ["x"], []))
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_store(tmp_path)
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in RECORDS), encoding="utf-8")
    Importing(engine, clock=Clock(), seed=1, overlap=1).import_file(path)
    return engine


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def test_an_export_of_one_person_has_their_prompts_alone_and_its_card_says_so(
    engine: Engine, tmp_path: Path
) -> None:
    exporting = Exporting(engine, clock=Clock())
    people = exporting.list_people()
    assert len(people) == 2
    everything = exporting.export(tmp_path / "all.jsonl.gz", format="jsonl")
    assert len(read(everything.path)) == 3
    by_one = {}
    for annotator_id, _ in people:
        chosen = Selection(annotator_ids=frozenset({annotator_id}))
        report = exporting.export(tmp_path / f"{annotator_id}.jsonl.gz", format="jsonl", selection=chosen)
        by_one[report.n_lines] = report
    assert set(by_one) == {1, 2}
    assert [record["id"] for record in read(by_one[1].path)] == ["q0"]
    card = by_one[2].card
    for line in (
        "- prompts: 2", "- answers: 4", "- preferences: 2 (human 2)", "- annotators: 1",
        "- CC-BY-4.0: 1 prompts", "- not said: 1 prompts", "- a-set: 2 prompts",
        "- taken: of 1 person who were chosen", "- project: all",
    ):  # fmt: skip
        assert line in card, line


def test_an_export_by_agreement_leaves_out_what_one_person_judged(engine: Engine, tmp_path: Path) -> None:
    chosen = Selection(agreement=1.0)
    report = Exporting(engine).export(tmp_path / "agreed.dpo.jsonl", format="dpo", selection=chosen)
    assert report.n_lines == 1
    assert "at least 100% say the same" in report.card


def test_an_archive_is_always_of_everything(engine: Engine, tmp_path: Path) -> None:
    exporting = Exporting(engine)
    with pytest.raises(MalformedInput, match="every row of every table"):
        exporting.export(tmp_path / "a.zip", format="archive", selection=Selection(agreement=0.5))
    assert exporting.export(tmp_path / "a.zip", format="archive").card == ""


def test_the_trail_names_who_imported_and_who_exported(tmp_path: Path) -> None:
    engine, clock = make_store(tmp_path), Clock()
    me = make_labeling(engine, clock).sign_in(key=key_of(1))
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(RECORDS[0]), encoding="utf-8")
    Importing(engine, clock=clock, seed=1, overlap=1).import_file(path, by=me.id)
    Exporting(engine, clock=clock).export(tmp_path / "out.csv", format="csv", by=me.id)
    exported, imported = Auditing(engine).list_latest(object_type="data")
    assert (imported.action, imported.by, imported.object_id) == ("data.import", me.name, "in.jsonl")
    assert imported.after is not None
    assert (imported.after["n_prompts"], imported.after["n_preferences"]) == (1, 2)
    assert (exported.action, exported.by) == ("data.export", me.name)
    assert exported.after == {"format": "csv", "n_lines": 2, "project_id": None, "taken": "everything"}


def test_an_export_of_a_project_that_is_not_there_is_refused_and_writes_no_file(
    engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="there is no project 99"):
        Exporting(engine).export(tmp_path / "out.csv", format="csv", project_id=99)
    assert not (tmp_path / "out.csv").exists()

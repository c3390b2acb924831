"""A second import of the same prompts brings what is new, and says of the rest that it is known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import col

from blender_ui.exchange import kept_files
from blender_ui.exchange.gathering import Gathering
from blender_ui.exchange.intake import Reading, gather_file
from blender_ui.exchange.tally import LeftRow
from blender_ui.services.data.import_reports import ImportReport, tell_preview, tell_what_was_not_taken
from blender_ui.services.data.importing import Importing
from db.engine import transaction
from db.models import Candidate, Comparison, Outcome, Preference, Prompt
from tests.builders.stores import Clock, make_store

ROW = {"source": "s", "prompt": "Why?", "model_a": "m1", "text_a": "A.", "model_b": "m2", "text_b": "B."}
SWAPPED = {"source": "s", "prompt": "Why?", "model_a": "m2", "text_a": "B.", "model_b": "m1", "text_b": "A."}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


def bring_in(engine: Engine, path: Path, *rows: dict[str, Any], **options: Any) -> ImportReport:
    path.write_text("\n".join(map(json.dumps, rows)))
    return Importing(engine, clock=Clock(), seed=1, overlap=1).import_file(path, **options)


def count(engine: Engine, table: type) -> int:
    with transaction(engine) as session:
        n: int = session.execute(select(func.count()).select_from(table)).scalar_one()
        return n


def standing(engine: Engine) -> list[Outcome]:
    with transaction(engine) as session:
        query = select(Preference).where(col(Preference.retracted_at).is_(None)).order_by(col(Preference.id))
        return [row.outcome for row in session.scalars(query)]


def test_new_votes_of_named_people_come_in_and_known_ones_are_told(engine: Engine, tmp_path: Path) -> None:
    ada, ben = ROW | {"annotator": "ada", "winner": "a"}, ROW | {"annotator": "ben", "winner": "b"}
    bring_in(engine, tmp_path / "x.jsonl", ada)
    report = bring_in(engine, tmp_path / "y.jsonl", ben, ada)
    assert (report.n_prompts, report.n_preferences, report.n_known, report.n_merged) == (0, 1, 1, 1)
    assert standing(engine) == [Outcome.LEFT, Outcome.RIGHT]
    told = " ".join(tell_what_was_not_taken(report))
    assert "1 vote was in the store already. 1 prompt that was in the store got new answers or votes." in told
    again = bring_in(engine, tmp_path / "y.jsonl", ben, ada)
    assert (again.n_preferences, again.n_known, again.n_already_there) == (0, 2, 1)


def test_unnamed_votes_are_known_as_far_as_as_many_say_the_same(engine: Engine, tmp_path: Path) -> None:
    first = [ROW | {"winner": winner} for winner in "aab"]
    bring_in(engine, tmp_path / "x.jsonl", *first)
    longer = [ROW | {"winner": winner} for winner in "bab"]
    report = bring_in(
        engine, tmp_path / "y.jsonl", *longer, SWAPPED | {"winner": "b"}, SWAPPED | {"winner": "tie"}
    )
    # Known are b, a and the swapped b (which is A.'s win); new are one more b and the tie.
    assert (report.n_known, report.n_preferences) == (3, 2)
    assert sorted(standing(engine)) == sorted(
        [Outcome.LEFT, Outcome.LEFT, Outcome.RIGHT, Outcome.RIGHT, Outcome.TIE]
    )
    assert bring_in(engine, tmp_path / "x.jsonl", *first).n_known == 3
    assert len(standing(engine)) == 5


def test_times_tell_unnamed_votes_apart(engine: Engine, tmp_path: Path) -> None:
    at = [ROW | {"winner": "a", "at": f"2026-01-0{day}T00:00:00+00:00"} for day in (1, 2)]
    bring_in(engine, tmp_path / "x.jsonl", at[0])
    report = bring_in(engine, tmp_path / "y.jsonl", *at)
    assert (report.n_known, report.n_preferences, len(standing(engine))) == (1, 1, 2)


def test_a_changed_vote_of_a_named_person_replaces_the_one_before(engine: Engine, tmp_path: Path) -> None:
    ada = ROW | {"annotator": "ada", "at": "2026-01-02T00:00:00+00:00"}
    bring_in(engine, tmp_path / "x.jsonl", ada | {"winner": "a"})
    earlier = ada | {"winner": "b", "at": "2026-01-01T00:00:00+00:00"}
    assert bring_in(engine, tmp_path / "y.jsonl", earlier).n_known == 1
    assert standing(engine) == [Outcome.LEFT]
    later = ada | {"winner": "b", "at": "2026-01-03T00:00:00+00:00"}
    report = bring_in(engine, tmp_path / "z.jsonl", later)
    assert (report.n_preferences, report.n_replaced) == (1, 1)
    assert standing(engine) == [Outcome.RIGHT]
    assert count(engine, Preference) == 2


def test_new_answers_join_a_prompt_and_are_asked(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, tmp_path / "x.jsonl", ROW | {"winner": "a"})
    more = ROW | {"model_b": "m3", "text_b": "C.", "winner": "b"}
    report = bring_in(engine, tmp_path / "y.jsonl", more)
    assert (count(engine, Prompt), count(engine, Candidate)) == (1, 3)
    assert (report.n_candidates, report.n_preferences, report.n_queued) == (1, 1, 0)
    unlabelled = ROW | {"model_b": "m4", "text_b": "D."}
    assert bring_in(engine, tmp_path / "z.jsonl", unlabelled).n_queued == 1


def test_a_pair_that_waits_is_no_longer_asked_once_people_compared_it(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, tmp_path / "x.jsonl", ROW)
    bring_in(engine, tmp_path / "y.jsonl", ROW | {"winner": "a"})
    with transaction(engine) as session:
        assert not session.scalars(select(Comparison).where(col(Comparison.is_open).is_(True))).all()
    asked = ROW | {"prompt": "How?"}
    bring_in(engine, tmp_path / "x.jsonl", asked)
    bring_in(engine, tmp_path / "y.jsonl", asked | {"winner": "a"}, ask_labelled=True)
    with transaction(engine) as session:
        assert len(session.scalars(select(Comparison).where(col(Comparison.is_open).is_(True))).all()) == 1


def test_a_preview_says_what_a_file_would_bring_and_brings_nothing(engine: Engine, tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Q{n}?", "text_a": "A.", "text_b": "B.", "winner": "a" if n else "tie"} for n in range(3)
    ]
    bring_in(engine, tmp_path / "x.jsonl", *rows)
    (tmp_path / "y.jsonl").write_text("\n".join(map(json.dumps, rows)))
    importing = Importing(engine, clock=Clock(), seed=1, overlap=1)
    preview = importing.preview_file(tmp_path / "y.jsonl")
    assert (preview.n_votes, preview.n_ties, preview.known_elsewhere) == (3, 1, {"x": 3})
    assert "Name that source to merge" in " ".join(tell_preview(preview))
    assert count(engine, Prompt) == 3
    report = importing.import_file(tmp_path / "y.jsonl", reading=Reading(source="x"))
    assert (report.n_prompts, report.n_known) == (0, 3)


def test_a_file_is_read_once_for_its_preview_and_its_import(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_read = 0

    def gather(path: Path, **options: Any) -> Gathering:
        nonlocal n_read
        n_read += 1
        return gather_file(path, **options)

    monkeypatch.setattr(kept_files, "gather_file", gather)
    path = tmp_path / "x.jsonl"
    same = {"prompt": "How?", "text_a": "A.", "text_b": "A.", "winner": "a"}
    path.write_text("\n".join(map(json.dumps, [ROW | {"winner": "a"}, same])))
    importing = Importing(engine, clock=Clock(), seed=1, overlap=1)
    left: list[LeftRow] = []
    for _ in range(2):
        preview = importing.preview_file(path, reading=Reading())
    report = importing.import_file(path, on_left=left.append)
    assert n_read == 1
    assert (preview.n_rows, preview.n_votes, preview.left_out) == (2, 1, report.left_out)
    assert (report.n_rows, report.n_preferences, [row.row for row in left]) == (2, 1, [same])

    importing.preview_file(path)
    importing.import_file(path, reading=Reading(skip_faulty=True))
    path.write_text(json.dumps(ROW | {"winner": "b", "prompt": "Why?"}))
    assert importing.import_file(path).n_rows == 1
    assert n_read == 4

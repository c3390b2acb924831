"""The schema refuses what must never be true, by itself."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel

from db.engine import transaction
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Job,
    JobKind,
    JobStatus,
    Lease,
    LeaseStatus,
    Member,
    ModelKind,
    ModelRole,
    ModelVersion,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Role,
    utc_now,
)
from tests.builders.stores import make_store


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """One annotator, one prompt, two candidates, one comparison, one lease."""
    engine = make_store(tmp_path)
    with transaction(engine, immediate=True) as session:
        for row in (
            annotator("ada"),
            Member(name="m", backend="import", model="m", fingerprint="1"),
            Prompt(instruction="Why?", fingerprint="1", source="s", external_id="1"),
        ):
            session.add(row)
        session.flush()
        session.add_all([candidate(), candidate()])
        session.flush()
        session.add(comparison())
        session.flush()
        session.add(lease())
    return engine


def annotator(key: str) -> Annotator:
    return Annotator(key=key, name=key, kind=AnnotatorKind.HUMAN, role=Role.ANNOTATOR)


def candidate(**changes: Any) -> Candidate:
    return Candidate(**{"prompt_id": 1, "member_id": 1, "text": "", **changes})


def comparison(**changes: Any) -> Comparison:
    return Comparison(**{"prompt_id": 1, "left_id": 1, "right_id": 2, "origin": Origin.QUEUE, **changes})


def lease(**changes: Any) -> Lease:
    values = {
        "comparison_id": 1,
        "annotator_id": 1,
        "status": LeaseStatus.ACTIVE,
        "policy": "balanced_random",
        "propensity": 0.5,
        "expires_at": utc_now(),
    }
    return Lease(**{**values, **changes})


def preference(**changes: Any) -> Preference:
    values = {"comparison_id": 1, "annotator_id": 1, "outcome": Outcome.LEFT, "idempotency_key": "1"}
    return Preference(**{**values, **changes})


def version(**changes: Any) -> ModelVersion:
    values = {
        "role": ModelRole.RANKER,
        "kind": ModelKind.FAST,
        "base_model": "m",
        "base_fingerprint": "1",
        "fingerprint": "1",
        "path": "1",
        "cut_off_preference_id": 0,
        "n_train": 1,
        "n_held_out": 1,
        "code_version": "1",
    }
    return ModelVersion(**{**values, **changes})


def job(**changes: Any) -> Job:
    values = {
        "workflow_id": "1",
        "kind": JobKind.FAST,
        "status": JobStatus.WAITING,
        "cut_off_preference_id": 0,
    }
    return Job(**{**values, **changes})


def write(engine: Engine, *rows: SQLModel) -> None:
    with transaction(engine, immediate=True) as session:
        for row in rows:
            session.add(row)
            session.flush()


@pytest.mark.parametrize(
    ("rows", "constraint"),
    [
        ([Prompt(instruction="  ", input="\t ".strip(), fingerprint="2")], "ck_prompt_not_blank"),
        ([Prompt(instruction="?", fingerprint="2", source="s", external_id="1")], "prompt.source"),
        ([annotator("ada")], "annotator.key"),
        ([Member(name="m", backend="b", model="m", fingerprint="1")], "member.name"),
        ([candidate(prompt_id=9)], "FOREIGN KEY"),
        ([comparison(right_id=1)], "ck_comparison_two_candidates"),
        ([comparison()], "comparison.left_id"),
        (
            [comparison(left_id=2, right_id=1, overlap=-1, is_open=False)],
            "ck_comparison_n_taken_within_overlap",
        ),
        (
            [comparison(left_id=2, right_id=1, n_taken=2, is_open=False)],
            "ck_comparison_n_taken_within_overlap",
        ),
        ([comparison(left_id=2, right_id=1, n_taken=1)], "ck_comparison_open_while_places_are_left"),
        ([comparison(left_id=2, right_id=1, is_open=False)], "ck_comparison_open_while_places_are_left"),
        ([lease()], "lease.comparison_id"),
        ([annotator("bob"), lease(annotator_id=2, propensity=0.0)], "ck_lease_propensity_is_a_probability"),
        ([annotator("bob"), lease(annotator_id=2, propensity=1.1)], "ck_lease_propensity_is_a_probability"),
        ([preference(strength=1.5)], "ck_preference_strength_in_range"),
        ([preference(), preference(idempotency_key="2")], "preference.comparison_id"),
        ([preference(), annotator("bob"), preference(annotator_id=2)], "preference.idempotency_key"),
        ([job(progress=1.5)], "ck_job_progress_is_a_share"),
        ([version(is_active=True), version(is_active=True)], "model_version.role"),
    ],
)
def test_a_row_that_cannot_be_true_is_refused(engine: Engine, rows: list[SQLModel], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        write(engine, *rows)


def test_a_retracted_preference_makes_room_for_another(engine: Engine) -> None:
    write(engine, preference(retracted_at=utc_now()), preference(idempotency_key="2", retracted_at=utc_now()))
    write(engine, preference(idempotency_key="3"))


def test_many_versions_can_rest_while_one_is_active(engine: Engine) -> None:
    write(engine, version(), version(), version(is_active=True))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("annotator", "kind"),
        ("annotator", "role"),
        ("comparison", "origin"),
        ("lease", "status"),
        ("preference", "outcome"),
        ("job", "status"),
        ("model_version", "kind"),
        ("model_version", "role"),
    ],
)
def test_raw_sql_cannot_write_a_word_that_is_none_of_the_choices(
    engine: Engine, table: str, column: str
) -> None:
    write(engine, preference(), job(), version())
    with pytest.raises(IntegrityError, match="CHECK"), engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = 'nonsense'"))


def test_times_come_back_in_utc_with_their_zone(engine: Engine) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    given = datetime(2026, 3, 1, 2, 0, tzinfo=there)
    write(engine, preference(created_at=given))
    with transaction(engine) as session:
        row = session.get(Preference, 1)
        assert row is not None
        session.refresh(row)
        assert row.created_at == given
        assert row.created_at.utcoffset() == timedelta(0)
        assert row.created_at == datetime(2026, 2, 28, 20, 30, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="with a zone"):
        write(engine, preference(created_at=datetime(2026, 3, 1)))

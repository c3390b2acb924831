from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.services.fusing.records import find_record, list_records
from db.engine import transaction
from db.models import (
    Adjudication,
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Member,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Purpose,
    Role,
    utc_now,
)
from tests.builders.stores import make_store

VOTES = [
    (True, Outcome.LEFT, AnnotatorKind.HUMAN, Purpose.LABEL),
    (False, Outcome.RIGHT, AnnotatorKind.HUMAN, Purpose.LABEL),
    (True, Outcome.RIGHT, AnnotatorKind.HUMAN, Purpose.LABEL),
    (False, Outcome.TIE, AnnotatorKind.HUMAN, Purpose.LABEL),
    (True, Outcome.LEFT, AnnotatorKind.JUDGE, Purpose.LABEL),
    (True, Outcome.RIGHT, AnnotatorKind.HUMAN, Purpose.GOLD),
    (True, Outcome.RIGHT, AnnotatorKind.HUMAN, Purpose.ATTENTION),
]
"""Whether the fused answer is on the left, what was said by whom, and what the pair is for."""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_store(tmp_path)
    with transaction(engine, immediate=True) as session:
        people = {
            kind: Annotator(key=kind.value, name="x", kind=kind, role=Role.ANNOTATOR)
            for kind in AnnotatorKind
        }
        fuser = Member(name="Fused by F", backend="fusion", model="F", fingerprint="f")
        member = Member(name="A", backend="import", model="a", fingerprint="a")
        session.add_all([*people.values(), fuser, member])
        session.flush()
        for number, (is_left, outcome, kind, purpose) in enumerate(VOTES):
            prompt = Prompt(instruction=f"Question {number}?", fingerprint=f"{number}")
            session.add(prompt)
            session.flush()
            sides = [
                Candidate(prompt_id=prompt.id, member_id=one.id, text=one.name) for one in (fuser, member)
            ]
            session.add_all(sides)
            session.flush()
            left, right = sides if is_left else sides[::-1]
            comparison = Comparison(
                prompt_id=prompt.id, left_id=left.id, right_id=right.id, origin=Origin.QUEUE, n_taken=1,
                is_open=False, purpose=purpose,
                gold_outcome=None if purpose is Purpose.LABEL else outcome,
            )  # fmt: skip
            session.add(comparison)
            session.flush()
            for key, retracted_at in ((f"{number}", None), (f"{number}-undone", utc_now())):
                session.add(
                    Preference(
                        comparison_id=comparison.id, annotator_id=people[kind].id, outcome=outcome,
                        idempotency_key=key, retracted_at=retracted_at,
                    )
                )  # fmt: skip
    return engine


def test_standing_votes_of_people_count_ties_half_and_checks_not(engine: Engine) -> None:
    with transaction(engine) as session:
        (record,) = list_records(session)
        assert find_record(session, "somebody else") is None
    assert (record.fuser, record.n_votes, record.win_rate) == ("F", 4, 2.5 / 4)
    # Wilson, by hand: centre (0.625 + 1.92073/4)/(1 + 3.84146/4) = 0.5637; reach 0.3456.
    assert (record.low, record.high) == pytest.approx((0.2184, 0.9096), abs=0.003)


def test_a_ruling_counts_in_the_win_rate_on_either_side(engine: Engine) -> None:
    """Of four votes two were won, one lost and one was a tie; the first is ruled lost, the tie won."""
    with transaction(engine, immediate=True) as session:
        for comparison_id, outcome in ((1, Outcome.RIGHT), (4, Outcome.RIGHT)):
            session.add(Adjudication(comparison_id=comparison_id, outcome=outcome, reason="read"))
    with transaction(engine) as session:
        (record,) = list_records(session)
    assert (record.n_votes, record.win_rate) == (4, 2 / 4)

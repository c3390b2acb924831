from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.services.fusing.records import find_record, list_records
from db.engine import transaction
from db.models import Adjudication, AnnotatorKind, Outcome, Purpose, utc_now
from tests.builders.rows import answer, member, pair, person, prompt, save, vote
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
        kinds = list(AnnotatorKind)
        voters = save(session, [person("x", key=kind, kind=kind) for kind in kinds])
        people = dict(zip(kinds, voters, strict=True))
        authors = save(session, [member("Fused by F", backend="fusion", model="F"), member("A")])
        for number, (is_left, outcome, kind, purpose) in enumerate(VOTES):
            (asked,) = save(session, [prompt(f"Question {number}?")])
            sides = save(session, [answer(asked.id, one.id, one.name) for one in authors])
            left, right = sides if is_left else sides[::-1]
            gold = None if purpose is Purpose.LABEL else outcome
            (shown,) = save(session, [pair(asked.id, left.id, right.id, purpose=purpose, gold_outcome=gold)])
            for key, retracted_at in ((f"{number}", None), (f"{number}-undone", utc_now())):
                session.add(
                    vote(shown.id, people[kind].id, outcome, idempotency_key=key, retracted_at=retracted_at)
                )
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

"""Questions of visitors are deleted with all that hangs on them, and never one that somebody judged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, SQLModel

from db.engine import transaction
from db.models import (
    Continuation,
    Lease,
    LeaseStatus,
    Outcome,
    Preference,
    Prompt,
    SeenPrompt,
)
from db.queries import forgetting
from tests.builders import rows
from tests.builders.stores import make_store

NOW = datetime(2030, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


class Asked:
    """A prompt with two answers, a pair, and a person."""

    def __init__(self, session: Session, number: int, *, hours: int) -> None:
        (self.person,) = rows.save(session, [rows.person(f"person-{number}")])
        (self.prompt,) = rows.save(session, [rows.prompt(f"Q{number}?", created_at=NOW - hours * HOUR)])
        members = rows.save(
            session, [rows.member(f"m{number}{one}", fingerprint=f"{number}{one}") for one in "ab"]
        )
        answers = [rows.answer(self.prompt.id, one.id, f"{number}{one.name}") for one in members]
        self.left, self.right = rows.save(session, answers)
        (self.pair,) = rows.save(session, [rows.pair(self.prompt.id, self.left.id, self.right.id)])
        rows.save(session, [SeenPrompt(annotator_id=self.person.id, prompt_id=self.prompt.id)])

    def lend(self, session: Session, *, ends: datetime) -> None:
        rows.save(
            session,
            [
                Lease(
                    comparison_id=self.pair.id,
                    annotator_id=self.person.id,
                    status=LeaseStatus.ACTIVE,
                    policy="p",
                    propensity=1,
                    expires_at=ends,
                )
            ],
        )


def count_all(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in SQLModel.metadata.sorted_tables
        }


def forget(engine: Engine, *, limit: int = 50) -> list[int]:
    with transaction(engine, immediate=True) as session:
        found = forgetting.list_unvoted(session, project_id=1, before=NOW - HOUR, now=NOW, limit=limit)
        forgetting.delete_prompts(session, prompt_ids=found)
    return found


def test_a_question_goes_with_every_row_that_hangs_on_it(engine: Engine) -> None:
    before = count_all(engine)
    with transaction(engine, immediate=True) as session:
        asked = Asked(session, 1, hours=2)
        asked.lend(session, ends=NOW - HOUR)
    with_it = count_all(engine)
    with transaction(engine, immediate=True) as session:
        later = Asked(session, 2, hours=0)
        later.lend(session, ends=NOW - HOUR)
    with_both = count_all(engine)
    assert len(forget(engine)) == 1
    came, left = (
        {name: n - other[name] for name, n in counts.items() if n != other[name]}
        for counts, other in ((with_both, with_it), (count_all(engine), before))
    )
    people_and_members = {"annotator": 1, "member": 2}
    assert left == {name: n + people_and_members.get(name, 0) for name, n in came.items()}


@pytest.mark.parametrize("later", ["nothing", "a question", "a pair"])
def test_no_later_row_gets_the_number_of_one_that_went(engine: Engine, later: str) -> None:
    with transaction(engine, immediate=True) as session:
        asked = Asked(session, 1, hours=2)
        asked.lend(session, ends=NOW - HOUR)
        if later == "a question":
            rows.save(session, [rows.prompt("Q2?", created_at=NOW)])
        if later == "a pair":
            Asked(session, 2, hours=0)  # but its pair was never lent, so that the lease above is the last
        numbers = asked.prompt.id, asked.pair.id, asked.right.id
    assert forget(engine) == []
    with transaction(engine, immediate=True) as session:
        new = Asked(session, 3, hours=0)
        assert all(
            one > old for one, old in zip((new.prompt.id, new.pair.id, new.right.id), numbers, strict=True)
        )


def test_the_oldest_go_first_and_only_so_many(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        numbers = {hours: Asked(session, hours, hours=hours).prompt.id for hours in (5, 9, 7)}
        Asked(session, 0, hours=0)  # within the hour
    assert forget(engine, limit=2) == [numbers[9], numbers[7]]
    assert forget(engine) == [numbers[5]]
    assert count_all(engine)["prompt"] == 1


def test_what_somebody_judged_holds_or_went_on_from_stays(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        voted, held, parent, child = (Asked(session, number, hours=3) for number in range(4))
        rows.save(session, [rows.vote(voted.pair.id, voted.person.id, Outcome.LEFT, retracted_at=NOW)])
        held.lend(session, ends=NOW + HOUR)
        rows.save(session, [Continuation(prompt_id=child.prompt.id, candidate_id=parent.left.id)])
        last = Asked(session, 4, hours=0)
        kept = {voted.prompt.id, held.prompt.id, parent.prompt.id, last.prompt.id}
        goes = child.prompt.id
    assert forget(engine) == [goes]
    with Session(engine) as session:
        assert set(session.scalars(select(Prompt.id))) == kept
        assert session.scalar(select(func.count()).select_from(Preference)) == 1


def test_other_projects_are_left_alone(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        Asked(session, 1, hours=3)
        found = forgetting.list_unvoted(session, project_id=2, before=NOW, now=NOW, limit=9)
        assert found == []
        assert forgetting.count_prompts(session, project_id=1) == 1

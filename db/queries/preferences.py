"""Preferences: what people said, what still stands of it, and how much there is."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, case, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session, col

from db.models import (
    Annotator,
    AnnotatorKind,
    Ballot,
    Candidate,
    Comparison,
    Lease,
    Member,
    Outcome,
    Preference,
)
from db.queries.checks import select_checks

LONGEST_SECONDS = 300.0
"""Seconds; a pair that was on the screen for longer was not being looked at."""


class Given(NamedTuple):
    """An outcome that is stored."""

    id: int
    comparison_id: int
    outcome: Outcome


class LastVote(NamedTuple):
    """An annotator's latest standing preference on a prompt; no lease where it was imported."""

    preference_id: int
    lease_id: int | None
    ballot_id: int | None
    outcome: Outcome
    left_id: int
    right_id: int
    left_member: str
    right_member: str
    created_at: datetime


class PromptVote(NamedTuple):
    """A preference that stands with all that it is about; no lease where it was imported."""

    preference: Preference
    comparison: Comparison
    annotator: Annotator
    lease: Lease | None
    ballot: Ballot | None
    left_member: str
    right_member: str


class OwnAnswer(NamedTuple):
    """A preference that stands, and how many answers to the same pair it superseded."""

    preference: Preference
    n_earlier: int


def add(session: Session, *, values: dict[str, Any]) -> Given:
    """Store a preference, with every column by name that is not to be NULL."""
    preference_id = session.connection().execute(_add_statement(), values).scalar_one()
    return Given(preference_id, values["comparison_id"], values["outcome"])


def find_by_key(session: Session, *, idempotency_key: str) -> Given | None:
    """The preference that was submitted under a key, retracted or not."""
    row = session.connection().execute(_by_key_query(), {"key": idempotency_key}).first()
    return None if row is None else Given(*row)


def find_standing(session: Session, *, comparison_id: int, annotator_id: int) -> Preference | None:
    """What an annotator says of a comparison; None where nothing stands."""
    return session.scalars(
        select(Preference).where(
            col(Preference.comparison_id) == comparison_id,
            col(Preference.annotator_id) == annotator_id,
            col(Preference.retracted_at).is_(None),
        )
    ).first()


def retract_standing(session: Session, *, comparison_id: int, annotator_id: int, now: datetime) -> None:
    """Take back what an annotator says of a comparison, if anything."""
    session.execute(
        update(Preference)
        .where(
            col(Preference.comparison_id) == comparison_id,
            col(Preference.annotator_id) == annotator_id,
            col(Preference.retracted_at).is_(None),
        )
        .values(retracted_at=now)
        .execution_options(synchronize_session=False)
    )


def find_preferred(session: Session, *, prompt_id: int, annotator_id: int) -> int | None:
    """The candidate of a prompt that an annotator's last standing preference is for."""
    asked = {"prompt_id": prompt_id, "annotator_id": annotator_id}
    row = session.connection().execute(_preferred_query(), asked).first()
    if row is None:
        return None
    outcome, left_id, right_id = row
    return {Outcome.LEFT: left_id, Outcome.RIGHT: right_id}.get(outcome)


@cache
def _preferred_query() -> Select[*tuple[Any, ...]]:
    return (
        select(col(Preference.outcome), col(Comparison.left_id), col(Comparison.right_id))
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .where(
            col(Comparison.prompt_id) == bindparam("prompt_id"),
            col(Preference.annotator_id) == bindparam("annotator_id"),
            col(Preference.retracted_at).is_(None),
        )
        .order_by(col(Preference.id).desc())
        .limit(1)
    )


def find_last_vote(session: Session, *, prompt_id: int, annotator_id: int) -> LastVote | None:
    """What an annotator said last of two of a prompt's candidates, as far as it stands."""
    asked = {"prompt_id": prompt_id, "annotator_id": annotator_id}
    row = session.connection().execute(_last_vote_query(), asked).first()
    return None if row is None else LastVote(*row)


@cache
def _last_vote_query() -> Select[*tuple[Any, ...]]:
    """Built once: its names take longer to build than the look itself, which somebody waits for."""
    left, right = aliased(Candidate), aliased(Candidate)
    left_member, right_member = aliased(Member), aliased(Member)
    return (
        select(
            col(Preference.id),
            col(Preference.lease_id),
            col(Preference.ballot_id),
            col(Preference.outcome),
            col(Comparison.left_id),
            col(Comparison.right_id),
            col(left_member.name),
            col(right_member.name),
            col(Preference.created_at),
        )
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .join(left_member, col(left_member.id) == col(left.member_id))
        .join(right_member, col(right_member.id) == col(right.member_id))
        .where(
            col(Comparison.prompt_id) == bindparam("prompt_id"),
            col(Preference.annotator_id) == bindparam("annotator_id"),
            col(Preference.retracted_at).is_(None),
        )
        .order_by(col(Preference.id).desc())
        .limit(1)
    )


def list_won(session: Session, *, prompt_id: int) -> list[tuple[int, int]]:
    """The pairs of a prompt's candidates that people decided: the preferred one first, by most of the votes.

    Gold pairs and attention checks say nothing of answers and are left out.
    """
    rows = session.execute(
        select(col(Preference.outcome), col(Comparison.left_id), col(Comparison.right_id))
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(
            col(Comparison.prompt_id) == prompt_id,
            col(Preference.retracted_at).is_(None),
            col(Preference.outcome).in_([Outcome.LEFT, Outcome.RIGHT]),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            col(Comparison.id).not_in(select_checks()),
        )
        .order_by(col(Preference.id))
    )
    n_won: Counter[tuple[int, int]] = Counter()
    for outcome, left_id, right_id in rows:
        n_won[(left_id, right_id) if outcome is Outcome.LEFT else (right_id, left_id)] += 1
    return [(winner, loser) for (winner, loser), n in n_won.items() if n > n_won[(loser, winner)]]


def list_of_prompt(session: Session, *, prompt_id: int) -> list[PromptVote]:
    """The standing preferences for pairs of a prompt's candidates, oldest first."""
    left, right = aliased(Candidate), aliased(Candidate)
    left_member, right_member = aliased(Member), aliased(Member)
    rows = session.execute(
        select(
            Preference, Comparison, Annotator, Lease, Ballot, col(left_member.name), col(right_member.name)
        )
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .join(Lease, col(Lease.id) == col(Preference.lease_id), isouter=True)
        .join(Ballot, col(Ballot.id) == col(Preference.ballot_id), isouter=True)
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .join(left_member, col(left_member.id) == col(left.member_id))
        .join(right_member, col(right_member.id) == col(right.member_id))
        .where(col(Comparison.prompt_id) == prompt_id, col(Preference.retracted_at).is_(None))
        .order_by(col(Preference.id))
    )
    return [PromptVote(*row) for row in rows]


def list_own(
    session: Session, *, annotator_id: int, project_id: int, before_id: int | None, limit: int
) -> list[OwnAnswer]:
    """An annotator's standing answers to pairs that were lent to them one by one, the latest first."""
    earlier = aliased(Preference)
    n_earlier = (
        select(func.count())
        .select_from(earlier)
        .where(
            col(earlier.comparison_id) == col(Preference.comparison_id),
            col(earlier.annotator_id) == annotator_id,
            col(earlier.superseded_by_id).is_not(None),
        )
        .scalar_subquery()
    )
    query = (
        select(Preference, n_earlier)
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .where(
            col(Preference.annotator_id) == annotator_id,
            col(Preference.retracted_at).is_(None),
            col(Preference.lease_id).is_not(None),
            col(Preference.ballot_id).is_(None),
            col(Comparison.project_id) == project_id,
        )
        .order_by(col(Preference.id).desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(col(Preference.id) < before_id)
    return [OwnAnswer(*row) for row in session.execute(query)]


def count_of_annotator(
    session: Session, *, annotator_id: int, project_id: int, since: datetime | None = None
) -> int:
    """How many preferences of an annotator stand in a project, since a time if given."""
    query = (
        select(func.count())
        .select_from(Preference)
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .where(
            col(Preference.annotator_id) == annotator_id,
            col(Preference.retracted_at).is_(None),
            col(Comparison.project_id) == project_id,
        )
    )
    if since is not None:
        query = query.where(col(Preference.created_at) >= since)
    n_standing: int = session.execute(query).scalar_one()
    return n_standing


def count_beyond_ballots(
    session: Session, *, project_id: int, annotator_id: int | None = None, since: datetime | None = None
) -> int:
    """How many more preferences of a project stand than ballots from which they follow, of all or of one."""
    of_ballot = col(Preference.ballot_id)
    query = (
        select(func.count() - func.count(of_ballot.distinct()))
        .select_from(Preference)
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .where(
            of_ballot.is_not(None),
            col(Preference.retracted_at).is_(None),
            col(Comparison.project_id) == project_id,
        )
    )
    if annotator_id is not None:
        query = query.where(col(Preference.annotator_id) == annotator_id)
    if since is not None:
        query = query.where(col(Preference.created_at) >= since)
    n_beyond: int = session.execute(query).scalar_one()
    return n_beyond


def sum_seconds(session: Session, *, annotator_id: int, project_id: int, since: datetime) -> float:
    """Time that an annotator's standing preferences in a project since then took, ``LONGEST_SECONDS`` at most
    each."""
    seconds = case(
        (col(Preference.seconds) > LONGEST_SECONDS, LONGEST_SECONDS), else_=col(Preference.seconds)
    )
    total: float = session.execute(
        select(func.coalesce(func.sum(seconds), 0.0))
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .where(
            col(Preference.annotator_id) == annotator_id,
            col(Preference.retracted_at).is_(None),
            col(Preference.created_at) >= since,
            col(Comparison.project_id) == project_id,
        )
    ).scalar_one()
    return total


def count_standing(session: Session, *, after_id: int = 0, humans_only: bool = True) -> int:
    """How many preferences stand, of those with a higher id than ``after_id``; checks count too."""
    query = _standing(after_id=after_id, humans_only=humans_only)
    n_standing: int = session.execute(query).scalar_one()
    return n_standing


def count_standing_of(session: Session, *, project_id: int) -> int:
    """How many preferences of people stand in a project; checks count too."""
    # Those elsewhere are mostly fewer, and the index by annotator gives the number of all.
    is_elsewhere = col(Comparison.project_id) != project_id
    if session.execute(select(col(Comparison.id)).where(is_elsewhere).limit(1)).first() is None:
        return count_standing(session)
    elsewhere = select(col(Comparison.id)).where(is_elsewhere)
    query = _standing(after_id=0, humans_only=True).where(col(Preference.comparison_id).in_(elsewhere))
    n_elsewhere: int = session.execute(query).scalar_one()
    return count_standing(session) - n_elsewhere


def count_teaching(session: Session, *, after_id: int = 0) -> int:
    """As many of people as a ranker may learn from: those that stand without those on checks."""
    # Two counts, because each has its index, and the difference of the two has none.
    on_checks = _standing(after_id=after_id, humans_only=True).where(
        col(Preference.comparison_id).in_(select_checks())
    )
    n_on_checks: int = session.execute(on_checks).scalar_one()
    return count_standing(session, after_id=after_id) - n_on_checks


def _standing(*, after_id: int, humans_only: bool) -> Select[int]:
    query = select(func.count()).select_from(Preference).where(col(Preference.retracted_at).is_(None))
    if after_id:
        query = query.where(col(Preference.id) > after_id)
    if humans_only:
        # By their ids, not by leaving judges out: so the index by annotator gives the count.
        people = select(col(Annotator.id)).where(col(Annotator.kind) == AnnotatorKind.HUMAN)
        query = query.where(col(Preference.annotator_id).in_(people))
    return query


def get_last_id(session: Session) -> int:
    """The highest id of any preference, 0 where there is none."""
    last: int = session.execute(select(func.coalesce(func.max(col(Preference.id)), 0))).scalar_one()
    return last


def find_id_before_latest(session: Session, *, n: int) -> int:
    """The preference after which the latest ``n`` standing ones begin; 0 where there are fewer."""
    query = (
        select(col(Preference.id))
        .where(col(Preference.retracted_at).is_(None))
        .order_by(col(Preference.id).desc())
        .offset(n)
        .limit(1)
    )
    return session.scalars(query).first() or 0


# Building a statement takes longer than running it, so the ones of the label loop are built once.


@cache
def _add_statement() -> ReturningInsert[Any]:
    return insert(Preference).returning(col(Preference.id))


@cache
def _by_key_query() -> Select[*tuple[Any, ...]]:
    return select(col(Preference.id), col(Preference.comparison_id), col(Preference.outcome)).where(
        col(Preference.idempotency_key) == bindparam("key")
    )

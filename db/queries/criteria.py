"""What people said beside the outcome of a pair: who wins on each criterion, and by how much."""

from __future__ import annotations

from sqlalchemy import BigInteger, cast, func, select
from sqlmodel import Session, col

from db.models import Preference, Project
from db.queries.columns import Columns, fetch_columns

STRENGTH_UNIT = 1_000_000


def list_asked(session: Session) -> tuple[str, ...]:
    """The criteria that any project asks, by name."""
    asked = session.scalars(select(col(Project.questions)))
    return tuple(sorted({str(name) for questions in asked for name in questions.get("criteria", ())}))


def list_answers(session: Session) -> list[tuple[int, dict[str, str]]]:
    """Preference and outcome by criterion wherever one was given, retracted ones too, by ascending id."""
    query = (
        select(col(Preference.id), col(Preference.criteria))
        .where(col(Preference.criteria).is_not(None))
        .order_by(col(Preference.id))
    )
    return [(id_, criteria) for id_, criteria in session.execute(query) if id_ is not None and criteria]


def list_strengths(session: Session) -> Columns:
    """Id and strength in millionths of every preference that has one, by ascending id, (2, n)."""
    strength = cast(func.round(col(Preference.strength) * STRENGTH_UNIT), BigInteger)
    return fetch_columns(session, col(Preference.id), strength, where=col(Preference.strength).is_not(None))

"""Bets of versions that are compared on new votes: those still to be laid, and those on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.models import Annotator, AnnotatorKind, Comparison, Preference, Reading, ShadowBet

N_LATEST = 2_000
"""Of the latest preferences, bets are laid: an import of a million is no stream of votes."""


class Voted(NamedTuple):
    """A comparison that people voted on."""

    comparison_id: int
    prompt_id: int
    left_id: int
    right_id: int


def list_waiting(
    session: Session, *, version_id: int, after_preference_id: int, reader_fingerprint: str | None, limit: int
) -> list[Voted]:
    """Comparisons with new standing votes of people on which a version has no bet, the latest first.

    Args:
        version_id: The version.
        after_preference_id: Votes with a higher id are new.
        reader_fingerprint: Only those whose answers this reader has read; None asks for no readings.
        limit: How many at most.
    """
    last = session.scalar(select(func.max(col(Preference.id)))) or 0
    has_bet = select(col(ShadowBet.comparison_id)).where(
        col(ShadowBet.comparison_id) == col(Comparison.id), col(ShadowBet.version_id) == version_id
    )
    conditions: list[ColumnElement[bool]] = [~has_bet.exists()]
    for side in (Comparison.left_id, col(Comparison.right_id)) if reader_fingerprint is not None else ():
        read = aliased(Reading)
        conditions.append(
            select(col(read.candidate_id))
            .where(
                col(read.candidate_id) == col(side),
                col(read.reader_fingerprint) == reader_fingerprint,
            )
            .exists()
        )
    found = session.execute(
        select(
            col(Comparison.id), col(Comparison.prompt_id), col(Comparison.left_id), col(Comparison.right_id)
        )
        .join(Preference, col(Preference.comparison_id) == col(Comparison.id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(
            col(Preference.id) > max(after_preference_id, last - N_LATEST),
            col(Preference.retracted_at).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            *conditions,
        )
        .group_by(
            col(Comparison.id), col(Comparison.prompt_id), col(Comparison.left_id), col(Comparison.right_id)
        )
        .order_by(func.max(col(Preference.id)).desc())
        .limit(limit)
    )
    return [Voted(*row) for row in found]


def lay(session: Session, *, version_id: int, logits: Iterable[tuple[int, float]], now: datetime) -> int:
    """Keep bets by comparison; one that is on record stays as it is. Says how many are new."""
    by_comparison = dict(logits)
    known = session.scalars(
        select(col(ShadowBet.comparison_id)).where(
            col(ShadowBet.version_id) == version_id, col(ShadowBet.comparison_id).in_(by_comparison)
        )
    )
    for comparison_id in known:
        del by_comparison[comparison_id]
    rows = [
        {"version_id": version_id, "comparison_id": one, "logit": logit, "created_at": now}
        for one, logit in by_comparison.items()
    ]
    if rows:
        session.execute(insert(ShadowBet), rows)
    return len(rows)


class Bets(NamedTuple):
    """One version's bets by ascending comparison, (n,) each."""

    comparison_id: NDArray[np.int64]
    logit: NDArray[np.float64]


def read(session: Session, *, version_ids: Sequence[int]) -> dict[int, Bets]:
    """The bets of some versions."""
    rows = session.execute(
        select(col(ShadowBet.version_id), col(ShadowBet.comparison_id), col(ShadowBet.logit))
        .where(col(ShadowBet.version_id).in_(version_ids))
        .order_by(col(ShadowBet.version_id), col(ShadowBet.comparison_id))
    ).all()
    return {
        one: Bets(
            np.array([row[1] for row in rows if row[0] == one], dtype=np.int64),
            np.array([row[2] for row in rows if row[0] == one], dtype=np.float64),
        )
        for one in version_ids
    }

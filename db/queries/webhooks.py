"""Webhooks, their messages, and what was last seen of what they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, func, select, update
from sqlmodel import Session, col

from db.models import (
    Annotator,
    Candidate,
    CandidateFailure,
    Comparison,
    FailureKind,
    Member,
    ModelVersion,
    Project,
    Promotion,
    Purpose,
    Sighting,
    Webhook,
    WebhookMessage,
)

PROMOTED, QUEUE, MEMBER, DRIFT = "promoted:", "queue:", "member:", "drift:"
"""What names of sightings begin with."""
_NOT_ASKED = ("import", "fusion")
"""Backends of members that nobody asks."""


class PromotionRow(NamedTuple):
    """A decision that made a version active, and the version."""

    promotion: Promotion
    version: ModelVersion


class Failing(NamedTuple):
    """Failures of a member since its last answer, the ones that people stopped aside."""

    n: int
    kind: FailureKind | None
    message: str


def list_webhooks(session: Session) -> list[tuple[Webhook, str]]:
    """Every webhook that was not removed with its maker's name, the newest first."""
    rows = session.execute(
        select(Webhook, func.coalesce(col(Annotator.name), ""))
        .outerjoin(Annotator, col(Annotator.id) == col(Webhook.made_by_id))
        .where(col(Webhook.removed_at).is_(None))
        .order_by(col(Webhook.id).desc())
    )
    return [(webhook, name) for webhook, name in rows]


def list_messages(session: Session, *, webhook_id: int | None, limit: int) -> Sequence[WebhookMessage]:
    """The latest messages, of one webhook or of all, the newest first."""
    query = select(WebhookMessage).order_by(col(WebhookMessage.id).desc()).limit(limit)
    if webhook_id is not None:
        query = query.where(col(WebhookMessage.webhook_id) == webhook_id)
    return session.scalars(query).all()


def list_due(session: Session, *, now: datetime, limit: int) -> Sequence[WebhookMessage]:
    """Messages that are to be tried now, the one that waits longest first; locked on PostgreSQL."""
    return session.scalars(
        select(WebhookMessage)
        .join(Webhook, col(Webhook.id) == col(WebhookMessage.webhook_id))
        .where(col(WebhookMessage.next_try_at) <= now, col(Webhook.removed_at).is_(None))
        .order_by(col(WebhookMessage.next_try_at))
        .limit(limit)
        .with_for_update(skip_locked=True, of=WebhookMessage)
    ).all()


def drop_waiting(session: Session, *, webhook_id: int) -> None:
    """Try no message of a webhook any more."""
    session.execute(
        update(WebhookMessage)
        .where(col(WebhookMessage.webhook_id) == webhook_id, col(WebhookMessage.next_try_at).is_not(None))
        .values(next_try_at=None, problem="the webhook was removed")
        .execution_options(synchronize_session=False)
    )


def read_sightings(session: Session) -> dict[str, str]:
    """What was last seen, by name."""
    rows = session.execute(select(col(Sighting.name), col(Sighting.value)))
    return {name: value for name, value in rows}


def keep_sightings(session: Session, *, values: Mapping[str, str], now: datetime) -> None:
    """Keep what is seen now."""
    for name, value in values.items():
        session.merge(Sighting(name=name, value=value, seen_at=now))


def list_last_promotions(session: Session) -> dict[str, int]:
    """The last decision that made a version active, by role."""
    rows = session.execute(
        select(col(ModelVersion.role), func.max(col(Promotion.id)))
        .join(Promotion, col(Promotion.version_id) == col(ModelVersion.id))
        .where(col(Promotion.promoted).is_(True))
        .group_by(col(ModelVersion.role))
    )
    return {role.value: promotion_id for role, promotion_id in rows}


def list_promotions_after(session: Session, *, role: str, after_id: int) -> list[PromotionRow]:
    """Decisions that made a version of a role active, after one of them, the oldest first."""
    rows = session.execute(
        select(Promotion, ModelVersion)
        .join(ModelVersion, col(ModelVersion.id) == col(Promotion.version_id))
        .where(
            col(ModelVersion.role) == role, col(Promotion.promoted).is_(True), col(Promotion.id) > after_id
        )
        .order_by(col(Promotion.id))
    )
    return [PromotionRow(*row) for row in rows]


def list_open_projects(session: Session) -> list[tuple[int, str, bool]]:
    """Id and name of every project that is not archived, and whether people are to be asked a pair of it."""
    is_open = exists().where(
        col(Comparison.project_id) == col(Project.id),
        col(Comparison.purpose) == Purpose.LABEL,
        col(Comparison.is_open).is_(True),
    )
    rows = session.execute(
        select(col(Project.id), col(Project.name), is_open).where(col(Project.archived_at).is_(None))
    )
    return [(project_id, name, bool(has_open)) for project_id, name, has_open in rows]


def count_failures(session: Session, *, member: str, at_most: int) -> Failing:
    """Failures of a member by its name since its last answer, up to so many."""
    ids = list(
        session.scalars(
            select(col(Member.id)).where(col(Member.name) == member, col(Member.backend).not_in(_NOT_ASKED))
        )
    )
    failures = session.execute(
        select(col(CandidateFailure.kind), col(CandidateFailure.message), col(CandidateFailure.created_at))
        .where(col(CandidateFailure.member_id).in_(ids), col(CandidateFailure.kind) != FailureKind.STOPPED)
        .order_by(col(CandidateFailure.id).desc())
        .limit(at_most)
    ).all()
    if len(failures) == at_most:  # else nobody asks, so the answers need not be looked at
        answered = session.execute(
            select(col(Candidate.created_at))
            .where(col(Candidate.member_id).in_(ids))
            .order_by(col(Candidate.id).desc())
            .limit(1)
        ).scalar()
        failures = [row for row in failures if answered is None or row[2] > answered]
    return Failing(len(failures), *failures[0][:2]) if failures else Failing(0, None, "")

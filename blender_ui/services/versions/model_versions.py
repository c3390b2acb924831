"""Ranker versions: which there are, which one ranks, and who decided so.

Invariant: at most one version is active, and every change of it leaves a Promotion row with its
reason. Non-goal: making a version; ``training_run`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from blender_ui.errors import NotFound, Refused
from db.models import Annotator, Promotion, RankerKind, RankerVersion


@dataclass(frozen=True, kw_only=True)
class VersionView:
    """One trained ranker."""

    id: int
    job_id: int | None
    parent_id: int | None
    kind: RankerKind
    base_model: str
    base_fingerprint: str
    """Of the frozen reader or the encoder it was trained from."""
    fingerprint: str
    path: str
    """The checkpoint's folder, relative to the rankers' folder."""
    cut_off_preference_id: int
    n_train: int
    n_held_out: int
    hyper_parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class PromotionView:
    """One decision about a version."""

    version_id: int
    previous_id: int | None
    promoted: bool
    reason: str
    decided_by: str | None
    """Name of the person; None where the figures decided."""
    created_at: datetime


def view_version(row: RankerVersion) -> VersionView:
    """The view of a row that has been flushed."""
    assert row.id is not None
    return VersionView(
        id=row.id,
        job_id=row.job_id,
        parent_id=row.parent_id,
        kind=row.kind,
        base_model=row.base_model,
        base_fingerprint=row.base_fingerprint,
        fingerprint=row.fingerprint,
        path=row.path,
        cut_off_preference_id=row.cut_off_preference_id,
        n_train=row.n_train,
        n_held_out=row.n_held_out,
        hyper_parameters=dict(row.hyper_parameters),
        metrics=dict(row.metrics),
        is_active=row.is_active,
        created_at=row.created_at,
    )


def find_active_version(session: Session) -> VersionView | None:
    """The version that ranks now; None before the first was promoted."""
    row = session.exec(select(RankerVersion).where(col(RankerVersion.is_active))).one_or_none()
    return None if row is None else view_version(row)


def get_version(session: Session, version_id: int) -> VersionView:
    """The version of this id.

    Raises:
        NotFound: If there is none.
    """
    return view_version(_get_row(session, version_id))


def list_versions(session: Session) -> tuple[VersionView, ...]:
    """All versions, newest first."""
    rows = session.exec(select(RankerVersion).order_by(col(RankerVersion.id).desc())).all()
    return tuple(view_version(row) for row in rows)


def activate_version(session: Session, *, version_id: int, reason: str, decided_by_id: int | None) -> None:
    """Make a version the one that ranks, and record why. The caller's transaction is IMMEDIATE.

    Raises:
        NotFound: If there is no such version.
        Refused: If it is active already, or the reason is blank.
    """
    row = _get_row(session, version_id)
    if row.is_active:
        raise Refused(f"version {version_id} is the active one already")
    if not reason.strip():
        raise Refused("expected a reason for the change of the active version; say why in a few words")
    previous = session.exec(select(RankerVersion).where(col(RankerVersion.is_active))).one_or_none()
    if previous is not None:
        previous.is_active = False
        session.flush()  # the old one first: the index allows one active version at any moment
    row.is_active = True
    record_decision(
        session,
        version_id=version_id,
        previous_id=previous.id if previous is not None else None,
        promoted=True,
        reason=reason.strip(),
        decided_by_id=decided_by_id,
    )


def record_decision(
    session: Session,
    *,
    version_id: int,
    previous_id: int | None,
    promoted: bool,
    reason: str,
    decided_by_id: int | None = None,
) -> None:
    """Write down that a version was promoted or refused."""
    session.add(
        Promotion(
            ranker_version_id=version_id,
            previous_id=previous_id,
            promoted=promoted,
            reason=reason,
            decided_by_id=decided_by_id,
        )
    )
    session.flush()


def list_decisions(session: Session, version_id: int) -> tuple[PromotionView, ...]:
    """Every decision about a version, oldest first."""
    rows = session.exec(
        select(Promotion, Annotator)
        .join(Annotator, col(Annotator.id) == col(Promotion.decided_by_id), isouter=True)
        .where(col(Promotion.ranker_version_id) == version_id)
        .order_by(col(Promotion.id))
    ).all()
    return tuple(
        PromotionView(
            version_id=row.ranker_version_id,
            previous_id=row.previous_id,
            promoted=row.promoted,
            reason=row.reason,
            decided_by=person.name if person is not None else None,
            created_at=row.created_at,
        )
        for row, person in rows
    )


def _get_row(session: Session, version_id: int) -> RankerVersion:
    row = session.get(RankerVersion, version_id)
    if row is None:
        raise NotFound(f"there is no ranker version {version_id}; the Train page lists those there are")
    return row

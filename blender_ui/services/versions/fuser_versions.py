"""Fuser versions: which there are, which one fuses, and who decided so.

Invariant: at most one version is active, every change of it leaves a FuserPromotion row with its
reason, and a job makes at most one. Non-goal: making one; ``fuser_training`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session, col, select

import blender_ui
from blender_ui.errors import NotFound, Refused
from blender_ui.services.jobs.progress import JobCancelled
from blender_ui.services.versions.registration import FittedVersion
from db.engine import transaction
from db.models import Annotator, FuserPromotion, FuserVersion, JobStatus, TrainingJob


@dataclass(frozen=True, kw_only=True)
class FuserVersionView:
    """One trained fuser."""

    id: int
    job_id: int | None
    parent_id: int | None
    """The version that it was compared with."""
    base_model: str
    fingerprint: str
    path: str
    """The checkpoint's folder, relative to the fusers' folder."""
    n_train: int
    n_held_out: int
    metrics: Mapping[str, Any]
    is_active: bool
    created_at: datetime
    decision: str
    """Why it was last promoted or refused."""


class Checkpoint(NamedTuple):
    """A trained fuser on the disk."""

    name: str
    """The name that people see."""
    folder: Path


class FuserVersions:
    """The pages' side of fuser versions.

    Args:
        engine: The store.
        fusers_path: Folder of the checkpoints.
    """

    def __init__(self, engine: Engine, *, fusers_path: Path) -> None:
        self._engine = engine
        self._fusers_path = fusers_path

    def list_versions(self) -> tuple[FuserVersionView, ...]:
        """All versions, newest first."""
        with transaction(self._engine) as session:
            rows = session.exec(select(FuserVersion).order_by(col(FuserVersion.id).desc())).all()
            return tuple(_view(session, row) for row in rows)

    def find_active_checkpoint(self) -> Checkpoint | None:
        """Of the version that fuses now; None where there is none."""
        with transaction(self._engine) as session:
            active = find_active(session)
        if active is None:
            return None
        return Checkpoint(f"fuser version {active.id}", self._fusers_path / active.path)

    def activate(self, *, version_id: int, decided_by_id: int | None, reason: str) -> FuserVersionView:
        """Make a version the one that fuses, as a person decided.

        Raises:
            NotFound: If there is no such version.
            Refused: If it is active already, or the reason is blank.
        """
        if not reason.strip():
            raise Refused("expected a reason for the change of the active fuser; say why in a few words")
        with transaction(self._engine, immediate=True) as session:
            row = session.get(FuserVersion, version_id)
            if row is None:
                raise NotFound(f"there is no fuser version {version_id}; the Train page lists them")
            if row.is_active:
                raise Refused(f"fuser version {version_id} is the active one already")
            _activate(session, row, reason=reason.strip(), decided_by_id=decided_by_id)
            return _view(session, row)


def find_active(session: Session) -> FuserVersionView | None:
    """The version that fuses now; None before the first was promoted."""
    row = session.exec(select(FuserVersion).where(col(FuserVersion.is_active))).one_or_none()
    return None if row is None else _view(session, row)


def register(engine: Engine, job_id: int, fitted: FittedVersion, *, now: datetime) -> int:
    """Write version, decision and the job's completion in one transaction, once.

    Raises:
        NotFound: If the job is not in the store.
        JobCancelled: If someone asked for the job's end before this.
    """
    with transaction(engine, immediate=True) as session:
        job = session.get(TrainingJob, job_id)
        if job is None:
            raise NotFound(f"training job {job_id} is not in the store any more")
        known = session.exec(select(FuserVersion.id).where(FuserVersion.job_id == job_id)).first()
        if known is not None:
            return int(known)
        if job.cancel_requested_at is not None or job.status.is_finished():
            raise JobCancelled(f"job {job_id} was cancelled")
        row = FuserVersion(
            job_id=job_id,
            parent_id=fitted.compared_with_id,
            base_model=fitted.base_model,
            base_fingerprint=fitted.base_fingerprint,
            fingerprint=fitted.fingerprint,
            path=fitted.path,
            cut_off_preference_id=job.cut_off_preference_id,
            n_train=fitted.n_train,
            n_held_out=fitted.n_held_out,
            hyper_parameters=fitted.hyper_parameters,
            metrics=fitted.metrics,
            code_version=blender_ui.__version__,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        _decide(session, row, fitted)
        job.status, job.phase, job.progress = JobStatus.COMPLETE, "complete", 1.0
        job.remaining_seconds, job.finished_at = None, now
        return row.id


def _decide(session: Session, row: FuserVersion, fitted: FittedVersion) -> None:
    active = find_active(session)
    active_id = active.id if active is not None else None
    if fitted.promoted and active_id == fitted.compared_with_id:
        _activate(session, row, reason=fitted.reason, decided_by_id=None)
        return
    reason = fitted.reason
    if active_id != fitted.compared_with_id:
        reason = f"Refused: version {active_id} was made active while this one was being judged. {reason}"
    assert row.id is not None
    session.add(FuserPromotion(fuser_version_id=row.id, previous_id=active_id, promoted=False, reason=reason))
    session.flush()


def _activate(session: Session, row: FuserVersion, *, reason: str, decided_by_id: int | None) -> None:
    previous = session.exec(select(FuserVersion).where(col(FuserVersion.is_active))).one_or_none()
    if previous is not None:
        previous.is_active = False
        session.flush()  # the old one first: the index allows one active version at any moment
    row.is_active = True
    assert row.id is not None
    session.add(
        FuserPromotion(
            fuser_version_id=row.id,
            previous_id=previous.id if previous is not None else None,
            promoted=True,
            reason=reason,
            decided_by_id=decided_by_id,
        )
    )
    session.flush()


def _view(session: Session, row: FuserVersion) -> FuserVersionView:
    assert row.id is not None
    decided = session.exec(
        select(FuserPromotion, Annotator)
        .join(Annotator, col(Annotator.id) == col(FuserPromotion.decided_by_id), isouter=True)
        .where(FuserPromotion.fuser_version_id == row.id)
        .order_by(col(FuserPromotion.id).desc())
    ).first()
    by = f" ({decided[1].name})" if decided is not None and decided[1] is not None else ""
    return FuserVersionView(
        id=row.id,
        job_id=row.job_id,
        parent_id=row.parent_id,
        base_model=row.base_model,
        fingerprint=row.fingerprint,
        path=row.path,
        n_train=row.n_train,
        n_held_out=row.n_held_out,
        metrics=dict(row.metrics),
        is_active=row.is_active,
        created_at=row.created_at,
        decision=decided[0].reason + by if decided is not None else "",
    )

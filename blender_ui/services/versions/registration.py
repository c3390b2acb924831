"""From a fitted model to a version: its row, the decision about it, and the job's end.

Invariant: one job makes at most one version, however often its last step is repeated. Non-goal:
fitting or judging; the figures come in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

import blender_ui
from blender_ui.language import tr
from blender_ui.services.jobs.progress import JobCancelled
from blender_ui.services.jobs.states import finish, get_job
from blender_ui.services.versions import model_versions
from blender_ui.services.versions.standing import STANDING_SINCE
from db.columns import row_id
from db.engine import transaction
from db.models import Job, JobStatus, ModelVersion
from db.queries.versions import find_by_job, find_version


@dataclass(frozen=True, kw_only=True)
class FittedVersion:
    """A checkpoint on the disk and its figures; small, because it is kept with the worker's step."""

    path: str
    """The checkpoint's folder, relative to the folder of its role."""
    fingerprint: str
    base_model: str
    base_fingerprint: str
    n_train: int
    n_held_out: int
    hyper_parameters: dict[str, Any]
    metrics: dict[str, Any]
    compared_with_id: int | None
    """The version that was active when this one was judged."""
    promoted: bool
    reason: str
    active_standing: dict[str, Any] | None = None
    """Where that version stood beside the baselines on the same votes; None where it could not be judged."""


def register_version(engine: Engine, job_id: int, fitted: FittedVersion, *, now: datetime) -> int:
    """Write version, decision and the job's completion in one transaction.

    Returns:
        The version's id, the same however often this is run.

    Raises:
        NotFound: If the job is not in the store.
        JobCancelled: If someone asked for the job's end before this.
    """
    with transaction(engine, immediate=True) as session:
        job = get_job(session, job_id)
        known = find_by_job(session, job_id=job_id)
        if known is not None:
            return known
        if job.cancel_requested_at is not None or job.status.is_finished():
            raise JobCancelled(tr("job {job_id} was cancelled", job_id=job_id))
        row = _insert_version(session, job, fitted)
        _tell_active(session, fitted)
        _decide(session, row, fitted)
        finish(job, JobStatus.COMPLETE, now=now)
        return row_id(row)


def _insert_version(session: Session, job: Job, fitted: FittedVersion) -> ModelVersion:
    kind = job.kind.model
    row = ModelVersion(
        job_id=job.id,
        parent_id=fitted.compared_with_id,
        role=kind.role,
        kind=kind,
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
    return row


def _tell_active(session: Session, fitted: FittedVersion) -> None:
    """Keep with the version that was compared how it stands on votes that came after it."""
    if fitted.active_standing is None or fitted.compared_with_id is None:
        return
    row = find_version(session, version_id=fitted.compared_with_id)
    if row is not None:
        row.metrics = {**row.metrics, STANDING_SINCE: fitted.active_standing}


def _decide(session: Session, row: ModelVersion, fitted: FittedVersion) -> None:
    version_id = row_id(row)
    active = model_versions.find_active_version(session, role=row.role)
    active_id = active.id if active is not None else None
    if fitted.promoted and active_id == fitted.compared_with_id:
        model_versions.activate_version(
            session, version_id=version_id, reason=fitted.reason, decided_by_id=None
        )
        return
    reason = fitted.reason
    if active_id != fitted.compared_with_id:
        reason = f"Refused: version {active_id} was made active while this one was being judged. {reason}"
    model_versions.record_decision(
        session, version_id=version_id, previous_id=active_id, promoted=False, reason=reason
    )

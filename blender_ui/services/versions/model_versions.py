"""Versions of trained models: the list, the active one of each role, and the decisions.

Invariant: at most one version of a role is active, and every change of it leaves a Promotion row with
its reason. Non-goal: making a version; ``services.training`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import NotFound, Refused
from blender_ui.fusion.protocol import Checkpoint
from blender_ui.language import tr
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.versions.standing import find_overridden
from blender_ui.services.versions.views import START_ORIGIN as START_ORIGIN
from blender_ui.services.versions.views import PromotionView as PromotionView
from blender_ui.services.versions.views import VersionView as VersionView
from blender_ui.services.versions.views import hide_deciders as hide_deciders
from db.columns import row_id
from db.engine import transaction
from db.models import ModelRole, ModelVersion, Promotion, utc_now
from db.queries import versions


class Versions:
    """Versions of every role, as pages and commands ask for them.

    Args:
        engine: The store.
        folders: Folder of the checkpoints of each role.
        clock: Gives the present time, with its zone.
        say_worse: Says what new votes have against a ranker's version; empty where they have nothing.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        folders: Mapping[ModelRole, Path],
        clock: Callable[[], datetime] = utc_now,
        say_worse: Callable[[int], str] = lambda _: "",
    ) -> None:
        self._engine = engine
        self._folders = folders
        self._clock = clock
        self._say_worse = say_worse

    def list_versions(self, role: ModelRole = ModelRole.RANKER) -> tuple[VersionView, ...]:
        """All versions of a role, newest first."""
        with transaction(self._engine) as session:
            return list_versions(session, role=role)

    def decisions(self, version_id: int) -> tuple[PromotionView, ...]:
        """Every decision about a version, oldest first."""
        with transaction(self._engine) as session:
            return list_decisions(session, version_id)

    def activate(
        self,
        *,
        version_id: int,
        decided_by_id: int | None,
        reason: str,
        role: ModelRole = ModelRole.RANKER,
    ) -> VersionView:
        """Make a version the one that serves in its role, as a person decided.

        The decision's reason and the audit trail say what the person overrode, where the figures of a
        ranker do not show it to be better than the baselines, or new votes call it worse than the active one.

        Raises:
            NotFound: If there is no such version of this role.
            Refused: If it is active already, or the reason is blank.
        """
        worse = self._say_worse(version_id) if role is ModelRole.RANKER else ""
        with transaction(self._engine, immediate=True) as session:
            chosen = get_version(session, version_id, role=role)
            active = find_active_version(session, role=role)
            overridden = " ".join(filter(None, (find_overridden(chosen), worse)))
            said = f"{reason.strip()} {overridden}" if reason.strip() and overridden else reason
            activate_version(session, version_id=version_id, reason=said, decided_by_id=decided_by_id)
            record_change(
                session,
                Change(
                    by=decided_by_id,
                    action="version.activate",
                    object_id=version_id,
                    before={"active": None if active is None else active.id},
                    after={"active": version_id, "reason": reason.strip(), "overrides": overridden},
                ),
                now=self._clock(),
            )
            return get_version(session, version_id, role=role)

    def find_active_checkpoint(self, role: ModelRole) -> Checkpoint | None:
        """Of the version that serves in a role now; None where there is none."""
        with transaction(self._engine) as session:
            active = find_active_version(session, role=role)
        if active is None:
            return None
        return Checkpoint(f"{role} version {active.id}", self._folders[role] / active.path)


def find_active_version(session: Session, *, role: ModelRole = ModelRole.RANKER) -> VersionView | None:
    """The version that serves in a role now; None before the first was promoted."""
    row = versions.find_active(session, role=role)
    return None if row is None else _view(row)


def list_served_before(session: Session, active: VersionView) -> list[VersionView]:
    """Versions that served in the active one's role, the latest first.

    Beside a fast one, those that ask the same reader; where a joint one asks none, all.
    """
    rows = [_view(row) for row in versions.list_served(session, role=active.role)]
    return [
        one
        for one in rows
        if one.id != active.id
        and (active.reader_fingerprint is None or one.reader_fingerprint == active.reader_fingerprint)
    ]


def get_version(session: Session, version_id: int, *, role: ModelRole = ModelRole.RANKER) -> VersionView:
    """The version of this id and role.

    Raises:
        NotFound: If there is none.
    """
    row = versions.find_version(session, version_id=version_id)
    if row is None or row.role is not role:
        raise NotFound(
            tr(
                "there is no {role} version {version_id}; the Train page lists all versions",
                role=role,
                version_id=version_id,
            )
        )
    return _view(row)


def get_start_version(session: Session) -> VersionView:
    """The newest start ranker among the versions.

    Raises:
        NotFound: If there is none: its reader is not here, or the settings name another.
    """
    for version in list_versions(session):
        if version.is_start:
            return version
    raise NotFound(
        "this store has no start ranker, because that needs the usual reader; fetch it with "
        "`python -m blender_ui.weights fetch --default` and "
        "`python -m blender_ui.weights reader smollm2-135m`, "
        "and do not set BLENDER_UI_READER"
    )


def list_versions(session: Session, *, role: ModelRole = ModelRole.RANKER) -> tuple[VersionView, ...]:
    """All versions of a role, newest first."""
    return tuple(_view(row) for row in versions.list_versions(session, role=role))


def activate_version(session: Session, *, version_id: int, reason: str, decided_by_id: int | None) -> None:
    """Make a version the one that serves in its role, and record why. The caller's transaction is IMMEDIATE.

    Raises:
        NotFound: If there is no such version.
        Refused: If it is active already, or the reason is blank.
    """
    row = versions.find_version(session, version_id=version_id)
    if row is None:
        raise NotFound(
            tr(
                "there is no version {version_id}; the Train page lists all versions",
                version_id=version_id,
            )
        )
    if row.is_active:
        raise Refused(
            tr("{role} version {version_id} is the active one already", role=row.role, version_id=version_id)
        )
    if not reason.strip():
        raise Refused("expected a reason for the change of the active version; say why in a few words")
    previous = versions.find_active(session, role=row.role)
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
            version_id=version_id,
            previous_id=previous_id,
            promoted=promoted,
            reason=reason,
            decided_by_id=decided_by_id,
        )
    )
    session.flush()


def list_decisions(session: Session, version_id: int) -> tuple[PromotionView, ...]:
    """Every decision about a version, oldest first."""
    return tuple(
        PromotionView(
            version_id=row.version_id,
            role=role,
            previous_id=row.previous_id,
            promoted=row.promoted,
            reason=row.reason,
            decided_by=name,
            created_at=row.created_at,
        )
        for row, role, name in versions.list_decisions(session, version_id=version_id)
    )


def _view(row: ModelVersion) -> VersionView:
    return VersionView(
        id=row_id(row),
        role=row.role,
        kind=row.kind,
        job_id=row.job_id,
        parent_id=row.parent_id,
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

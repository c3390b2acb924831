"""The audit trail: who changed what, when, from what to what.

Invariant: an event is written in the transaction of the change it tells of, so neither is there
without the other; nothing here changes or removes one. Non-goal: votes, whose rows keep their own
history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from db.engine import transaction
from db.models import AuditEvent
from db.queries import audit

LONGEST_SEARCH = 200
"""Characters of a search that are looked for."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change, to be written down.

    Attributes:
        by: The annotator who made it; None for the command line and the app itself.
        action: The kind of thing and what was done to it, such as ``project.archive``.
        object_id: Which one.
        before: What was changed, as it was; None for something new.
        after: As it is now; None for something ended.
    """

    by: int | None
    action: str
    object_id: int | str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class AuditView:
    """One event of the trail, with the name of who made the change; empty for the app itself."""

    id: int
    by: str
    action: str
    object_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime


def record_change(session: Session, change: Change, *, now: datetime) -> None:
    """Write a change down, inside the caller's transaction. Equal parts of before and after are left out."""
    before, after = change.before, change.after
    if before is not None and after is not None:
        moved = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        if not moved:
            return
        before = {key: before.get(key) for key in moved}
        after = {key: after.get(key) for key in moved}
    session.add(
        AuditEvent(
            annotator_id=change.by,
            action=change.action,
            object_type=change.action.split(".", 1)[0],
            object_id=str(change.object_id),
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
            created_at=now,
        )
    )


class Auditing:
    """Reads the trail of one store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_latest(
        self,
        *,
        limit: int = 100,
        before_id: int | None = None,
        object_type: str | None = None,
        containing: str = "",
    ) -> list[AuditView]:
        """The latest events, the newest first.

        Args:
            limit: At most so many.
            before_id: Only older ones than this, for the next page.
            object_type: Only of things of a kind, such as ``project``.
            containing: Only those with this in who did it, what was done, to which, or what changed,
                whatever the case; empty for all.
        """
        with transaction(self._engine) as session:
            return [
                AuditView(
                    id=event.id or 0,
                    by=name or "",
                    action=event.action,
                    object_id=event.object_id,
                    before=event.before,
                    after=event.after,
                    at=event.created_at,
                )
                for event, name in audit.list_latest(
                    session,
                    limit=limit,
                    before_id=before_id,
                    object_type=object_type,
                    containing=containing.strip()[:LONGEST_SEARCH],
                )
            ]

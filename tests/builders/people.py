"""Accounts for tests: real argon2 at its lowest cost, over a real store."""

from __future__ import annotations

from argon2 import PasswordHasher
from sqlalchemy import Engine

from blender_ui.services.people.accounts import Accounts
from db.engine import transaction
from db.models import ProjectMember, utc_now
from tests.builders.stores import Clock

PASSWORD = "correct horse battery"


def make_accounts(engine: Engine, clock: Clock) -> Accounts:
    """Accounts whose passwords are hashed fast."""
    return Accounts(engine, clock=clock, hasher=PasswordHasher(time_cost=1, memory_cost=64))


def set_member(engine: Engine, project_id: int, *, annotator_id: int, is_member: bool) -> None:
    """Let an account label a project for members, or no longer."""
    with transaction(engine, immediate=True) as session:
        member = session.get(ProjectMember, (project_id, annotator_id)) or ProjectMember(
            project_id=project_id, annotator_id=annotator_id
        )
        member.removed_at = None if is_member else utc_now()
        session.add(member)

"""Accounts for tests: real argon2 at its lowest cost, over a real store."""

from __future__ import annotations

from argon2 import PasswordHasher
from sqlalchemy import Engine

from blender_ui.services.people.accounts import Accounts
from tests.builders.stores import Clock

PASSWORD = "correct horse battery"


def make_accounts(engine: Engine, clock: Clock) -> Accounts:
    """Accounts whose passwords are hashed fast."""
    return Accounts(engine, clock=clock, hasher=PasswordHasher(time_cost=1, memory_cost=64))

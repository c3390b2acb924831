"""Anonymous annotators: each is the one whose browser keeps the key.

Invariant: the store keeps a hash of the key, so a copy of the database signs nobody in. Non-goals:
passwords, and what a role may do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import MalformedInput, NotFound
from db.engine import transaction
from db.models import Annotator, AnnotatorKind, Role
from db.queries import annotators

SHORTEST_KEY = 16
LONGEST_NAME = 128


@dataclass(frozen=True, kw_only=True)
class AnnotatorView:
    """Who is labelling."""

    id: int
    name: str
    role: Role


def sign_in(engine: Engine, *, key: str, name: str, now: datetime) -> AnnotatorView:
    """Get the annotator with a browser's secret key, or make one.

    Args:
        engine: From ``db.engine.create_store``.
        key: The secret, at least ``SHORTEST_KEY`` characters.
        name: What to call a new annotator; one who is known keeps their name.
        now: When, for a new annotator.

    Raises:
        MalformedInput: If the key is too short to be a secret.
    """
    if len(key) < SHORTEST_KEY:
        raise MalformedInput(f"a sign-in key has at least {SHORTEST_KEY} characters, this one has {len(key)}")
    stored = "browser:" + hash_secret(key)
    # Every action of a page signs in, so the usual case must not wait for the write lock.
    with transaction(engine) as session:
        annotator = annotators.find_by_key(session, key=stored)
        if annotator is not None:
            return view_annotator(annotator)
    with transaction(engine, immediate=True) as session:
        # Another tab may have been first.
        annotator = annotators.find_by_key(session, key=stored) or _add(session, stored, name, now)
        return view_annotator(annotator)


def rename(engine: Engine, *, annotator_id: int, name: str) -> AnnotatorView:
    """Call an annotator something else.

    Raises:
        MalformedInput: If the name is blank or longer than ``LONGEST_NAME`` characters.
        NotFound: If there is no such annotator.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise MalformedInput(f"a name has 1 to {LONGEST_NAME} characters, this one has {len(name)}")
    with transaction(engine, immediate=True) as session:
        lock_annotator(session, annotator_id)
        annotator = session.get_one(Annotator, annotator_id)
        annotator.name = name
        return view_annotator(annotator)


def lock_annotator(session: Session, annotator_id: int) -> None:
    """Let an annotator's other tabs wait until the transaction ends.

    Raises:
        NotFound: If there is no such annotator.
    """
    if not annotators.lock_annotator(session, annotator_id=annotator_id):
        raise NotFound(f"there is no annotator {annotator_id}; sign in first")


def _add(session: Session, stored_key: str, name: str, now: datetime) -> Annotator:
    annotator = Annotator(
        key=stored_key,
        name=name.strip()[:LONGEST_NAME],
        kind=AnnotatorKind.HUMAN,
        role=Role.ANNOTATOR,
        created_at=now,
    )
    session.add(annotator)
    session.flush()
    annotator.name = annotator.name or f"Annotator {annotator.id}"
    return annotator


def hash_secret(secret: str) -> str:
    """What the store keeps of a random secret, in 64 characters; passwords need a slow hash instead."""
    return hashlib.sha256(secret.encode()).hexdigest()


def view_annotator(annotator: Annotator) -> AnnotatorView:
    """Who an annotator is, from a row that has been flushed."""
    if annotator.id is None:
        raise RuntimeError("the annotator was not flushed before being shown")
    return AnnotatorView(id=annotator.id, name=annotator.name, role=annotator.role)

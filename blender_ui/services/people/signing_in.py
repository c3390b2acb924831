"""Anonymous annotators, each known by a key that their browser keeps.

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
from blender_ui.language import tr
from db.engine import transaction
from db.models import Annotator, AnnotatorKind, Role
from db.queries import annotators
from db.queries.visitors import GUEST, KEPT

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
        raise MalformedInput(
            tr(
                "a sign-in key has at least {shortest_key} characters, this one has {n_key}",
                shortest_key=SHORTEST_KEY,
                n_key=len(key),
            )
        )
    # Every action of a page signs in, so the usual case must not wait for the write lock.
    known = find(engine, key=key)
    if known is not None:
        return known
    with transaction(engine, immediate=True) as session:
        # Another tab may have been first.
        annotator = _find(session, key) or _add(session, KEPT + hash_secret(key), name, now)
        return view_annotator(annotator)


def is_key(key: str | None) -> bool:
    """Whether a text is long enough to be a secret."""
    return key is not None and len(key) >= SHORTEST_KEY


def find(engine: Engine, *, key: str) -> AnnotatorView | None:
    """The annotator with a browser's secret key; None for a stranger."""
    with transaction(engine) as session:
        annotator = _find(session, key)
        return None if annotator is None else view_annotator(annotator)


def add_guest(session: Session, *, key: str, row: Annotator | None, now: datetime) -> AnnotatorView:
    """Give a newcomer a guest's row, inside the caller's transaction.

    Args:
        session: Of the transaction.
        key: The browser's secret.
        row: The row of a guest who is gone, which is used again; None for a new one.
        now: When they came.
    """
    annotator = _find(session, key)  # another tab may have been first
    if annotator is None and row is None:
        annotator = _add(session, GUEST + hash_secret(key), "", now)
    elif annotator is None and row is not None:
        annotator = row
        row.key, row.name, row.created_at = GUEST + hash_secret(key), f"Annotator {row.id}", now
        session.flush()
    assert annotator is not None
    return view_annotator(annotator)


def rename(engine: Engine, *, annotator_id: int, name: str) -> AnnotatorView:
    """Call an annotator something else.

    Raises:
        MalformedInput: If the name is blank or longer than ``LONGEST_NAME`` characters.
        NotFound: If there is no such annotator.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise MalformedInput(
            tr(
                "a name has 1 to {longest_name} characters, this one has {n_name}",
                longest_name=LONGEST_NAME,
                n_name=len(name),
            )
        )
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
        raise NotFound(tr("there is no annotator {annotator_id}; sign in first", annotator_id=annotator_id))


def _find(session: Session, key: str) -> Annotator | None:
    hashed = hash_secret(key)
    found = (annotators.find_by_key(session, key=start + hashed) for start in (KEPT, GUEST))
    return next((one for one in found if one is not None), None)


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

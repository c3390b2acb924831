"""Accounts, their sign-ins and invitations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select, update
from sqlmodel import Session, col

from db.models import Account, Annotator, Invitation, Project, Role, SignIn, UtcTime


class Person(NamedTuple):
    """An account and the annotator behind it."""

    account: Account
    annotator: Annotator


class SignedIn(NamedTuple):
    """The annotator of a sign-in that has not ended."""

    annotator_id: int
    name: str
    role: Role


def find_by_username(session: Session, *, username: str) -> Person | None:
    """The account of a name in lower case, disabled or not."""
    return _find(session, col(Account.username) == username)


def find_by_hub_name(session: Session, *, hub_name: str) -> Person | None:
    """The account that a Hugging Face account signs in as, disabled or not."""
    return _find(session, col(Account.hub_name) == hub_name)


def find_by_annotator(session: Session, *, annotator_id: int) -> Person | None:
    """An annotator's account, disabled or not."""
    return _find(session, col(Account.annotator_id) == annotator_id)


def find_signed_in(session: Session, *, token_hash: str, now: datetime) -> SignedIn | None:
    """Whose sign-in a token is; None where it is over or the account is disabled."""
    row = session.connection().execute(_signed_in_query(), {"token_hash": token_hash, "now": now}).first()
    return None if row is None else SignedIn(*row)


def list_people(session: Session) -> list[Person]:
    """Every account by its name."""
    rows = session.execute(
        select(Account, Annotator)
        .join(Annotator, col(Annotator.id) == col(Account.annotator_id))
        .order_by(col(Account.username))
    )
    return [Person(*row) for row in rows]


def count_admins(session: Session) -> int:
    """How many accounts of admins can sign in."""
    n_admins: int = session.execute(
        select(func.count())
        .select_from(Account)
        .join(Annotator, col(Annotator.id) == col(Account.annotator_id))
        .where(col(Annotator.role) == Role.ADMIN, col(Account.disabled_at).is_(None))
    ).scalar_one()
    return n_admins


def end_sign_ins(
    session: Session, *, now: datetime, annotator_id: int | None = None, token_hash: str | None = None
) -> int:
    """End an annotator's sign-ins, or one; say how many were going on."""
    statement = update(SignIn).where(col(SignIn.ended_at).is_(None)).values(ended_at=now)
    if annotator_id is not None:
        statement = statement.where(col(SignIn.annotator_id) == annotator_id)
    if token_hash is not None:
        statement = statement.where(col(SignIn.token_hash) == token_hash)
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def find_invitation(session: Session, *, token_hash: str) -> Invitation | None:
    """The invitation of a token, locked where the database locks rows."""
    return session.scalars(
        select(Invitation).where(col(Invitation.token_hash) == token_hash).with_for_update()
    ).first()


def list_open_invitations(session: Session, *, now: datetime) -> Sequence[tuple[Invitation, str | None]]:
    """Invitations that can still be taken, the newest first, with their project's name."""
    rows = session.execute(
        select(Invitation, col(Project.name))
        .outerjoin(Project, col(Project.id) == col(Invitation.project_id))
        .where(col(Invitation.n_left) > 0, col(Invitation.expires_at) > now)
        .order_by(col(Invitation.id).desc())
    )
    return [(invitation, name) for invitation, name in rows]


def withdraw_set_up_links(session: Session, *, role: Role) -> None:
    """Let the app's own links of a role make no more accounts."""
    session.execute(
        update(Invitation)
        .where(col(Invitation.made_by_id).is_(None), col(Invitation.role) == role, col(Invitation.n_left) > 0)
        .values(n_left=0)
    )


def find_set_up_end(session: Session, *, role: Role, now: datetime) -> datetime | None:
    """When the app's own open link of a role ends; None where there is none."""
    ends = session.scalars(
        select(col(Invitation.expires_at)).where(
            col(Invitation.made_by_id).is_(None),
            col(Invitation.role) == role,
            col(Invitation.n_left) > 0,
            col(Invitation.expires_at) > now,
        )
    )
    return max(ends, default=None)


def _find(session: Session, condition: object) -> Person | None:
    row = session.execute(
        select(Account, Annotator)
        .join(Annotator, col(Annotator.id) == col(Account.annotator_id))
        .where(condition)  # type: ignore[arg-type]
    ).first()
    return None if row is None else Person(*row)


@cache
def _signed_in_query() -> Select[*tuple[Any, ...]]:
    # Built once: every request of a page asks it.
    return (
        select(col(Annotator.id), col(Annotator.name), col(Annotator.role))
        .join(Account, col(Account.annotator_id) == col(Annotator.id))
        .join(SignIn, col(SignIn.annotator_id) == col(Annotator.id))
        .where(
            col(SignIn.token_hash) == bindparam("token_hash"),
            col(SignIn.ended_at).is_(None),
            col(SignIn.expires_at) > bindparam("now", type_=UtcTime),
            col(Account.disabled_at).is_(None),
        )
    )

"""Write an account and its annotator, inside the caller's transaction.

Invariant: a username is in lower case and its account's alone. Non-goals: passwords and sign-ins.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from blender_ui.errors import MalformedInput, Refused
from blender_ui.language import tr
from blender_ui.services.people.auditing import Change, record_change
from db.columns import row_id
from db.models import Account, Annotator, AnnotatorKind, Role
from db.queries import accounts
from db.queries.accounts import Person

LONGEST_USERNAME = 64
LONGEST_NAME = 128
ONESELF = 0
"""As who makes an account: the person whom it is for, who is in no row yet."""


class SignsIn(NamedTuple):
    """What somebody signs in by: a password, as it is kept, or a name at Hugging Face."""

    password_hash: str | None = None
    hub_name: str | None = None


def add_person(
    session: Session,
    *,
    username: str,
    role: Role,
    by: int | None,
    now: datetime,
    signs_in: SignsIn,
    name: str = "",
    invitation_id: int | None = None,
) -> Person:
    """Write an annotator and their account, inside the caller's transaction.

    Args:
        by: Who makes it: an annotator, ``ONESELF``, or None for the command line.
        invitation_id: The link that it is made by; None for none.

    Raises:
        Refused: If the username is taken.
    """
    if accounts.find_by_username(session, username=username) is not None:
        raise Refused(tr("the name {username} is taken; choose another one", username=username))
    annotator = Annotator(
        # Random: exports tell people by a hash of it, which names could be tried against.
        key=f"account:{secrets.token_hex(32)}",
        name=name.strip()[:LONGEST_NAME] or username,
        kind=AnnotatorKind.HUMAN,
        role=role,
        created_at=now,
    )
    session.add(annotator)
    session.flush()
    account = Account(
        annotator_id=row_id(annotator),
        username=username,
        password_hash=signs_in.password_hash,
        hub_name=signs_in.hub_name,
        created_at=now,
    )
    session.add(account)
    session.flush()
    after: dict[str, Any] = {"username": username, "role": role.value}
    if invitation_id is not None:
        after["invitation"] = invitation_id
    maker = account.annotator_id if by == ONESELF else by
    change = Change(by=maker, action="account.create", object_id=account.annotator_id, after=after)
    record_change(session, change, now=now)
    return Person(account, annotator)


def read_username(username: str) -> str:
    """A username as it is stored.

    Raises:
        MalformedInput: If it is blank, too long, or has other characters than letters, digits and ``._-@``.
    """
    name = username.strip().lower()
    if not 0 < len(name) <= LONGEST_USERNAME:
        raise MalformedInput(
            tr(
                "a name to sign in has 1 to {longest_username} characters, not {n_name}",
                longest_username=LONGEST_USERNAME,
                n_name=len(name),
            )
        )
    if not all(character.isalnum() or character in "._-@" for character in name):
        raise MalformedInput("a name to sign in has letters, digits, dots, dashes, underscores and @ only")
    return name


def read_name(name: str) -> str:
    """What a person is to be called, as it is stored.

    Raises:
        MalformedInput: If it is blank or too long.
    """
    wanted = " ".join(name.split())
    if not 0 < len(wanted) <= LONGEST_NAME:
        raise MalformedInput(
            tr(
                "expected a name of 1 to {longest_name} characters, not {n_wanted}",
                longest_name=LONGEST_NAME,
                n_wanted=len(wanted),
            )
        )
    return wanted


def free_username(session: Session, hub_name: str) -> str:
    """The name at Hugging Face, which somebody with a password may have taken here."""
    name = read_username(hub_name)
    if accounts.find_by_username(session, username=name) is None:
        return name
    return read_username(f"{name[:48]}@hugging-face")

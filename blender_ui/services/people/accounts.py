"""Accounts: made by an admin or an invitation, signed in to by password or through Hugging Face.

Invariant: a password goes no further than ``services.people.passwords`` and a token only once, to the browser
it is for; there is always an admin who can sign in, once there was one; every change is in the
audit trail. Non-goal: who may ask for these, which the pages and ``services.people.access`` decide.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import NotFound, NotPermitted, Refused
from blender_ui.language import tr
from blender_ui.services.people.account_rows import (
    ONESELF,
    SignsIn,
    add_person,
    free_username,
    read_name,
    read_username,
)
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.people.passwords import Passwords
from blender_ui.services.people.quotas import Quota, say_wait
from blender_ui.services.people.signing_in import AnnotatorView, hash_secret, view_annotator
from db.engine import transaction
from db.models import Role, SignIn
from db.queries import accounts
from db.queries.accounts import Person

SIGN_IN_TIME = timedelta(days=30)
MOST_FAILURES = 5
"""Wrong passwords for one name, after which it has to wait."""
WAIT_AFTER_FAILURES = timedelta(minutes=1)
MOST_FAILURES_FROM = 30
"""And from one address, which a whole office may share, whatever the names."""
WAIT_FROM = timedelta(minutes=10)
_WRONG = "No account has this name and password. Check both, or ask an admin for an invitation link."


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A new sign-in.

    Attributes:
        token: For this browser to keep; the store has its hash.
    """

    token: str
    annotator: AnnotatorView


@dataclass(frozen=True, kw_only=True)
class PersonView:
    """An account as admins see it."""

    annotator_id: int
    username: str
    name: str
    role: Role
    hub_name: str | None
    created_at: datetime
    is_disabled: bool


class Accounts:
    """The accounts of one store.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
        hasher: Argon2 with its costs, or None for those of ``services.people.passwords``.
    """

    def __init__(
        self, engine: Engine, *, clock: Callable[[], datetime], hasher: PasswordHasher | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self.passwords = Passwords(hasher)
        self._failures = Quota(MOST_FAILURES, window=WAIT_AFTER_FAILURES)
        self._failures_from = Quota(MOST_FAILURES_FROM, window=WAIT_FROM)

    def add(
        self, *, username: str, password: str, role: Role, by: int | None, name: str = ""
    ) -> AnnotatorView:
        """Make an account with a password.

        Raises:
            MalformedInput: If the name or the password cannot be one.
            Refused: If the name is taken.
        """
        password_hash = self.passwords.hash(password)
        with transaction(self._engine, immediate=True) as session:
            person = add_person(
                session,
                username=read_username(username),
                signs_in=SignsIn(password_hash=password_hash),
                role=role,
                name=name,
                by=by,
                now=self._clock(),
            )
            return view_annotator(person.annotator)

    def sign_in(self, *, username: str, password: str, address: str = "") -> SignedIn:
        """Sign a browser in.

        Args:
            username: In any case.
            password: As it was typed.
            address: Where it comes from, see ``ui.address``; empty where nobody knows.

        Raises:
            NotPermitted: If no account that is not disabled has this name and password, or if the
                wrong password came too often, for the name or from the address.
            Refused: If too many are signing in at this moment.
        """
        username = username.strip().lower()
        self._check_patience(username, address)
        with transaction(self._engine) as session:
            person = accounts.find_by_username(session, username=username)
        stored = None if person is None else person.account.password_hash
        is_right = self.passwords.verify(stored, password)
        if person is None or stored is None or not is_right or person.account.disabled_at is not None:
            self._remember_failure(username, address)
            raise NotPermitted(_WRONG)
        self._failures.forget(username)
        self._renew_hash(person.account.annotator_id, stored, password)
        return self.begin(annotator_id=person.account.annotator_id)

    def sign_in_from_hub(self, *, hub_name: str, name: str) -> SignedIn:
        """Sign in a person confirmed by Hugging Face; a new one becomes an annotator.

        Raises:
            NotPermitted: If the account is disabled.
        """
        with transaction(self._engine, immediate=True) as session:
            person = accounts.find_by_hub_name(session, hub_name=hub_name)
            if person is None:
                person = add_person(
                    session,
                    username=free_username(session, hub_name),
                    signs_in=SignsIn(hub_name=hub_name),
                    role=Role.ANNOTATOR,
                    name=name,
                    by=ONESELF,
                    now=self._clock(),
                )
            if person.account.disabled_at is not None:
                raise NotPermitted("This account is disabled. Ask an admin.")
            annotator_id = person.account.annotator_id
        return self.begin(annotator_id=annotator_id)

    def begin(self, *, annotator_id: int) -> SignedIn:
        """Begin a sign-in of an account whose person is known to be there."""
        token, now = secrets.token_urlsafe(32), self._clock()
        with transaction(self._engine, immediate=True) as session:
            person = _get(session, annotator_id)
            session.add(
                SignIn(
                    token_hash=hash_secret(token),
                    annotator_id=annotator_id,
                    expires_at=now + SIGN_IN_TIME,
                    created_at=now,
                )
            )
            return SignedIn(token=token, annotator=view_annotator(person.annotator))

    def sign_out(self, *, token: str) -> None:
        """End one sign-in; an unknown token ends nothing."""
        with transaction(self._engine, immediate=True) as session:
            accounts.end_sign_ins(session, token_hash=hash_secret(token), now=self._clock())

    def change_password(self, *, annotator_id: int, old: str, new: str, address: str = "") -> None:
        """Give one's own account another password; its other sign-ins end.

        Raises:
            NotPermitted: If the old password is wrong, or was too often, for the account or from the
                address, as of ``sign_in``.
        """
        with transaction(self._engine) as session:
            account = _get(session, annotator_id).account
            username, stored = account.username, account.password_hash
        self._check_patience(username, address)
        if stored is not None and not self.passwords.verify(stored, old):
            self._remember_failure(username, address)
            raise NotPermitted("The old password is not right; nothing was changed.")
        self.set_password(annotator_id=annotator_id, password=new, by=annotator_id)

    def set_password(self, *, annotator_id: int, password: str, by: int | None) -> None:
        """Give an account another password; its sign-ins end."""
        password_hash, now = self.passwords.hash(password), self._clock()
        with transaction(self._engine, immediate=True) as session:
            _get(session, annotator_id).account.password_hash = password_hash
            accounts.end_sign_ins(session, annotator_id=annotator_id, now=now)
            record_change(session, Change(by=by, action="account.password", object_id=annotator_id), now=now)

    def rename(self, *, annotator_id: int, name: str) -> AnnotatorView:
        """Call one's own account by another name; the name to sign in with stays.

        Raises:
            MalformedInput: If it is blank or too long.
        """
        wanted = read_name(name)
        with transaction(self._engine, immediate=True) as session:
            annotator = _get(session, annotator_id).annotator
            before, annotator.name = annotator.name, wanted
            change = Change(
                by=annotator_id,
                action="account.name",
                object_id=annotator_id,
                before={"name": before},
                after={"name": wanted},
            )
            record_change(session, change, now=self._clock())
            return view_annotator(annotator)

    def set_role(self, *, annotator_id: int, role: Role, by: int | None) -> None:
        """Give somebody another role; their sign-ins end, so that no page shows what is not theirs.

        Raises:
            Refused: If it would leave no admin who can sign in.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            person = _get(session, annotator_id)
            before = person.annotator.role
            if before is Role.ADMIN and role is not Role.ADMIN:
                _keep_an_admin(session, person)
            if before is not role:
                accounts.end_sign_ins(session, annotator_id=annotator_id, now=now)
            person.annotator.role = role
            change = Change(
                by=by,
                action="account.role",
                object_id=annotator_id,
                before={"role": before.value},
                after={"role": role.value},
            )
            record_change(session, change, now=now)

    def set_disabled(self, *, annotator_id: int, is_disabled: bool, by: int | None) -> None:
        """Lock an account out at once, or let it in again; its labels stay.

        Raises:
            Refused: If it would leave no admin who can sign in.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            person = _get(session, annotator_id)
            was_disabled = person.account.disabled_at is not None
            if is_disabled and not was_disabled:
                _keep_an_admin(session, person)
                accounts.end_sign_ins(session, annotator_id=annotator_id, now=now)
            if is_disabled != was_disabled:
                person.account.disabled_at = now if is_disabled else None
            change = Change(
                by=by,
                action="account.disable" if is_disabled else "account.enable",
                object_id=annotator_id,
                before={"is_disabled": was_disabled},
                after={"is_disabled": is_disabled},
            )
            record_change(session, change, now=now)

    def list_people(self) -> list[PersonView]:
        """Every account by its name."""
        with transaction(self._engine) as session:
            return [_view(person) for person in accounts.list_people(session)]

    def has_admin(self) -> bool:
        """Whether an admin can sign in."""
        with transaction(self._engine) as session:
            return accounts.count_admins(session) > 0

    def _renew_hash(self, annotator_id: int, stored: str, password: str) -> None:
        """Keep a password as new ones are kept: the time that a check takes would tell who is here long."""
        if not self.passwords.is_old(stored):
            return
        with suppress(Refused):  # where many wait; the next sign-in renews it
            password_hash = self.passwords.hash(password)
            with transaction(self._engine, immediate=True) as session:
                account = _get(session, annotator_id).account
                if account.password_hash == stored:
                    account.password_hash = password_hash

    def _check_patience(self, name: str, address: str) -> None:
        now = self._clock()
        waits = [self._failures.find_wait(name, now=now)]
        if address:
            waits.append(self._failures_from.find_wait(address, now=now))
        wait = max((one for one in waits if one is not None), default=None)
        if wait is not None:
            raise NotPermitted(
                tr("The wrong password came too often. Try again in {wait}.", wait=say_wait(wait))
            )

    def _remember_failure(self, name: str, address: str) -> None:
        now = self._clock()
        self._failures.take(name, now=now)
        if address:
            self._failures_from.take(address, now=now)


def _keep_an_admin(session: Session, person: Person) -> None:
    is_admin = person.annotator.role is Role.ADMIN and person.account.disabled_at is None
    if is_admin and accounts.count_admins(session) == 1:
        raise Refused("this is the only admin who can sign in; make another one first")


def _get(session: Session, annotator_id: int) -> Person:
    person = accounts.find_by_annotator(session, annotator_id=annotator_id)
    if person is None:
        raise NotFound(tr("annotator {annotator_id} has no account", annotator_id=annotator_id))
    return person


def _view(person: Person) -> PersonView:
    account, annotator = person
    return PersonView(
        annotator_id=account.annotator_id,
        username=account.username,
        name=annotator.name,
        role=annotator.role,
        hub_name=account.hub_name,
        created_at=account.created_at,
        is_disabled=account.disabled_at is not None,
    )

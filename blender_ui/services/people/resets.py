"""Links by which somebody who forgot their password chooses another one.

Invariant: a link is for one account, works once and within a day; no row holds it. It is signed with the
installation's secret over the account's present password, so that a new password, by whatever way, ends
every link made before. Non-goal: who may make one, which the pages decide.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import NotFound, NotPermitted, Refused
from blender_ui.language import tr
from blender_ui.services.people.accounts import Accounts, SignedIn
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction
from db.queries import accounts as queries
from db.queries.accounts import Person

LASTS = timedelta(days=1)
_GONE = "This link is used up or too old. Ask an admin for a new one."


class PasswordResets:
    """The reset links of one store.

    Args:
        engine: From ``db.engine.create_store``.
        accounts: Hashes passwords and begins sign-ins.
        secret: The installation's, see ``blender_ui.installation``.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self, engine: Engine, *, accounts: Accounts, secret: int, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._key = f"password reset {secret:x}".encode()
        self._clock = clock

    def make(self, *, annotator_id: int, by: int | None) -> str:
        """Make a link for an account and give its token, which is told only now.

        Raises:
            NotFound: If there is no such account.
            Refused: If the account is locked out.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            person = queries.find_by_annotator(session, annotator_id=annotator_id)
            if person is None:
                raise NotFound(tr("annotator {annotator_id} has no account", annotator_id=annotator_id))
            if person.account.disabled_at is not None:
                raise Refused(
                    tr(
                        "{username} is locked out; let the account in again first",
                        username=person.account.username,
                    )
                )
            change = Change(by=by, action="account.reset_link", object_id=annotator_id)
            record_change(session, change, now=now)
            return self._sign(person, until=int((now + LASTS).timestamp()))

    def look(self, *, token: str) -> str:
        """The name that a link's account signs in with.

        Raises:
            NotPermitted: If the link is used up, too old or none of ours.
        """
        with transaction(self._engine) as session:
            return self._get_person(session, token).account.username

    def take(self, *, token: str, password: str) -> SignedIn:
        """Give the account its new password, end its other sign-ins, and sign it in.

        Raises:
            NotPermitted: As in ``look``.
            MalformedInput: If the password cannot be one.
        """
        password_hash, now = self._accounts.passwords.hash(password), self._clock()
        with transaction(self._engine, immediate=True) as session:
            person = self._get_person(session, token)
            annotator_id = person.account.annotator_id
            person.account.password_hash = password_hash
            queries.end_sign_ins(session, annotator_id=annotator_id, now=now)
            change = Change(by=annotator_id, action="account.password", object_id=annotator_id)
            record_change(session, change, now=now)
        return self._accounts.begin(annotator_id=annotator_id)

    def _get_person(self, session: Session, token: str) -> Person:
        annotator_id, _, rest = token.partition(".")
        until = rest.partition(".")[0]
        if not all(part.isascii() and part.isdecimal() and len(part) <= 18 for part in (annotator_id, until)):
            raise NotPermitted(_GONE)
        person = queries.find_by_annotator(session, annotator_id=int(annotator_id))
        if person is None or person.account.disabled_at is not None:
            raise NotPermitted(_GONE)
        is_ours = hmac.compare_digest(token.encode(), self._sign(person, until=int(until)).encode())
        if not is_ours or int(until) <= self._clock().timestamp():
            raise NotPermitted(_GONE)
        return person

    def _sign(self, person: Person, *, until: int) -> str:
        account = person.account
        signed = f"{account.annotator_id} {until} {account.password_hash or ''}".encode()
        return f"{account.annotator_id}.{until}.{hmac.new(self._key, signed, hashlib.sha256).hexdigest()}"

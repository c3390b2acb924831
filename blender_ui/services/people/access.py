"""Recognises the person behind a request, and checks their role.

Three modes. ``open``: everybody who opens the page is the admin, without signing in; for an
app that only listens on loopback. ``accounts``: people must sign in first. ``demo``:
a visitor without an account is an anonymous annotator.

Invariant: a person is only ever found by a secret that their browser keeps, a sign-in's token or
an anonymous browser's key, never by an id that a page sent; and whatever needs a role asks
``require``. Non-goal: making accounts and checking passwords, which ``services.people.accounts`` does.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine

from blender_ui.errors import NotPermitted, NotSignedIn
from blender_ui.language import tr
from blender_ui.services.people import signing_in
from blender_ui.services.people.signing_in import AnnotatorView, hash_secret
from blender_ui.services.people.visitors import Visitors
from db.engine import transaction
from db.models import Audience, Role
from db.queries.accounts import find_signed_in
from db.queries.projects import find_admission

_RANK = {Role.ANNOTATOR: 0, Role.RESEARCHER: 1, Role.ADMIN: 2}


def is_below(role: Role, other: Role) -> bool:
    """Whether a role may do less than another one."""
    return _RANK[role] < _RANK[other]


class Mode(enum.StrEnum):
    """Who may come in."""

    OPEN = "open"
    ACCOUNTS = "accounts"
    DEMO = "demo"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who is asking.

    Attributes:
        annotator: With the role that counts here; None where nobody is signed in and must be.
        has_account: Whether they signed in, and are not an anonymous browser.
    """

    annotator: AnnotatorView | None
    has_account: bool


class Access:
    """Recognises people and holds their roles against what they ask for.

    Args:
        engine: From ``db.engine.create_store``.
        mode: Who may come in.
        clock: Gives the present time, with its zone.
        visitors: Holds people without accounts to their limits, in a demo.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        mode: Mode,
        clock: Callable[[], datetime],
        visitors: Visitors | None = None,
    ) -> None:
        self._engine = engine
        self.mode = mode
        self._clock = clock
        self.visitors = visitors if mode is Mode.DEMO else None

    def identify(self, key: str | None) -> Visitor:
        """Say who keeps a secret; nobody becomes an annotator by it, but the machine's own in ``open``.

        Args:
            key: A sign-in's token or a browser's key; None or anything else is a stranger.
        """
        if key is None or not signing_in.is_key(key):
            return Visitor(annotator=None, has_account=False)
        signed_in = self._find_signed_in(key)
        if signed_in is not None:
            return Visitor(annotator=self._with_role(signed_in), has_account=True)
        if self.mode is Mode.ACCOUNTS:
            return Visitor(annotator=None, has_account=False)
        if self.mode is Mode.DEMO:
            return Visitor(annotator=signing_in.find(self._engine, key=key), has_account=False)
        anonymous = signing_in.sign_in(self._engine, key=key, name="", now=self._clock())
        return Visitor(annotator=self._with_role(anonymous), has_account=False)

    def recognise(self, key: str | None, *, address: str = "") -> AnnotatorView:
        """The person who keeps a secret; a new visitor of a demo becomes an annotator.

        Args:
            key: As in ``identify``.
            address: Where the request came from; empty where it is not known.

        Raises:
            NotSignedIn: If it belongs to no sign-in.
            QuotaUsedUp: If no more visitors may come now.
        """
        visitor = self.identify(key)
        annotator = visitor.annotator
        if self.mode is Mode.DEMO and not visitor.has_account and signing_in.is_key(key):
            if self.visitors is not None:
                return self.visitors.admit(str(key), address=address)
            return signing_in.sign_in(self._engine, key=str(key), name="", now=self._clock())
        if annotator is None:
            raise NotSignedIn("You are not signed in, or your sign-in is over. Sign in on the account page.")
        return annotator

    def require(self, annotator: AnnotatorView, role: Role) -> None:
        """Let pass people with a role or a higher one.

        Raises:
            NotPermitted: With a sentence that says what to do.
        """
        if is_below(annotator.role, role):
            raise NotPermitted(
                tr(
                    "This needs the role {role}, and {annotator} has the role {role_2}. An admin "
                    "gives roles on the People page.",
                    role=role.value,
                    annotator=annotator.name,
                    role_2=annotator.role.value,
                )
            )

    def require_labelling(self, annotator: AnnotatorView, *, project_id: int) -> None:
        """Let pass people who may label a project.

        Raises:
            NotPermitted: If there is no such project, it is archived, or it is for others.
        """
        with transaction(self._engine) as session:
            project = find_admission(session, project_id=project_id, annotator_id=annotator.id)
        if project is None or project.is_archived:
            raise NotPermitted("This project is not there to be labelled any more; choose another one.")
        sees_all = not is_below(annotator.role, Role.RESEARCHER)
        if project.audience is Audience.MEMBERS and not (sees_all or project.is_member):
            raise NotPermitted(
                tr(
                    "The project {project} is for its members. Ask a researcher for an invitation link.",
                    project=project.name,
                )
            )

    def _find_signed_in(self, token: str) -> AnnotatorView | None:
        with transaction(self._engine) as session:
            found = find_signed_in(session, token_hash=hash_secret(token), now=self._clock())
        return (
            None if found is None else AnnotatorView(id=found.annotator_id, name=found.name, role=found.role)
        )

    def _with_role(self, annotator: AnnotatorView) -> AnnotatorView:
        return replace(annotator, role=Role.ADMIN) if self.mode is Mode.OPEN else annotator

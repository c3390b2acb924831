"""Invitation links: their holder may make an account with the link's role, or use their own account.

Invariant: a link serves at most as many people as it was made for, in any order of requests, and none
after its end or once its maker may not invite; the store has only its hash. Non-goal: who may make
links, which the pages ask ``services.people.access``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import MalformedInput, NotFound, NotPermitted
from blender_ui.language import tr
from blender_ui.services.people.access import is_below
from blender_ui.services.people.account_rows import ONESELF, SignsIn, add_person, read_username
from blender_ui.services.people.accounts import Accounts, SignedIn
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.people.signing_in import hash_secret
from db.engine import transaction
from db.models import Invitation, Project, ProjectMember, Role
from db.queries import accounts, projects
from db.queries.accounts import Person

LASTS = timedelta(days=14)
SET_UP_LASTS = timedelta(hours=1)
"""Of the link that a start prints: logs are kept, and read by others, for longer."""
MOST_ACCOUNTS = 1000
_MAKERS = {
    Role.ANNOTATOR: (Role.RESEARCHER, Role.ADMIN),
    Role.RESEARCHER: (Role.ADMIN,),
    Role.ADMIN: (Role.ADMIN,),
}
"""Who may make links of each role."""


@dataclass(frozen=True, kw_only=True)
class InvitationView:
    """A link; its token is not kept, so it cannot be shown again.

    Attributes:
        project_id: Whose member one becomes by it; None for none.
        project: Its name; empty for none.
    """

    id: int
    role: Role
    project_id: int | None
    project: str
    n_left: int
    expires_at: datetime


class Invitations:
    """The invitation links of one store."""

    def __init__(self, engine: Engine, *, accounts: Accounts, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._accounts = accounts
        self._clock = clock

    def invite(
        self, *, role: Role, by: int | None, project_id: int | None = None, n_accounts: int = 1
    ) -> str:
        """Make a link and give its token, which is told only now.

        Args:
            role: Of the account that the link makes.
            by: Who makes it; None for the app's own set-up link, which is the only one of its role.
            project_id: Whose member they become.
            n_accounts: How many accounts it may make.

        Raises:
            MalformedInput: If the count is out of range.
            NotFound: If there is no such project.
        """
        if not 1 <= n_accounts <= MOST_ACCOUNTS:
            raise MalformedInput(
                tr(
                    "a link makes 1 to {most_accounts} accounts, not {n_accounts}",
                    most_accounts=MOST_ACCOUNTS,
                    n_accounts=n_accounts,
                )
            )
        token, now = secrets.token_urlsafe(24), self._clock()
        with transaction(self._engine, immediate=True) as session:
            if project_id is not None and session.get(Project, project_id) is None:
                raise NotFound(tr("there is no project {project_id}", project_id=project_id))
            if by is None:
                accounts.withdraw_set_up_links(session, role=role)
            invitation = Invitation(
                token_hash=hash_secret(token),
                role=role,
                project_id=project_id,
                n_left=n_accounts,
                expires_at=now + (SET_UP_LASTS if by is None else LASTS),
                made_by_id=by,
                created_at=now,
            )
            session.add(invitation)
            session.flush()
            after = {"role": role.value, "project_id": project_id, "n_accounts": n_accounts}
            change = Change(by=by, action="invitation.create", object_id=invitation.id or 0, after=after)
            record_change(session, change, now=now)
        return token

    def look(self, *, token: str) -> InvitationView:
        """What a link is for.

        Raises:
            NotPermitted: If it is unknown, used up or over, or its maker may not invite any more.
        """
        with transaction(self._engine) as session:
            invitation = self._get_valid(session, token)
            project = session.get(Project, invitation.project_id) if invitation.project_id else None
            return _view(invitation, project.name if project else None)

    def accept(self, *, token: str, username: str, password: str, name: str = "") -> SignedIn:
        """Make an account with a link and sign it in.

        Raises:
            NotPermitted: If the link is unknown, used up or over, or its maker may not invite any more.
            MalformedInput: If the name or the password cannot be one.
            Refused: If the name is taken.
        """
        password_hash, now = self._accounts.passwords.hash(password), self._clock()
        with transaction(self._engine, immediate=True) as session:
            invitation = self._get_valid(session, token)
            invitation.n_left -= 1
            person = add_person(
                session,
                username=read_username(username),
                signs_in=SignsIn(password_hash=password_hash),
                role=invitation.role,
                name=name,
                by=ONESELF,
                invitation_id=invitation.id,
                now=now,
            )
            if invitation.project_id is not None:
                member = ProjectMember(
                    project_id=invitation.project_id, annotator_id=person.account.annotator_id, created_at=now
                )
                session.add(member)
                _open_project(session, invitation, person, now=now)
            annotator_id = person.account.annotator_id
        return self._accounts.begin(annotator_id=annotator_id)

    def find_set_up(self) -> datetime | None:
        """Until when a set-up link that was printed makes the first admin; None where none does."""
        with transaction(self._engine) as session:
            return accounts.find_set_up_end(session, role=Role.ADMIN, now=self._clock())

    def join(self, *, token: str, annotator_id: int) -> InvitationView:
        """Let somebody who has an account take a link; what they may do already takes none of its places.

        So a link that somebody took opens its project for them again, used up or not.

        Raises:
            NotPermitted: As in ``look``.
            NotFound: If there is no such account.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            person = accounts.find_by_annotator(session, annotator_id=annotator_id)
            if person is None:
                raise NotFound(tr("annotator {annotator_id} has no account", annotator_id=annotator_id))
            known = accounts.find_invitation(session, token_hash=hash_secret(token))
            if known is None or not _has_what_it_gives(session, known, person):
                known = self._get_valid(session, token)
                known.n_left -= 1
                _give(session, known, person, now=now)
            _open_project(session, known, person, now=now)
            project = session.get(Project, known.project_id) if known.project_id else None
            return _view(known, project.name if project else None)

    def withdraw(self, *, invitation_id: int, by: int) -> None:
        """Let a link make no more accounts.

        Raises:
            NotFound: If there is no such invitation.
        """
        with transaction(self._engine, immediate=True) as session:
            invitation = session.get(Invitation, invitation_id, with_for_update=True)
            if invitation is None:
                raise NotFound(tr("there is no invitation {invitation_id}", invitation_id=invitation_id))
            before, invitation.n_left = invitation.n_left, 0
            change = Change(
                by=by,
                action="invitation.withdraw",
                object_id=invitation_id,
                before={"n_left": before},
                after={"n_left": 0},
            )
            record_change(session, change, now=self._clock())

    def list_open(self) -> list[InvitationView]:
        """The links that can still be taken, the newest first."""
        with transaction(self._engine) as session:
            rows = accounts.list_open_invitations(session, now=self._clock())
            return [_view(*row) for row in rows if _is_vouched_for(session, row[0])]

    def _get_valid(self, session: Session, token: str) -> Invitation:
        invitation = accounts.find_invitation(session, token_hash=hash_secret(token))
        if invitation is None or invitation.n_left == 0 or invitation.expires_at <= self._clock():
            raise NotPermitted("This invitation is unknown, used up or too old. Ask for a new link.")
        if not _is_vouched_for(session, invitation):
            raise NotPermitted("The maker of this invitation may not invite any more. Ask for a new link.")
        return invitation


def _is_vouched_for(session: Session, invitation: Invitation) -> bool:
    """Whether its maker may still make such a link; a set-up link counts until there is an admin."""
    if invitation.made_by_id is None:
        return accounts.count_admins(session) == 0
    maker = accounts.find_by_annotator(session, annotator_id=invitation.made_by_id)
    if maker is None:  # made in open mode, where everybody who opens the page is the admin
        return True
    return maker.account.disabled_at is None and maker.annotator.role in _MAKERS[invitation.role]


def _has_what_it_gives(session: Session, invitation: Invitation, person: Person) -> bool:
    role = person.annotator.role
    if is_below(role, invitation.role):
        return False
    if invitation.project_id is None or role is not Role.ANNOTATOR:  # others may label every project
        return True
    member = session.get(ProjectMember, (invitation.project_id, person.account.annotator_id))
    return member is not None and member.removed_at is None


def _give(session: Session, invitation: Invitation, person: Person, *, now: datetime) -> None:
    """The role, where one's own is lower, and the membership."""
    annotator_id, before = person.account.annotator_id, person.annotator.role
    if is_below(before, invitation.role):
        person.annotator.role = invitation.role
        change = Change(
            by=annotator_id,
            action="account.role",
            object_id=annotator_id,
            before={"role": before.value},
            after={"role": invitation.role.value},
        )
        record_change(session, change, now=now)
    if invitation.project_id is None:
        return
    key = (invitation.project_id, annotator_id)
    member = session.get(ProjectMember, key) or ProjectMember(project_id=key[0], annotator_id=key[1])
    member.created_at, member.removed_at = now, None
    session.add(member)
    after = {f"annotator {annotator_id}": True, "invitation": invitation.id}
    change = Change(by=annotator_id, action="project.member", object_id=key[0], after=after)
    record_change(session, change, now=now)


def _open_project(session: Session, invitation: Invitation, person: Person, *, now: datetime) -> None:
    """Let the person work in the project that the link is for, from now on."""
    if invitation.project_id is not None:
        projects.set_workspace(
            session,
            annotator_id=person.account.annotator_id,
            project_id=invitation.project_id,
            now=now,
        )


def _view(invitation: Invitation, project: str | None) -> InvitationView:
    return InvitationView(
        id=invitation.id or 0,
        role=invitation.role,
        project_id=invitation.project_id,
        project=project or "",
        n_left=invitation.n_left,
        expires_at=invitation.expires_at,
    )

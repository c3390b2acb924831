"""What the people page does when asked, without Gradio.

Invariant: the guard has let in admins only; what a page sent is checked here all the same. Non-goal:
how it looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.outside import read_id
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.accounts import Accounts, PersonView
from blender_ui.services.people.auditing import Auditing, AuditView
from blender_ui.services.people.invitations import Invitations, InvitationView
from blender_ui.ui.identity import presented_key, recognise
from db.enums import Role


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """All that the page shows."""

    people: tuple[PersonView, ...]
    invitations: tuple[InvitationView, ...]
    events: tuple[AuditView, ...]


class PeopleHandlers:
    """The people page's requests."""

    def __init__(
        self, labeling: Labeling, accounts: Accounts, invitations: Invitations, auditing: Auditing
    ) -> None:
        self._labeling = labeling
        self._accounts = accounts
        self._invitations = invitations
        self._auditing = auditing

    def page(self) -> PeoplePage:
        """What there is."""
        return PeoplePage(
            people=tuple(self._accounts.list_people()),
            invitations=tuple(self._invitations.list_open()),
            events=tuple(self._auditing.list_latest()),
        )

    def invite(self, role: object, n_accounts: object) -> tuple[str, str]:
        """Make an invitation link; gives its token and what to say."""
        try:
            token = self._invitations.invite(
                role=read_role(role), by=self._me(), n_accounts=_read_count(n_accounts)
            )
        except BlenderError as error:
            return "", str(error)
        return token, "Send this link; it is shown only now."

    def withdraw(self, invitation_id: object) -> str:
        """Let a link make no more accounts."""

        def act() -> str:
            self._invitations.withdraw(invitation_id=read_id(invitation_id), by=self._me())
            return "The link makes no more accounts."

        return _said(act)

    def set_role(self, annotator_id: object, role: object) -> str:
        """Give somebody another role."""

        def act() -> str:
            wanted = read_role(role)
            self._accounts.set_role(annotator_id=read_id(annotator_id), role=wanted, by=self._me())
            return f"The role is {wanted.value} now."

        return _said(act)

    def set_disabled(self, annotator_id: object, is_disabled: bool) -> str:
        """Lock an account out, or let it in again."""

        def act() -> str:
            self._accounts.set_disabled(
                annotator_id=read_id(annotator_id), is_disabled=is_disabled, by=self._me()
            )
            return "The account is locked out." if is_disabled else "The account can sign in again."

        return _said(act)

    def _me(self) -> int:
        return recognise(self._labeling, presented_key.get()).id


def read_role(value: object) -> Role:
    """A role that a page sent.

    Raises:
        MalformedInput: If it is none.
    """
    if value not in list(Role):
        raise MalformedInput(f"expected a role among {', '.join(Role)}; came {value!r}")
    return Role(str(value))


def _said(act: Callable[[], str]) -> str:
    try:
        return act()
    except BlenderError as error:
        return f"Nothing was changed: {error}"


def _read_count(value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
        raise MalformedInput(f"expected a whole number of accounts, came {value!r}")
    return int(value)

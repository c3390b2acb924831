"""What the people page does when asked, without Gradio.

Invariant: the guard has let in admins only; what a page sent is checked here all the same. Non-goal:
how it looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.language import tr
from blender_ui.services.people.accounts import PersonView
from blender_ui.services.people.auditing import AuditView
from blender_ui.services.people.invitations import InvitationView
from blender_ui.ui.identity import presented_key, recognise
from blender_ui.ui.rows import Acted
from db.enums import Role

FOUND_AT_MOST = 100
"""Changes of the audit trail on the page."""


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """All that the page shows."""

    people: tuple[PersonView, ...]
    invitations: tuple[InvitationView, ...]
    events: tuple[AuditView, ...]


@dataclass(frozen=True, kw_only=True)
class Link:
    """What came of a request: what to say, and the token of a link that it made."""

    said: str
    token: str = ""
    is_good: bool = True


class PeopleHandlers:
    """The people page's requests."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def page(self) -> PeoplePage:
        """What there is."""
        return PeoplePage(
            people=tuple(self._services.accounts.list_people()),
            invitations=tuple(self._services.invitations.list_open()),
            events=self.find_events(""),
        )

    def find_events(self, containing: object) -> tuple[AuditView, ...]:
        """The latest changes that have a text in them; all for an empty one."""
        text = containing if isinstance(containing, str) else ""
        return tuple(self._services.auditing.list_latest(limit=FOUND_AT_MOST, containing=text))

    def invite(self, role: object, n_accounts: object) -> Link:
        """Make an invitation link."""

        def act() -> Link:
            token = self._services.invitations.invite(
                role=read_role(role), by=self._me(), n_accounts=_read_count(n_accounts)
            )
            return Link(said="Send this link; it is shown only now.", token=token)

        return _attempt(act)

    def act_on_person(self, acted: Acted) -> Link:
        """Do what was chosen in an account's row."""
        accounts, annotator_id = self._services.accounts, acted.row

        def act() -> Link:
            name = next(
                (one.username for one in accounts.list_people() if one.annotator_id == annotator_id), ""
            )
            match acted.name:
                case "role":
                    role = read_role(acted.value)
                    accounts.set_role(annotator_id=annotator_id, role=role, by=self._me())
                    return Link(said=tr("{name} is {role} now.", name=name, role=role.value))
                case "lock":
                    accounts.set_disabled(annotator_id=annotator_id, is_disabled=True, by=self._me())
                    return Link(said=tr("{name} is locked out. Their labels stay.", name=name))
                case "open":
                    accounts.set_disabled(annotator_id=annotator_id, is_disabled=False, by=self._me())
                    return Link(said=tr("{name} can sign in again.", name=name))
                case "reset":
                    token = self._services.resets.make(annotator_id=annotator_id, by=self._me())
                    return Link(
                        said=tr("This link gives {name} a new password; it is shown only now.", name=name),
                        token=token,
                    )
            raise MalformedInput(
                tr("expected role, lock, open or reset; came {acted!r:.40}", acted=acted.name)
            )

        return _attempt(act)

    def act_on_link(self, acted: Acted) -> Link:
        """Withdraw an open link."""

        def act() -> Link:
            self._services.invitations.withdraw(invitation_id=acted.row, by=self._me())
            return Link(said=tr("Link {row} makes no more accounts.", row=acted.row))

        return _attempt(act)

    def _me(self) -> int:
        return recognise(self._services.labeling, presented_key.get()).id


def read_role(value: object) -> Role:
    """A role that a page sent.

    Raises:
        MalformedInput: If it is none.
    """
    if value not in list(Role):
        raise MalformedInput(
            tr("expected a role among {role}; came {value!r}", role=", ".join(Role), value=value)
        )
    return Role(str(value))


def _attempt(act: Callable[[], Link]) -> Link:
    try:
        return act()
    except BlenderError as error:
        return Link(said=tr("Nothing was changed: {error}", error=tr(str(error))), is_good=False)


def _read_count(value: object) -> int:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
        raise MalformedInput(tr("expected a whole number of accounts, came {value!r}", value=value))
    return int(value)

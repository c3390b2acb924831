"""What the account page does when asked, without Gradio.

Invariant: what came is checked here before a service sees it, and nobody learns of an account more
than that a name and a password do not fit. Non-goal: what a role may do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blender_ui.errors import MalformedInput, NotPermitted, NotSignedIn
from blender_ui.language import tr
from blender_ui.outside import read_id
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.accounts import Accounts, SignedIn
from blender_ui.services.people.invitations import Invitations, InvitationView
from blender_ui.services.people.resets import PasswordResets
from blender_ui.services.projects.workspaces import Workspaces
from blender_ui.ui.identity import may_call, opening, presented_address, read_key
from blender_ui.ui.workspace import find_workspace


@dataclass(frozen=True, kw_only=True)
class Me:
    """Who the browser's key belongs to.

    Attributes:
        name: Empty for a stranger, and for an anonymous browser where one can sign in.
        pages: Paths of the pages that are for this role.
        must_sign_in: Whether nothing can be done before signing in.
    """

    name: str
    role: str
    mode: str
    has_account: bool
    must_sign_in: bool
    pages: tuple[str, ...]
    projects: tuple[tuple[int, str], ...] = ()
    """Id and name of each that is open to them."""
    project_id: int | None = None
    """The one in which they work; None for all of them."""
    sees_all: bool = False
    """Whether they may work in all projects at once."""


class AccountHandlers:
    """The account page's requests.

    Args:
        access: Recognises keys.
        accounts: Checks passwords.
        invitations: Makes accounts.
        resets: Gives forgotten passwords anew.
        workspaces: Where people work.
        pages: Every page's path.
    """

    def __init__(
        self,
        access: Access,
        accounts: Accounts,
        invitations: Invitations,
        resets: PasswordResets,
        *,
        workspaces: Workspaces,
        pages: Sequence[str],
    ) -> None:
        self._access = access
        self._accounts = accounts
        self._invitations = invitations
        self._workspaces = workspaces
        self._resets = resets
        self._pages = pages

    def me(self, key: object) -> Me:
        """Who the key belongs to, and which pages are theirs."""
        visitor = self._access.identify(read_key(key))
        annotator = visitor.annotator
        must_sign_in = annotator is None and self._access.mode is Mode.ACCOUNTS
        paths = () if must_sign_in else self._pages
        where = None if must_sign_in else find_workspace(self._access, self._workspaces, read_key(key))
        return Me(
            name=annotator.name if annotator is not None and visitor.has_account else "",
            role=annotator.role.value if annotator is not None else "",
            mode=self._access.mode.value,
            has_account=visitor.has_account,
            must_sign_in=must_sign_in,
            pages=tuple(path for path in paths if may_call(self._access, opening(path), read_key(key))),
            projects=tuple((one.id, one.name) for one in where.projects) if where else (),
            project_id=where.project_id if where else None,
            sees_all=where.sees_all if where else False,
        )

    def work_in(self, key: object, project_id: object) -> int | None:
        """Remember the project in which one works, all of them for None; gives it back.

        A stranger to a demo has no row to remember it in; their addresses do.
        """
        annotator = self._access.identify(read_key(key)).annotator
        chosen = None if project_id is None else read_id(project_id, "project")
        if annotator is not None:
            self._workspaces.choose(annotator, chosen)
        return chosen

    def sign_in(self, username: object, password: object) -> SignedIn:
        """Sign in by password."""
        return self._accounts.sign_in(
            username=_read_text(username, "name"),
            password=_read_text(password, "password"),
            address=presented_address.get(),
        )

    def sign_in_from_hub(self, hub_name: object, name: object) -> SignedIn:
        """Sign in a person confirmed by Hugging Face; the wiring takes both from its profile only."""
        return self._accounts.sign_in_from_hub(
            hub_name=_read_text(hub_name, tr("Hugging Face name")), name=_read_text(name, "name")
        )

    def sign_out(self, key: object) -> Me:
        """End this browser's sign-in; gives who it is afterwards."""
        self._accounts.sign_out(token=_read_text(key, "key"))
        return self.me(None)

    def invitation(self, token: object) -> dict[str, Any]:
        """What an invitation link is for."""
        view = self._invitations.look(token=_read_text(token, "invitation"))
        return _terms(view)

    def join(self, key: object, token: object) -> dict[str, Any]:
        """Take an invitation link with the account that is signed in."""
        visitor = self._access.identify(read_key(key))
        if visitor.annotator is None or not visitor.has_account:
            raise NotSignedIn("Sign in first, or make an account with this link.")
        view = self._invitations.join(
            token=_read_text(token, "invitation"), annotator_id=visitor.annotator.id
        )
        return _terms(view)

    def accept(self, token: object, username: object, password: object, name: object) -> SignedIn:
        """Make an account with an invitation link."""
        return self._invitations.accept(
            token=_read_text(token, "invitation"),
            username=_read_text(username, "name"),
            password=_read_text(password, "password"),
            name=_read_text(name, "name"),
        )

    def change_password(self, key: object, old: object, new: object) -> SignedIn:
        """Change one's own password; every other browser is signed out, this one goes on."""
        annotator_id = self._get_own(key)
        self._accounts.change_password(
            annotator_id=annotator_id,
            old=_read_text(old, "password"),
            new=_read_text(new, "password"),
            address=presented_address.get(),
        )
        return self._accounts.begin(annotator_id=annotator_id)

    def rename(self, key: object, name: object) -> dict[str, Any]:
        """Be called otherwise."""
        view = self._accounts.rename(annotator_id=self._get_own(key), name=_read_text(name, "name"))
        return {"name": view.name}

    def look_at_reset(self, token: object) -> dict[str, Any]:
        """Whose password a reset link renews."""
        return {"username": self._resets.look(token=_read_text(token, "link"))}

    def reset(self, token: object, password: object) -> SignedIn:
        """Take a reset link."""
        return self._resets.take(token=_read_text(token, "link"), password=_read_text(password, "password"))

    def _get_own(self, key: object) -> int:
        visitor = self._access.identify(read_key(key))
        if visitor.annotator is None or not visitor.has_account:
            raise NotPermitted("Sign in first.")
        return visitor.annotator.id


def _terms(view: InvitationView) -> dict[str, Any]:
    return {"role": view.role.value, "project_id": view.project_id, "project": view.project}


def _read_text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > 1024:
        raise MalformedInput(tr("expected the {name} as a text of at most 1024 characters", name=name))
    return value

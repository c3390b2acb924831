"""What the account page does when asked, without Gradio.

Invariant: what came is checked here before a service sees it, and nobody learns of an account more
than that a name and a password do not fit. Non-goal: what a role may do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blender_ui.errors import MalformedInput, NotPermitted, NotSignedIn
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.accounts import Accounts, SignedIn
from blender_ui.services.people.invitations import Invitations, InvitationView
from blender_ui.ui.identity import may_call, opening, presented_address, read_key


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


class AccountHandlers:
    """The account page's requests.

    Args:
        access: Recognises keys.
        accounts: Checks passwords.
        invitations: Makes accounts.
        pages: Every page's path.
    """

    def __init__(
        self, access: Access, accounts: Accounts, invitations: Invitations, *, pages: Sequence[str]
    ) -> None:
        self._access = access
        self._accounts = accounts
        self._invitations = invitations
        self._pages = pages

    def me(self, key: object) -> Me:
        """Who the key belongs to, and which pages are theirs."""
        visitor = self._access.identify(read_key(key))
        annotator = visitor.annotator
        must_sign_in = annotator is None and self._access.mode is Mode.ACCOUNTS
        paths = () if must_sign_in else self._pages
        return Me(
            name=annotator.name if annotator is not None and visitor.has_account else "",
            role=annotator.role.value if annotator is not None else "",
            mode=self._access.mode.value,
            has_account=visitor.has_account,
            must_sign_in=must_sign_in,
            pages=tuple(path for path in paths if may_call(self._access, opening(path), read_key(key))),
        )

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
            hub_name=_read_text(hub_name, "Hugging Face name"), name=_read_text(name, "name")
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
        visitor = self._access.identify(read_key(key))
        if visitor.annotator is None or not visitor.has_account:
            raise NotPermitted("Sign in first.")
        annotator_id = visitor.annotator.id
        self._accounts.change_password(
            annotator_id=annotator_id, old=_read_text(old, "password"), new=_read_text(new, "password")
        )
        return self._accounts.begin(annotator_id=annotator_id)


def _terms(view: InvitationView) -> dict[str, Any]:
    return {"role": view.role.value, "project_id": view.project_id, "project": view.project}


def _read_text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > 1024:
        raise MalformedInput(f"expected the {name} as a text of at most 1024 characters")
    return value

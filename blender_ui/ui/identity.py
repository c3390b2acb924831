"""Who sits at the browser, and whether they may do what the page asks: the one place that says so.

Every request of a page carries the browser's key in a header: an anonymous browser's own secret, or
the token of a sign-in. ``admit`` holds its keeper's role against the one that the endpoint needs;
``blender_ui.ui.serving.guard`` calls it in front of every handler.

Invariant: what a browser sends is input from outside; an annotator is only ever found by the key,
never by an id that a page sent; an endpoint that is not listed here cannot be built. Non-goal:
passwords.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

from blender_ui.errors import MalformedInput, NotPermitted, NotSignedIn
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.quotas import Asker
from blender_ui.services.people.signing_in import AnnotatorView, hash_secret
from db.enums import Role

SHORTEST_KEY, LONGEST_KEY = 16, 256
KEY_HEADER = "x-blender-key"

presented_key: ContextVar[str | None] = ContextVar("presented_key", default=None)
"""The key that came with the request that is being handled; None outside of one."""

presented_address: ContextVar[str] = ContextVar("presented_address", default="")
"""Where that request came from, see ``ui.address``; empty outside of one."""

ROLE_BY_ENDPOINT: dict[str, Role] = {
    "blend": Role.ANNOTATOR,
    "leaderboard": Role.ANNOTATOR,
    "choosing": Role.RESEARCHER,
    "contrast": Role.RESEARCHER,
    "inspect": Role.RESEARCHER,
    "members": Role.RESEARCHER,
    "version": Role.RESEARCHER,
    "what": Role.RESEARCHER,
    "train": Role.RESEARCHER,
    "data": Role.RESEARCHER,
    "quality": Role.RESEARCHER,
    "projects": Role.RESEARCHER,
    "ensemble": Role.RESEARCHER,
    "people": Role.ADMIN,
}
"""Role that an endpoint needs, by its name's first word."""
CHECKS_ITSELF = frozenset({"label", "account"})
"""Endpoints that are given the key by their scripts and recognise it in their handlers."""
GRADIOS_OWN = frozenset({"_check_login_status"})
"""What Gradio's button for Hugging Face asks for itself: whether one's own session is signed in."""
WITH_PASSWORD = frozenset({"account_sign_in", "account_accept", "account_password", "account_reset"})
"""Endpoints whose calls Gradio never sees: it keeps what was last sent in a session, and takes the
event loop's time to make a new one."""
SHOWN_IN_DEMO = (
    "inspect_tab",
    "inspect_open",
    "inspect_search",
    "inspect_prompt",
    "inspect_ranking",
    "inspect_people",
    "members",
    "version_open",
    "version_tab",
    "version_choose",
    "contrast_open",
    "contrast_tab",
    "contrast_choose",
    "choosing_open",
    "choosing_tab",
    "choosing_choose",
    "what_if",
    "train_open",
    "train_tick",
    "train_controls",
    "inspect_controls",
)
"""What an anonymous visitor of a demo may look at, by the beginning of its name.

None of it changes anything or names people; handlers whose rows have names ask ``is_researcher``.
"""
ONLY_SHOWN = (
    "A demo shows what is there: rankings that were made, versions that were trained. This needs an account "
    "with a higher role. Sign in on the account page."
)


DONE_THERE = {"./train": "train_request"}
"""The endpoint that a page is worth going to for, where the page is shown to more people than may call it."""


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """An annotator, and what their browser is to remember.

    Attributes:
        memory: The browser's memory as it came, with the annotator's key in it.
    """

    annotator: AnnotatorView
    memory: dict[str, Any]


class Viewer(NamedTuple):
    """Who looks at a page: an annotator's id, 0 for a stranger to a demo, and what to remember of them."""

    annotator_id: int
    memory: dict[str, Any]


def required_role(endpoint: str, *, mode: Mode) -> Role | None:
    """The role that an endpoint needs; None where its handler checks the key itself.

    Raises:
        LookupError: If nobody has said which role it needs.
    """
    first = endpoint.split("_", 1)[0]
    if checks_itself(endpoint) or endpoint in GRADIOS_OWN:
        return None
    if mode is Mode.DEMO and endpoint.startswith(SHOWN_IN_DEMO):
        return Role.ANNOTATOR
    if first not in ROLE_BY_ENDPOINT:
        raise LookupError(f"say in ui/identity.py which role the endpoint {endpoint!r} needs")
    return ROLE_BY_ENDPOINT[first]


def checks_itself(endpoint: str) -> bool:
    """Whether an endpoint is called by a page's own script, with the key among what it sends."""
    return endpoint.split("_", 1)[0] in CHECKS_ITSELF


def admit(access: Access, role: Role, key: str | None) -> None:
    """Let a request pass whose sender has a role.

    Raises:
        NotSignedIn: If nobody is signed in and somebody must be.
        NotPermitted: If their role is too low.
    """
    if access.mode is Mode.OPEN:
        return
    if access.mode is Mode.DEMO and not access.identify(key).has_account:
        if role is Role.ANNOTATOR:
            return
        raise NotSignedIn(ONLY_SHOWN)
    access.require(access.recognise(key), role)


def opening(path: str) -> str:
    """The endpoint that opens a page, by its path below the app's root."""
    return f"{path or 'blend'}_open"


def may_call(access: Access, endpoint: str, key: str | None) -> bool:
    """Whether the keeper of a key may call an endpoint."""
    role = required_role(endpoint, mode=access.mode)
    try:
        if role is not None:
            admit(access, role, key)
    except NotPermitted:
        return False
    return True


def may_open(access: Access, address: str) -> bool:
    """Whether the page at an address such as ``./data`` is open to the request that is being handled."""
    return may_call(access, opening(address.removeprefix("./").partition("?")[0]), presented_key.get())


def open_links(access: Access, links: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The links, a title and an address each, that the person may open."""
    key = presented_key.get()
    return [
        link
        for link in links
        if may_open(access, link[1]) and may_call(access, DONE_THERE.get(link[1], "blend_open"), key)
    ]


def is_researcher(access: Access) -> bool:
    """Whether the request that is being handled is a researcher's, who is shown people's names."""
    try:
        admit(access, Role.RESEARCHER, presented_key.get())
    except NotPermitted:
        return False
    return True


def find_reader(access: Access) -> int | None:
    """Who reads what the request that is being handled asks for; None for somebody who may read all.

    A researcher may. Of anybody else it is the annotator's id, 0 for a stranger: they may read what they
    asked, and prompts of the projects that are open to them.
    """
    if is_researcher(access):
        return None
    annotator = access.identify(presented_key.get()).annotator
    return annotator.id if annotator else 0


def welcome(labeling: Labeling, memory: object) -> Visitor:
    """Find the annotator of a browser, or make one where the browser has no key yet.

    Args:
        labeling: Where annotators are kept.
        memory: From ``shell.browser_memory``, in whatever state it is; one without a key is a new
            visitor, never an error. The key that came with the request goes before the memory's.

    Raises:
        NotSignedIn: If people must sign in here and nobody is.
    """
    remembered: dict[str, Any] = dict(memory) if isinstance(memory, Mapping) else {}
    key = presented_key.get() or remembered.get("annotator")
    if not _is_key(key):
        key = secrets.token_urlsafe(32)
    annotator = labeling.sign_in(key=str(key), address=presented_address.get())
    return Visitor(annotator=annotator, memory={**remembered, "annotator": key})


def find_viewer(access: Access, labeling: Labeling, memory: object) -> Viewer:
    """As ``welcome``, but looking at a page makes no annotator of a stranger to a demo."""
    if access.mode is not Mode.DEMO:
        visitor = welcome(labeling, memory)
        return Viewer(visitor.annotator.id, visitor.memory)
    remembered: dict[str, Any] = dict(memory) if isinstance(memory, Mapping) else {}
    key = find_key(memory) or secrets.token_urlsafe(32)
    annotator = access.identify(key).annotator
    return Viewer(annotator.id if annotator else 0, {**remembered, "annotator": key})


def find_key(memory: object) -> str | None:
    """The key that came with the request, else the one in the browser's memory; None for neither."""
    remembered = memory.get("annotator") if isinstance(memory, Mapping) else None
    return presented_key.get() or read_key(remembered)


def find_asker(access: Access, memory: object) -> Asker | None:
    """The visitor without an account who asks, for the limits of visitors; None for anybody else."""
    if access.visitors is None or access.identify(find_key(memory)).has_account:
        return None
    key = find_key(memory) or ""
    return Asker(hash_secret(key), presented_address.get())


def recognise(labeling: Labeling, key: object) -> AnnotatorView:
    """The annotator whose key came with a request.

    Raises:
        MalformedInput: If what came cannot be a key.
        NotSignedIn: If people must sign in here and this key belongs to no sign-in.
    """
    if not _is_key(key):
        raise MalformedInput("expected this browser's key; reload the page to sign in")
    return labeling.sign_in(key=str(key), address=presented_address.get())


def read_key(value: object) -> str | None:
    """A key as it came in a header; None where it cannot be one."""
    return str(value) if _is_key(value) else None


def _is_key(value: object) -> bool:
    return isinstance(value, str) and SHORTEST_KEY <= len(value) <= LONGEST_KEY

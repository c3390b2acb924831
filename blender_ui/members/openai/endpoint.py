"""A member's endpoint, and what is known about its requests.

Invariant: the secret is in no text of it. Non-goal: asking.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from blender_ui.members.address import Root, is_this_machine, roots
from blender_ui.members.openai.request import Change, Extra


def is_sendable(key: str) -> bool:
    """Whether a key can stand in a header: printable ASCII without spaces."""
    return re.fullmatch(r"[!-~]+", key) is not None


@dataclass
class Habits:
    """What an endpoint has taught its asker, kept from one question to the next."""

    root: Root | None = None
    """Where it answers; None until it has."""
    changes: tuple[Change, ...] = ()
    """How it wants to be asked."""
    is_proven: bool = False
    """Whether the last question was answered."""
    fault: str = ""
    """Why the last tiny question was not, and ``fault_at`` when, by ``time.monotonic()``."""
    fault_at: float = 0.0
    quiet_until: float = 0.0
    """When it may be asked again, by ``time.monotonic()``, because it has told somebody so."""

    def keep_quiet(self, seconds: float) -> None:
        """It wants to be left alone for so long."""
        self.quiet_until = max(self.quiet_until, time.monotonic() + seconds)

    @property
    def quiet_seconds(self) -> float:
        """How long it asks to be left alone."""
        return max(0.0, self.quiet_until - time.monotonic())

    def note_answer(self, root: Root, changes: tuple[Change, ...]) -> None:
        """It answers there, asked so."""
        self.root, self.changes, self.is_proven, self.fault = root, changes, True, ""

    def note_failure(self) -> None:
        """It does not answer: where and whether it does is open again."""
        self.root, self.is_proven = None, False


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where to ask, with the secret to show there."""

    name: str
    """Whose it is, for messages."""
    base_url: str
    """As in members.toml; see ``address.roots``."""
    model: str
    key: str = ""
    first_token_seconds: float = 60.0
    timeout_seconds: float = 180.0
    extra: Extra = field(default_factory=Extra)
    """With the headers' values in the place of their variables' names."""
    habits: Habits = field(default_factory=Habits)

    @property
    def headers(self) -> dict[str, str]:
        """What to send with each request.

        Raises:
            ValueError: If the key cannot be sent; httpx would say so too, and quote it.
        """
        own: dict[str, str] = {}
        if self.key:
            if not is_sendable(self.key):
                raise ValueError("the key cannot be sent; expected printable ASCII without spaces")
            own = {"Authorization": f"Bearer {self.key}"}
        taken = {name.lower() for name in (*self.extra.headers, *self.extra.remove_headers)}
        own = {name: value for name, value in own.items() if name.lower() not in taken}
        return own | dict(self.extra.headers)

    @property
    def roots(self) -> tuple[Root, ...]:
        """Where to try, the likelier first."""
        return roots(self.base_url) if self.habits.root is None else (self.habits.root,)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine; then no proxy of the environment may stand between."""
        return is_this_machine(self.base_url)

    @property
    def is_encrypted(self) -> bool:
        """Whether certificates are to be loaded, which takes 20 ms, and checked."""
        return self.base_url.strip().lower().startswith("https")

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.base_url!r}, {self.model!r})"

    def silence(self, error: Exception) -> str:
        """What to say where nobody can be connected to."""
        return f"{self.base_url} does not answer ({describe(error)}); is the server running?"


def describe(error: Exception) -> str:
    """An error's words, or its name where it has none."""
    return str(error) or type(error).__name__

"""Hashes passwords and checks them, a few at a time.

Argon2 is slow and large on purpose: 40 at once took 3 GB and every processor, and votes waited for
them. So few run at once, a few more wait, and further requests are told to try again.

Invariant: a password leaves here only as its argon2id hash. Non-goal: whose it is.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from blender_ui.errors import MalformedInput, Refused
from blender_ui.language import tr

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256
MOST_AT_ONCE = 2
MOST_WAITING = 8
"""Of the threads that answer requests, which are 40: the rest are for everybody else."""
MEMORY_KIB = 46 * 1024
"""With one pass in one lane, one of the settings that the OWASP Password Storage Cheat Sheet calls
equally strong, and the quickest of them; more lanes would take other people's processors."""


class Passwords:
    """Hashes and checks, for one process.

    Args:
        hasher: Argon2 with its costs.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=1, memory_cost=MEMORY_KIB, parallelism=1)
        self._running = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._there = threading.BoundedSemaphore(MOST_AT_ONCE + MOST_WAITING)

    def hash(self, password: str) -> str:
        """The argon2id hash of a new password.

        Raises:
            MalformedInput: If it is too short or too long.
            Refused: If too many wait already.
        """
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise MalformedInput(
                tr(
                    "a password has {shortest_password} to {longest_password} characters, this one "
                    "has {n_password}",
                    shortest_password=SHORTEST_PASSWORD,
                    longest_password=LONGEST_PASSWORD,
                    n_password=len(password),
                )
            )
        with self._turn():
            return self._hasher.hash(password)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether a hash is this password's; as slow where there is none, so that nobody can tell.

        Raises:
            Refused: If too many wait already.
        """
        with self._turn():
            try:
                is_right = self._hasher.verify(password_hash or self._nobodys_hash, password)
            except (VerificationError, InvalidHashError):
                return False
        return is_right and password_hash is not None

    def is_old(self, password_hash: str) -> bool:
        """Whether a hash was made with other costs than a new one would be."""
        return self._hasher.check_needs_rehash(password_hash)

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(16))

    @contextmanager
    def _turn(self) -> Generator[None]:
        if not self._there.acquire(blocking=False):
            raise Refused("Too many people are signing in at this moment. Try again in a few seconds.")
        try:
            with self._running:
                yield
        finally:
            self._there.release()

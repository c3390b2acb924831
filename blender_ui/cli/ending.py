"""Waits for the signal that ends a process, however many come, and whenever they come.

Invariant: no signal is lost and none raises. Non-goal: what is closed afterwards.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

POLL_SECONDS = 0.2


class Ending:
    """From when it is made, SIGINT and SIGTERM end no process; they end ``wait``."""

    def __init__(self) -> None:
        self._is_told = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._tell)

    @property
    def is_told(self) -> bool:
        """Whether a signal has come."""
        return self._is_told

    def wait(self) -> None:
        """Return once a signal has come."""
        # No threading.Event: its lock is not re-entrant, and a handler that interrupts the wait would
        # wait for the very lock that the wait holds.
        while not self._is_told:
            time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """End ``wait`` as a signal does."""
        self._is_told = True

    def _tell(self, number: int, frame: FrameType | None) -> None:
        self._is_told = True

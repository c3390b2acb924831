"""What starts after a change of votes; no vote waits for it.

Invariant: whatever adds, takes back, changes or overrules a vote calls ``AfterVote`` once it is in the
store; pages do not know of it. Non-goal: durable work; that is the worker's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_log = logging.getLogger(__name__)


class AfterVote:
    """Tells its followers that votes were added, retracted or overruled; returns at once."""

    def __init__(self) -> None:
        self._followers: list[Callable[[], object]] = []

    def follow(self, follower: Callable[[], object]) -> None:
        """Call this after every change of votes; it must return at once."""
        self._followers.append(follower)

    def __call__(self) -> None:
        for follower in self._followers:
            follower()


class Background:
    """Runs a task soon after it was asked for: never twice at once, and once after the last call.

    Args:
        task: What to do; what it raises is logged, and the next call tries again.
        name: Of the thread.
    """

    def __init__(self, task: Callable[[], object], *, name: str) -> None:
        self._task = task
        self._name = name
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._is_wanted = False

    def __call__(self) -> None:
        """Ask for the task; returns at once."""
        with self._lock:
            if self._is_wanted:
                return
            self._is_wanted = True
        self._pool.submit(self._run)

    def close(self) -> None:
        """Finish what was asked for and take no more."""
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        with self._lock:
            self._is_wanted = False
        try:
            self._task()
        except Exception:  # noqa: BLE001 - the edge of a thread: nobody else would hear of it
            _log.exception("%s failed", self._name)

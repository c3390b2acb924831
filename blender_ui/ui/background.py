"""Work that a vote sets off and that no vote waits for.

Invariant: the task runs in one thread, never twice at once, and at least once after the last poke.
Non-goal: durable work; that is the worker's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_log = logging.getLogger(__name__)


class Background:
    """Runs a task soon after it was asked for, however often it was asked for meanwhile.

    Args:
        task: What to do; what it raises is logged, and the next poke tries again.
        name: Of the thread.
    """

    def __init__(self, task: Callable[[], object], *, name: str) -> None:
        self._task = task
        self._name = name
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._is_wanted = False

    def poke(self) -> None:
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

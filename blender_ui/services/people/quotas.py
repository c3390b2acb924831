"""Rate limits: how often one name may do something within a window of time.

Invariant: at most ``most`` in any window; memory is bounded, because names whose events are over are
forgotten. Kept in this process: a restart begins anew. Non-goal: who a name is.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from datetime import datetime, timedelta

MOST_NAMES = 10_000
"""After which names whose events are over are looked for."""


class Quota:
    """A sliding window of events by name; safe to share between threads.

    Args:
        most: Events of one name within the window.
        window: How long an event counts.
    """

    def __init__(self, most: int, *, window: timedelta) -> None:
        self.most = most
        self._window = window
        self._events: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def find_wait(self, name: str, *, now: datetime) -> timedelta | None:
        """How long a name has to wait; None where it may go on at once."""
        with self._lock:
            return self._find_wait(name, now)

    def take(self, name: str, *, now: datetime) -> timedelta | None:
        """Count an event, unless the name has to wait: then nothing is counted, and it says how long."""
        with self._lock:
            wait = self._find_wait(name, now)
            if wait is None:
                self._events.setdefault(name, deque()).append(now)
                self._forget(now)
            return wait

    def _find_wait(self, name: str, now: datetime) -> timedelta | None:
        events = self._events.get(name)
        while events and events[0] + self._window <= now:
            events.popleft()
        if not events or len(events) < self.most:
            return None
        return events[-self.most] + self._window - now

    def _forget(self, now: datetime) -> None:
        if len(self._events) > MOST_NAMES:
            over = [name for name, events in self._events.items() if events[-1] + self._window <= now]
            for name in over or list(self._events)[:1]:
                del self._events[name]


def say_wait(wait: timedelta) -> str:
    """A time to wait, in whole minutes or, below one, seconds; never too short."""
    seconds = math.ceil(wait.total_seconds())
    if seconds < 60:
        return f"{max(seconds, 1)} second{'' if seconds <= 1 else 's'}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"

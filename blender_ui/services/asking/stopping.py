"""Stop buttons: the running work, and the event that ends it.

Invariant: an event is known exactly as long as the work it stops. Non-goal: how work reacts to it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stops:
    """The running streams of a service, by prompt and by name; safe to share between threads."""

    def __init__(self) -> None:
        self._running: list[tuple[int, str, threading.Event]] = []
        self._lock = threading.Lock()

    @contextmanager
    def running(self, prompt_id: int, name: str) -> Iterator[threading.Event]:
        """Give the event that stops the work of the with-block."""
        entry = (prompt_id, name, threading.Event())
        with self._lock:
            self._running.append(entry)
        try:
            yield entry[2]
        finally:
            with self._lock:
                self._running.remove(entry)

    def stop(self, prompt_id: int, name: str | None = None) -> int:
        """Stop the work on a prompt, or only that of one name; says how much there was."""
        with self._lock:
            events = [
                event
                for running_id, running_name, event in self._running
                if running_id == prompt_id and name in (None, running_name)
            ]
        for event in events:
            event.set()
        return len(events)

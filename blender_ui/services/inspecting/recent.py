"""The latest answers to questions that take a while, each under a key that names what it depends on.

Invariant: an answer is worked out by one thread, and those that ask the same meanwhile wait for it.
Non-goal: knowing when an answer is out of date; the key says so.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

N_KEPT = 32

Answer = TypeVar("Answer")


class Recent:
    """Keeps the latest answers; the one that was asked for longest ago goes first."""

    def __init__(self, n_kept: int = N_KEPT) -> None:
        self._n_kept = n_kept
        self._lock = threading.RLock()
        self._answers: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, key: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """The answer under a key, worked out where it is not there."""
        with self._lock:
            if key not in self._answers:
                self._answers[key] = work_out()
            self._answers.move_to_end(key)
            while len(self._answers) > self._n_kept:
                self._answers.popitem(last=False)
            return cast(Answer, self._answers[key])

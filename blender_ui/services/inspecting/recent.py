"""A small cache of slow results; each key names everything that its result depends on.

Invariant: one thread computes a result, and other requests for it wait.
Non-goal: expiry; a new state has a new key.
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

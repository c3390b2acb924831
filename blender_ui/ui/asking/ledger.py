"""The answers that are still expected, by prompt.

Invariant: an answer is begun by one caller only, however often it is asked for, and a prompt is
done when every answer that was expected has ended, with or without a row. Non-goal: the answers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

MOST_SHOWN = 10_000
"""Rounds voted on early that are remembered: far more than run at once, the latest ones."""


class Ledger:
    """The answers that are expected, over all visitors of one process."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._has_begun: dict[int, dict[str, bool]] = {}
        self._unsettled: set[int] = set()
        self._paired: set[int] = set()
        self._shown: dict[int, None] = {}

    def expect(self, prompt_id: int, names: Iterable[str]) -> None:
        """Expect an answer of each member, unless one is expected already."""
        with self._lock:
            expected = self._has_begun.setdefault(prompt_id, {})
            self._unsettled.add(prompt_id)
            for name in names:
                expected.setdefault(name, False)

    def begin(self, prompt_id: int, name: str) -> bool:
        """Claim an expected answer; False where it is not expected or somebody else has it."""
        with self._lock:
            expected = self._has_begun.get(prompt_id, {})
            if expected.get(name, True):
                return False
            expected[name] = True
            return True

    def end(self, prompt_id: int, name: str) -> None:
        """An answer is there, or will never be."""
        with self._lock:
            expected = self._has_begun.get(prompt_id, {})
            expected.pop(name, None)
            if not expected:
                self._has_begun.pop(prompt_id, None)
                self._paired.discard(prompt_id)
                self._lock.notify_all()

    def forget_waiting(self, prompt_id: int) -> None:
        """Expect no answer any more that has not begun."""
        with self._lock:
            waiting = [name for name, begun in self._has_begun.get(prompt_id, {}).items() if not begun]
        for name in waiting:
            self.end(prompt_id, name)

    def is_expected(self, prompt_id: int, name: str) -> bool:
        """Whether this answer is still to come."""
        with self._lock:
            return name in self._has_begun.get(prompt_id, {})

    def is_done(self, prompt_id: int) -> bool:
        """Whether nothing more is to come."""
        with self._lock:
            return prompt_id not in self._has_begun

    def claim_end(self, prompt_ids: Iterable[int]) -> bool:
        """Claim what follows the last answer to these prompts; False where one is still to come, or the
        end was claimed since an answer was last expected."""
        with self._lock:
            ended = self._unsettled.intersection(prompt_ids)
            if not ended or not self._has_begun.keys().isdisjoint(prompt_ids):
                return False
            self._unsettled -= ended
            return True

    def claim_pair(self, prompt_id: int) -> bool:
        """Claim the first pair of a prompt whose answers are still coming; False where one has been claimed
        or nothing more is to come."""
        with self._lock:
            if prompt_id in self._paired or prompt_id not in self._has_begun:
                return False
            self._paired.add(prompt_id)
            return True

    def show(self, prompt_id: int) -> None:
        """Who asked has voted: answers that are still to come do so with their members' names."""
        with self._lock:
            if prompt_id in self._has_begun:
                self._shown[prompt_id] = None
                if len(self._shown) > MOST_SHOWN:
                    del self._shown[next(iter(self._shown))]

    def is_shown(self, prompt_id: int) -> bool:
        """Whether answers come with names since a vote; also once all have, for who follows the last one."""
        with self._lock:
            return prompt_id in self._shown

    def list_running(self) -> list[int]:
        """The prompts to which an answer has begun and is still to come, the latest first."""
        with self._lock:
            return sorted(
                (one for one, begun in self._has_begun.items() if any(begun.values())), reverse=True
            )

    def are_done(self, prompt_ids: Iterable[int]) -> bool:
        """Whether nothing more is to come for any of them."""
        return all(self.is_done(prompt_id) for prompt_id in prompt_ids)

    def wait(self, prompt_id: int, *, seconds: float) -> bool:
        """Wait until nothing more is to come; False where that took too long."""
        with self._lock:
            return self._lock.wait_for(lambda: prompt_id not in self._has_begun, timeout=seconds)

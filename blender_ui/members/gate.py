"""Who may ask a member now: as many at once as it takes, in turn by who asks, and nobody while it is down.

Invariant: somebody with many questions makes another wait for one of them at most, once a place is free;
whoever waits is told what for, and a member that does not answer costs one question its wait:
the others are told so at once, until one of them has tried it again. Non-goal: what is asked.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import NamedTuple

from blender_ui.errors import MemberError
from blender_ui.members.protocol import Chunk, asker

POLL_SECONDS = 0.2
"""Between two looks of one in line at whether it was stopped; its turn wakes it at once."""
FIRST_PAUSE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 300.0
N_IN_A_ROW = 3
"""Failures that cost no wait, after which a member counts as down."""
_FAULTS = ("timeout", "unreachable", "crashed", "out_of_memory", "bad_response")
"""Failures that may be the member's state; others are about one question, or somebody's wish."""


class _Fault(NamedTuple):
    """Why a member is not asked, and until when."""

    reason: str
    until: float


class Breaker:
    """Whether a member is up, as far as its last questions tell. Safe to use from any thread.

    It opens with a question that waited in vain, or with ``N_IN_A_ROW`` other failures. After a pause, which
    doubles each time, it is half open: one question tries the member, and the others go on being refused.

    Args:
        name: The member's, for messages.
        clock: Seconds from a fixed point.
    """

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._lock = threading.Lock()
        self._n_failures = 0
        self._is_tried = False
        self._fault: _Fault | None = None
        self.n_openings = 0
        """How often in a row it opened; 0 once the member has given a sign of life."""

    @property
    def pause_seconds(self) -> float:
        """How long the member is left alone; 0 where it may be asked, or tried."""
        fault = self._fault
        return 0.0 if fault is None else max(0.0, fault.until - self._clock())

    @property
    def refuses(self) -> bool:
        """Whether a question would be refused now."""
        return self._fault is not None and (self.pause_seconds > 0 or self._is_tried)

    @property
    def is_trial_due(self) -> bool:
        """Whether the next question tries a member that was down."""
        return self._fault is not None and not self.refuses

    def enter(self) -> bool:
        """Begin a question; whether it is the trial.

        Raises:
            MemberError: Kind unreachable, while the member counts as down.
        """
        with self._lock:
            if self._fault is None:
                return False
            if not self.refuses:
                self._is_tried = True
                return True
            seconds = self.pause_seconds
            when = f"in {seconds:.0f} s" if seconds > 0 else "by another question right now"
            reason = f"not asked, because it is down: {self._fault.reason}. It is tried again {when}"
        raise MemberError(f"{self._name}: {reason}", kind="unreachable")

    def note_life(self) -> None:
        """The member has begun to answer, or has said what is wrong with one question."""
        with self._lock:
            self._n_failures = self.n_openings = 0
            self._is_tried, self._fault = False, None

    def note_stop(self, *, is_trial: bool) -> None:
        """A question was stopped, which tells nothing of the member."""
        with self._lock:
            self._is_tried = self._is_tried and not is_trial

    def note_failure(self, error: MemberError, *, is_trial: bool, began: bool) -> None:
        """A question failed.

        Args:
            error: How.
            is_trial: What ``enter`` said of it.
            began: Whether the member had begun to answer it.
        """
        if error.kind == "stopped":
            self.note_stop(is_trial=is_trial)
        elif error.kind not in _FAULTS:
            self.note_life()
        else:
            self._note_fault(error, is_trial=is_trial, was_in_vain=error.kind == "timeout" and not began)

    def _note_fault(self, error: MemberError, *, is_trial: bool, was_in_vain: bool) -> None:
        with self._lock:
            self._n_failures += 1
            if not is_trial and (
                # Questions that were under way when it opened would each make the pause longer.
                self._fault is not None or not (was_in_vain or self._n_failures >= N_IN_A_ROW)
            ):
                return
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**self.n_openings)
            self.n_openings += 1
            reason = str(error).removeprefix(f"{self._name}: ")
            self._is_tried, self._fault = False, _Fault(reason, self._clock() + pause)


class _Turn:
    """A place in line.

    Args:
        by: Who asks.
    """

    def __init__(self, by: int | None) -> None:
        self.by = by
        self.wake = threading.Event()


class Gate:
    """The way to one member. Safe to use from any thread.

    Args:
        name: The member's, for messages.
        n_at_once: Questions that it is asked at the same time.
        breaker: Whether it is up.
    """

    def __init__(self, name: str, *, n_at_once: int, breaker: Breaker) -> None:
        self._name, self._n_at_once = name, n_at_once
        self.breaker = breaker
        self._lock = threading.Lock()
        self._n_asking = 0
        self._line: list[_Turn] = []
        """In the order of coming."""
        self._asking_by: Counter[int | None] = Counter()
        self._last_turns: dict[int | None, int] = {}
        """Of who is in line or being answered: the number of their last turn."""
        self._numbers = itertools.count(1)

    @property
    def n_waiting(self) -> int:
        """Questions in line."""
        return len(self._line)

    @property
    def n_asking(self) -> int:
        """Questions under way."""
        return self._n_asking

    def ask(
        self, stream: Callable[[], Generator[Chunk]], *, stop: threading.Event | None = None
    ) -> Generator[Chunk]:
        """Wait for one's turn, which chunks with ``waiting`` tell, and give the member's stream.

        Raises:
            MemberError: As the stream; kind unreachable while the member counts as down; stopped.
        """
        with self._in_line() as turn:
            is_trial = yield from self._wait(turn, stop)
            began = False
            try:
                with closing(stream()) as chunks:
                    for chunk in chunks:
                        if not began and not chunk.waiting:
                            began = True
                            self.breaker.note_life()
                        yield chunk
            except MemberError as error:
                self.breaker.note_failure(error, is_trial=is_trial, began=began)
                raise
            except GeneratorExit:
                self.breaker.note_stop(is_trial=is_trial)
                raise

    def _wait(self, turn: _Turn, stop: threading.Event | None) -> Generator[Chunk, None, bool]:
        """Wait for one's turn and take it; whether one's question is the trial."""
        told = 0
        while True:
            with self._lock:
                if self.breaker.refuses:
                    self.breaker.enter()  # Says why: nobody waits in line for a member that is down.
                place = self._find_place(turn)
                # Questions that hang may hold every place, and the trial shall not wait for them.
                if self._find_next() is turn and (
                    self._n_asking < self._n_at_once or self.breaker.is_trial_due
                ):
                    is_trial = self.breaker.enter()
                    self._begin(turn)
                    return is_trial
            if stop is not None and stop.is_set():
                raise MemberError(f"{self._name}: stopped on request", kind="stopped")
            if place != told:
                told = place
                yield Chunk("", 0, waiting=f"number {place} in line")
            turn.wake.wait(POLL_SECONDS)
            turn.wake.clear()

    def _find_next(self) -> _Turn | None:
        """Of those with the fewest questions under way the one whose last turn is the longest ago."""
        return min(
            self._line,
            key=lambda turn: (self._asking_by[turn.by], self._last_turns.get(turn.by, 0)),
            default=None,
        )

    def _find_place(self, turn: _Turn) -> int:
        """How many turns it is until one's own, at the latest: everybody else has as many as oneself."""
        before = self._line[: self._line.index(turn) + 1]
        own = sum(one.by == turn.by for one in before)
        others = Counter(one.by for one in self._line if one.by != turn.by)
        return own + sum(min(n, own) for n in others.values())

    def _begin(self, turn: _Turn) -> None:
        self._line.remove(turn)
        self._n_asking += 1
        self._asking_by[turn.by] += 1
        self._last_turns[turn.by] = next(self._numbers)
        self._wake()

    def _end(self, turn: _Turn) -> None:
        self._n_asking -= 1
        self._asking_by[turn.by] -= 1
        here = {one.by for one in self._line} | {by for by, n in self._asking_by.items() if n > 0}
        self._asking_by = Counter({by: n for by, n in self._asking_by.items() if n > 0})
        self._last_turns = {by: number for by, number in self._last_turns.items() if by in here}

    def _wake(self) -> None:
        """Let the next in line look; all of them where they are to be refused."""
        if self.breaker.refuses:
            for turn in self._line:
                turn.wake.set()
        elif self._n_asking < self._n_at_once and (following := self._find_next()) is not None:
            following.wake.set()

    @contextmanager
    def _in_line(self) -> Generator[_Turn]:
        turn = _Turn(asker.get())
        with self._lock:
            self._line.append(turn)
        try:
            yield turn
        finally:
            with self._lock:
                if turn in self._line:
                    self._line.remove(turn)
                else:
                    self._end(turn)
                self._wake()

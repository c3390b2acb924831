"""What keeps one visitor with many questions from making the others wait: quotas and turns.

Invariant: at most ``most`` events of a name in any window. At most ``at_once`` questions of visitors
run, one of each visitor, and each visitor has at most one more waiting; a free turn goes to the address
that has waited longest, and within it to the visitor who has. A question whose page no longer asks loses
its place. Memory is bounded, and kept in this process: a restart begins anew. Non-goals: who a name is,
and the members.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from blender_ui.errors import QuotaUsedUp
from blender_ui.language import trn

MOST_NAMES = 10_000
"""After which names whose events are over are looked for."""
FORGOTTEN_AFTER = timedelta(seconds=15)
"""Without a request for the turn: the page is gone."""
LONGEST = timedelta(minutes=15)
"""Limit of a turn, so that a question that was lost does not hold it."""


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

    def forget(self, name: str) -> None:
        """Begin anew with a name."""
        with self._lock:
            self._events.pop(name, None)

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
        return trn("{n} second", "{n} seconds", max(seconds, 1))
    minutes = math.ceil(seconds / 60)
    return trn("{n} minute", "{n} minutes", minutes)


@dataclass(frozen=True)
class Asker:
    """Who asks: a visitor, and the address that they come from."""

    visitor: str
    address: str


@dataclass
class _Place:
    number: int
    asker: Asker
    seen_at: datetime
    is_running: bool = False
    has_begun: bool = False


class Turns:
    """The questions of visitors that run and wait in this process; safe to share between threads.

    Args:
        at_once: How many run.
        waiting: How many wait in all; of one address, half of them.
    """

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._places: dict[int, _Place] = {}
        self._numbers = itertools.count(1)
        self._last_turns: dict[str, int] = {}
        self._n_turns = itertools.count(1)
        self._lock = threading.Lock()

    def enter(self, asker: Asker, *, now: datetime) -> int:
        """Take a place; give its number.

        Raises:
            QuotaUsedUp: If this visitor has one that runs and one that waits, or too many wait.
        """
        with self._lock:
            self._settle(now)
            self._refuse(asker)
            number = next(self._numbers)
            self._places[number] = _Place(number, asker, now)
            self._settle(now)
            return number

    def may_begin(self, number: int, *, now: datetime) -> bool | None:
        """Whether it is a place's turn; None where there is no such place any more."""
        with self._lock:
            place = self._places.get(number)
            if place is not None:
                place.seen_at = now
            self._settle(now)
            if place is None or number not in self._places:
                return None
            place.has_begun = place.is_running
            return place.is_running

    def count_before(self, number: int) -> int:
        """How many questions run or wait before a place's turn comes; 0 for one that runs or is gone.

        A guess: who asks meanwhile from an address that has waited longer goes first.
        """
        with self._lock:
            place = self._places.get(number)
            if place is None or place.is_running:
                return 0
            earlier = (one for one in self._places.values() if one.is_running or one.number < number)
            return sum(1 for _ in earlier)

    def leave(self, number: int, *, now: datetime) -> None:
        """Give a place up; the next one's turn begins. An unknown place changes nothing."""
        with self._lock:
            self._places.pop(number, None)
            self._settle(now)

    def _refuse(self, asker: Asker) -> None:
        own = [place for place in self._places.values() if place.asker.visitor == asker.visitor]
        if len(own) >= 2:
            raise QuotaUsedUp(
                "One question of yours is being answered and one waits. Ask again when the first is answered."
            )
        waiting = [place for place in self._places.values() if not place.is_running]
        near = [place for place in waiting if place.asker.address == asker.address]
        is_free = len(self._places) < self._at_once
        if not is_free and (len(waiting) >= self._waiting or len(near) >= max(self._waiting // 2, 1)):
            raise QuotaUsedUp("Too many questions wait for the models. Ask again in a minute.")

    def _settle(self, now: datetime) -> None:
        """Forget lost places, then give free turns."""
        for place in list(self._places.values()):
            if now - place.seen_at >= (LONGEST if place.has_begun else FORGOTTEN_AFTER):
                del self._places[place.number]
        while sum(place.is_running for place in self._places.values()) < self._at_once:
            chosen = self._choose()
            if chosen is None:
                return
            chosen.is_running = True
            turn = next(self._n_turns)
            self._last_turns[chosen.asker.address] = turn
            self._last_turns[chosen.asker.visitor] = turn

    def _choose(self) -> _Place | None:
        running = [place.asker for place in self._places.values() if place.is_running]
        busy = {asker.visitor for asker in running}
        waiting = [
            place
            for place in self._places.values()
            if not place.is_running and place.asker.visitor not in busy
        ]
        here = {
            name for place in self._places.values() for name in (place.asker.visitor, place.asker.address)
        }
        self._last_turns = {name: turn for name, turn in self._last_turns.items() if name in here}

        def order(place: _Place) -> tuple[int, int, int, int]:
            address, visitor = place.asker.address, place.asker.visitor
            n_running = sum(asker.address == address for asker in running)
            last = self._last_turns
            return n_running, last.get(address, 0), last.get(visitor, 0), place.number

        return min(waiting, key=order, default=None)

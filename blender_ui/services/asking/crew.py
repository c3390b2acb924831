"""Has several members answer several prompts at the same time.

Invariant: no member is asked more at once than it takes, a slow member delays only its own answers, and each
ask ends once. A member that is down or wants to be left alone is waited for. Non-goal: which asks there are.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from blender_ui.services.asking.answering import CandidateUpdate
from db.models import FailureKind

LONGEST_WAIT_SECONDS = 900.0
"""In all, for a member that does not answer in between; what is left then fails at once."""
N_TRIES = 3
"""Of one ask, where the member was down or full."""
LONGEST_PHASE = 64
"""Characters, as the job's column has them."""
GATHER_SECONDS = 0.5
LOOK_SECONDS = 0.2
_PASSING = (FailureKind.RATE_LIMITED, FailureKind.UNREACHABLE)


class Asks(Protocol):
    """Asks a member one prompt and keeps what comes; ``services.asking.rounds.Blending`` does."""

    def stream(self, *, prompt_id: int, member_name: str, sample: int) -> Iterator[CandidateUpdate]: ...

    def pause_seconds(self, member_name: str) -> float: ...


class Ask(NamedTuple):
    """One answer to ask for."""

    prompt_id: int
    member: str
    sample: int = 1
    """Which of the member's answers."""


class Ended(NamedTuple):
    """An ask that has ended."""

    ask: Ask
    failed: bool


class Pace:
    """How fast each member's answers end, and when the last will.

    Args:
        asks: All there are to end.
        began_at: Seconds from any start.
    """

    def __init__(self, asks: Sequence[Ask], *, began_at: float) -> None:
        self._n_asks = Counter(ask.member for ask in asks)
        self._n_ended: Counter[str] = Counter()
        self._began_at = began_at

    def note(self, ask: Ask) -> None:
        """An ask has ended."""
        self._n_ended[ask.member] += 1

    def remaining_seconds(self, now: float) -> float | None:
        """Until the slowest member's last answer; None before each has ended one."""
        if any(not self._n_ended[name] for name in self._n_asks):
            return None
        elapsed = now - self._began_at
        return max(
            (
                elapsed * (n_asks - self._n_ended[name]) / self._n_ended[name]
                for name, n_asks in self._n_asks.items()
            ),
            default=0.0,
        )


class Crew:
    """Threads that ask, as many for each member as it takes.

    Args:
        blending: Asks, and keeps what comes.
        asks: Those to end, in the order in which each member is asked.
        n_at_once: Of each member; one that is not named is asked one at a time.
        stopping: No ask is begun after it is set.
    """

    def __init__(
        self,
        blending: Asks,
        asks: Sequence[Ask],
        *,
        n_at_once: Mapping[str, int],
        stopping: threading.Event,
    ) -> None:
        self._blending, self._stopping = blending, stopping
        self._left: dict[str, deque[Ask]] = {}
        for ask in asks:
            self._left.setdefault(ask.member, deque()).append(ask)
        self._given_up = threading.Event()
        self._waited: defaultdict[str, float] = defaultdict(float)
        self._ended: queue.Queue[Ended | BaseException] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._work, args=(name,), name=f"generate {name}", daemon=True)
            for name, left in self._left.items()
            for _ in range(min(len(left), n_at_once.get(name, 1)))
        ]

    def results(self) -> Generator[list[Ended]]:
        """Ask, and give what has ended, gathered over half a second, until all has or it is to stop.

        Closing it begins no further ask. The asks under way then end first, and so they do where one raises.
        """
        for thread in self._threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in self._threads) or not self._ended.empty():
                if batch := self._gather():
                    yield batch
        finally:
            self._given_up.set()
            for thread in self._threads:
                thread.join()

    def waits(self) -> dict[str, float]:
        """The members that are waited for, and for how many seconds yet."""
        pauses = {name: self._blending.pause_seconds(name) for name, left in self._left.items() if left}
        return {name: pause for name, pause in pauses.items() if pause}

    def drain(self) -> list[Ended]:
        """What ended after the results were closed."""
        ended = []
        with suppress(queue.Empty):
            while True:
                one = self._ended.get_nowait()
                if isinstance(one, Ended):
                    ended.append(one)
        return ended

    def _gather(self) -> list[Ended]:
        batch: list[Ended] = []
        with suppress(queue.Empty):
            first = self._ended.get(timeout=LOOK_SECONDS)
            self._given_up.wait(GATHER_SECONDS if any(t.is_alive() for t in self._threads) else 0.0)
            for one in (first, *self._ready()):
                if isinstance(one, BaseException):
                    raise one
                batch.append(one)
        return batch

    def _ready(self) -> Iterator[Ended | BaseException]:
        with suppress(queue.Empty):
            while True:
                yield self._ended.get_nowait()

    def _is_over(self) -> bool:
        return self._stopping.is_set() or self._given_up.is_set()

    def _work(self, name: str) -> None:
        left = self._left[name]
        try:
            while not self._is_over():
                self._wait_for(name)
                try:
                    ask = left.popleft()
                except IndexError:
                    return
                if self._is_over():
                    return
                self._end(ask)
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: raised again where all is gathered
            self._ended.put(error)

    def _end(self, ask: Ask) -> None:
        for n_tried in range(1, N_TRIES + 1):
            *_, last = self._blending.stream(
                prompt_id=ask.prompt_id, member_name=ask.member, sample=ask.sample
            )
            failure = last.failure
            is_over = failure is None or failure.kind not in _PASSING or n_tried == N_TRIES
            if failure is None:
                self._waited[ask.member] = 0
            if is_over or not self._wait_for(ask.member):
                break
        self._ended.put(Ended(ask, last.failure is not None))

    def _wait_for(self, name: str) -> bool:
        """Wait while a member is better left alone; whether there was anything to wait for."""
        has_waited = False
        while not self._is_over() and self._waited[name] < LONGEST_WAIT_SECONDS:
            pause = self._blending.pause_seconds(name)
            if not pause:
                break
            has_waited = True
            self._stopping.wait(min(pause, LOOK_SECONDS))
            self._waited[name] += min(pause, LOOK_SECONDS) / max(1, self._n_threads(name))
        return has_waited

    def _n_threads(self, name: str) -> int:
        return sum(thread.name == f"generate {name}" and thread.is_alive() for thread in self._threads)


def phase_of(waits: Mapping[str, float]) -> str:
    """What a generation does, in words, while these members are waited for."""
    if not waits:
        return "asking members"
    name = max(waits, key=lambda name: waits[name])
    return f"waiting {waits[name]:.0f} s for {name}"[:LONGEST_PHASE]

"""Serves requests in threads of their own, and hands what comes of them to the event loop.

Invariant: no key has more than its share of the threads; a program that goes away stops what was asked for
it, and what members read and wrote for a key is counted however its request ends. Non-goal: the form in
which it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

from blender_ui.errors import QuotaUsedUp
from blender_ui.services.people.keys import ApiKeys, Caller
from blender_ui.services.serving.serve import Serve
from blender_ui.services.serving.views import Piece, Served

MOST_AT_ONCE = 64
"""Requests that are served; further ones wait, and their streams are kept alive."""
MOST_OF_ONE = MOST_AT_ONCE // 2
"""Of them, those of one key: one that sends without end leaves the others a half."""
MOST_WAITING = 512
"""Requests of one key that wait besides."""
RETRY_SECONDS = 5.0

Event = Piece | Served


Waiting = Event | Exception | None
"""None at the end."""


def _take_waiting(events: asyncio.Queue[Waiting]) -> Iterator[Waiting]:
    while not events.empty():
        yield events.get_nowait()


def _join(events: Iterable[Waiting]) -> Iterator[Waiting]:
    """Pieces of one answer that waited for each other, on a busy machine, as one: each costs a message."""
    last: Piece | None = None
    for event in events:
        if isinstance(event, Piece) and last is not None and _goes_on(last, event):
            last = last._replace(text=last.text + event.text, thinking=last.thinking + event.thinking)
            continue
        if last is not None:
            yield last
        last = event if isinstance(event, Piece) else None
        if last is None:
            yield event
    if last is not None:
        yield last


def _goes_on(last: Piece, event: Piece) -> bool:
    return event.choice == last.choice and not event.restarts


class Shares:
    """Runs tasks in a pool, of one key at most so many at a time; safe to share between threads.

    Args:
        pool: Runs them.
        most: Of one key.
        waiting: And that wait, of one key.
    """

    def __init__(self, pool: Executor, *, most: int = MOST_OF_ONE, waiting: int = MOST_WAITING) -> None:
        self._pool = pool
        self._most = most
        self._waiting = waiting
        self._lock = threading.Lock()
        self._running: Counter[int | None] = Counter()
        self._lines: dict[int | None, deque[Callable[[], object]]] = {}

    def check(self, key_id: int | None) -> None:
        """Refuse a request before anything of it is stored.

        Raises:
            QuotaUsedUp: If too many of the same key wait.
        """
        with self._lock:
            n_waiting = len(self._lines.get(key_id, ()))
        if n_waiting >= self._waiting:
            raise QuotaUsedUp(
                f"{self._most} requests of this key are being answered and {n_waiting} wait, as many as may. "
                "Send this one again when some of them are answered.",
                wait_seconds=RETRY_SECONDS,
            )

    def submit(self, key_id: int | None, task: Callable[[], object]) -> None:
        """Run a task once its key has a thread for it."""
        with self._lock:
            self._lines.setdefault(key_id, deque()).append(task)
            self._begin(key_id)

    def _begin(self, key_id: int | None) -> None:
        line = self._lines[key_id]
        if line and self._running[key_id] < self._most:
            self._running[key_id] += 1
            self._pool.submit(self._run, key_id, line.popleft())
        elif not line and not self._running[key_id]:
            del self._lines[key_id], self._running[key_id]

    def _run(self, key_id: int | None, task: Callable[[], object]) -> None:
        try:
            task()
        finally:
            with self._lock:
                self._running[key_id] -= 1
                self._begin(key_id)


class Server:
    """Serves requests, at most ``MOST_AT_ONCE`` at a time.

    Args:
        keys: Counts tokens.
    """

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys
        self._shares = Shares(ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="serve"))

    def check(self, caller: Caller) -> None:
        """Refuse a request of a key that has too many waiting.

        Raises:
            QuotaUsedUp: With when to send it again.
        """
        self._shares.check(caller.key_id)

    async def follow(
        self, serve: Serve, caller: Caller, *, quiet_seconds: float
    ) -> AsyncGenerator[Event | None]:
        """What comes of a request; None each time that nothing came for so long.

        Leaving it before its end stops the request.

        Raises:
            BlenderError: As ``Serve.events``.
        """
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | Exception | None] = asyncio.Queue()

        def put(event: Event | Exception | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(events.put_nowait, event)

        self._shares.submit(caller.key_id, partial(self._run, serve, caller, put))
        try:
            while True:
                try:
                    async with asyncio.timeout(quiet_seconds):
                        event = await events.get()
                except TimeoutError:
                    yield None
                    continue
                for one in _join([event, *_take_waiting(events)]):
                    if one is None:
                        return
                    if isinstance(one, Exception):
                        raise one
                    yield one
        finally:
            serve.stop()

    def _run(self, serve: Serve, caller: Caller, put: Callable[[Event | Exception | None], None]) -> None:
        try:
            for event in serve.events():
                put(event)
        except Exception as error:  # noqa: BLE001 - raised anew where the events are awaited
            put(error)
        finally:
            self._keys.count_tokens(caller, serve.n_tokens)
            put(None)

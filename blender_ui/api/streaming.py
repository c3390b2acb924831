"""Serves requests in threads of their own, and hands what comes of them to the event loop.

Invariant: a program that goes away stops what was asked for it, and what members read and wrote for a key is
counted however its request ends. Non-goal: the form in which it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from blender_ui.services.people.keys import ApiKeys, Caller
from blender_ui.services.serving.serve import Serve
from blender_ui.services.serving.views import Piece, Served

MOST_AT_ONCE = 64
"""Requests that are served; further ones wait, and their streams are kept alive."""

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


class Server:
    """Serves requests, at most ``MOST_AT_ONCE`` at a time.

    Args:
        keys: Counts tokens.
    """

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="serve")

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

        loop.run_in_executor(self._pool, self._run, serve, caller, put)
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

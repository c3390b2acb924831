"""Serves requests in threads of their own, and hands what comes of them to the event loop.

Invariant: a program that goes away stops what was asked for it, and what members read and wrote for a key is
counted however its request ends. Non-goal: the form in which it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor

from blender_ui.services.people.keys import ApiKeys, Caller
from blender_ui.services.serving.serve import Serve
from blender_ui.services.serving.views import Piece, Served

MOST_AT_ONCE = 64
"""Requests that are served; further ones wait, and their streams are kept alive."""

Event = Piece | Served


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
                if event is None:
                    return
                if isinstance(event, Exception):
                    raise event
                yield event
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

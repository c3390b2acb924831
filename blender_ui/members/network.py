"""The thread on whose event loop every answer is read.

Invariant: one thread for all of them, which begins with the first question; a task that is cancelled has
closed its connection before its asker goes on, or shortly after. Non-goal: what is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import threading
from collections.abc import Coroutine
from typing import Any

import httpx


class UnderWay:
    """A task on the network's thread."""

    def __init__(self, work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
        self._over = threading.Event()
        self._has_begun = False
        self._future = asyncio.run_coroutine_threadsafe(self._run(work), loop)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however it did."""
        return self._future.done()

    def cancel(self, *, wait_seconds: float) -> None:
        """End it from any thread, and wait a moment until it has; nothing happens where it has ended."""
        self._future.cancel()
        if self._has_begun:
            self._over.wait(wait_seconds)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._has_begun = True
        try:
            await work
        finally:
            self._over.set()


def begin(work: Coroutine[Any, Any, None]) -> UnderWay:
    """Begin a task on the network's thread."""
    return UnderWay(work, _loop())


@functools.cache
def ssl_context(checks: bool) -> ssl.SSLContext:
    """A context, made once: loading certificates takes 80 ms.

    Args:
        checks: Whether certificates are looked at; a plain connection needs none.
    """
    return httpx.create_ssl_context(verify=checks)


_guard = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    with _guard:
        return _start()


@functools.cache
def _start() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=_serve, args=(loop,), name="network", daemon=True).start()
    return loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    with contextlib.closing(loop):
        loop.run_forever()

"""Gives each sender of requests a pace, so that one who sends without end does not take the others' time.

A page's request costs the one web process some 20 ms, and on a busy machine many times that. So of a
visitor one request is worked on at a time, and of everybody of one address whom nobody knows a few; and who
sends faster than a person can waits besides. Only who has a whole line waiting is refused.

Invariant: what is refused here was not begun, so that it may be sent again, and the answer says when. People
with accounts are held to their own pace alone, however many share an address. Memory is bounded.
Non-goals: streams, files of the pages, and programs, whose keys have limits of their own.
"""

from __future__ import annotations

import asyncio
import enum
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from blender_ui.api.rules import BELOW
from blender_ui.language import tr
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.quotas import say_wait
from blender_ui.services.people.signing_in import hash_secret
from blender_ui.settings import Settings
from blender_ui.ui.address import find_address
from blender_ui.ui.identity import KEY_HEADER, read_key
from blender_ui.ui.serving.requests import API, HAS_ACCOUNT, refuse

VISITOR_SHARE = 0.4
"""Where requests take long, one visitor who sends without end has the process for so much of the time."""
MOST_LINES = 20_000
HOLD_SECONDS = 1.0
"""After which a request that is still worked on makes room for the sender's next: it waits for something
else than this process, and the other tabs of the same person shall not."""
KNOWN_SECONDS = 60.0
"""How long it is remembered whether a key is an account's: asking the store costs a millisecond."""
STREAMS = (f"{API}/queue/data", f"{API}/heartbeat")
FILES = ("/assets/", "/static/", "/svelte/", "/theme.css", "/favicon.ico")
PROBES = ("/healthz", "/readyz", "/metrics")
UNPACED = STREAMS + FILES + PROBES
"""What stays open, and what costs next to nothing: a browser asks for many files at once."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What one sender may ask of the process.

    Attributes:
        a_second: Requests, in the long run.
        at_a_stretch: Requests that may come as fast as they like after a rest.
        at_once: Requests that are worked on at the same time.
        waiting: Requests that may wait besides.
        share: Of the time, how much a request of theirs may be worked on in the long run.
    """

    a_second: float
    at_a_stretch: int
    at_once: int
    waiting: int
    share: float = math.inf


ACCOUNT = Pace(a_second=40, at_a_stretch=400, at_once=16, waiting=64)
"""Of somebody with an account, or of everybody where nobody signs in."""


class Kind(enum.Enum):
    """What a sender is known by."""

    ACCOUNT = enum.auto()
    VISITOR = enum.auto()
    ADDRESS = enum.auto()


class Line:
    """The requests of one sender, for the one thread of an event loop.

    Args:
        pace: How fast they may come.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._due = 0.0
        """When the last request would have come, had all come at the pace."""
        self.n_here = 0
        self._places = asyncio.Semaphore(pace.at_once)

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self.n_here >= self._pace.at_once + self._pace.waiting

    def find_wait(self, now: float) -> float:
        """Seconds that one more request has to wait for the pace."""
        return max(0.0, self._due - self._pace.at_a_stretch / self._pace.a_second - now)

    def enter(self, now: float) -> None:
        """Count a request that goes on."""
        self._due = max(self._due, now) + 1 / self._pace.a_second
        self.n_here += 1

    def charge(self, seconds: float) -> None:
        """Count how long a request was worked on, where that is more than its part of the pace."""
        self._due += max(0.0, seconds / self._pace.share - 1 / self._pace.a_second)

    async def take_place(self) -> Callable[[], None]:
        """Wait until one is free; give what makes it free again, which happens in any case after a while."""
        await self._places.acquire()
        is_held = True

        def give_back() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                self._places.release()

        late = asyncio.get_running_loop().call_later(HOLD_SECONDS, give_back)

        def leave() -> None:
            late.cancel()
            give_back()

        return leave

    def is_idle(self, now: float) -> bool:
        """Whether it can be forgotten: nobody is here, and a new line would allow no more."""
        return self.n_here == 0 and self._due <= now


class Lines:
    """Every sender's line.

    Args:
        clock: Seconds from a fixed point.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._lines: OrderedDict[Hashable, Line] = OrderedDict()

    def find_refusal(self, senders: dict[Hashable, Pace]) -> float | None:
        """Seconds until a request that may not even wait may come again; None where it may."""
        lines, now = list(self._find(senders)), self._clock()
        if not any(line.is_full for line in lines):
            return None
        return max(line.find_wait(now) for line in lines)

    @asynccontextmanager
    async def turn(self, senders: dict[Hashable, Pace]) -> AsyncIterator[None]:
        """Wait for a request's turn in the lines of all its senders, and hold it."""
        lines, now = list(self._find(senders)), self._clock()
        wait = max((line.find_wait(now) for line in lines), default=0.0)
        async with AsyncExitStack() as held:
            for line in lines:
                line.enter(now)
                held.callback(_leave, line)
            if wait > 0:
                await self._pause(wait)
            for line in lines:
                # A visitor's before their address's, where so only one of theirs stands in line.
                held.callback(await line.take_place())
            began = self._clock()
            try:
                yield
            finally:
                for line in lines:
                    line.charge(min(self._clock() - began, HOLD_SECONDS))

    def _find(self, senders: dict[Hashable, Pace]) -> Iterator[Line]:
        for sender, pace in senders.items():
            line = self._lines.get(sender)
            if line is None:
                self._forget()
                line = self._lines[sender] = Line(pace)
            self._lines.move_to_end(sender)
            yield line

    def _forget(self) -> None:
        """Make room: the longest idle ones first; a line that somebody stands in stays."""
        now = self._clock()
        while len(self._lines) >= MOST_LINES:
            idle = next((name for name, line in self._lines.items() if line.is_idle(now)), None)
            oldest = next((name for name, line in self._lines.items() if not line.n_here), None)
            if idle is None and oldest is None:
                return
            del self._lines[idle if idle is not None else oldest]


def _leave(line: Line) -> None:
    line.n_here -= 1


class Pacing:
    """ASGI middleware: hands requests on at their senders' pace.

    Args:
        app: What stands behind.
        access: Says which keys are accounts'.
        settings: Have the pace of a visitor and of an address.
        lines: Every sender's.
    """

    def __init__(self, app: ASGIApp, *, access: Access, settings: Settings, lines: Lines) -> None:
        self._app = app
        self._access = access
        self._settings = settings
        self._lines = lines
        self._accounts: OrderedDict[str, tuple[bool, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request in its turn, or say when to come again."""
        if scope["type"] != "http" or not is_paced(scope["path"]):
            await self._app(scope, receive, send)
            return
        senders = await self._find_senders(scope)
        scope[HAS_ACCOUNT] = ACCOUNT in senders.values()
        seconds = self._lines.find_refusal(senders)
        if seconds is not None:
            wait = max(1, math.ceil(seconds))
            told = say_wait(timedelta(seconds=wait))
            refusal = refuse(
                429, tr("Too many requests come from here at once. Try again in {wait}.", wait=told)
            )
            refusal.headers["Retry-After"] = str(wait)
            await refusal(scope, receive, send)
            return
        async with self._lines.turn(senders):
            await self._app(scope, receive, send)

    async def _find_senders(self, scope: Scope) -> dict[Hashable, Pace]:
        headers = Headers(scope=scope)
        key, hashed = read_key(headers.get(KEY_HEADER)), ""
        if key is not None:
            hashed = hash_secret(key)
            if await self._has_account(key, hashed):
                return {(Kind.ACCOUNT, hashed): ACCOUNT}
        address = find_address(
            (scope.get("client") or ("", 0))[0],
            headers.getlist("x-forwarded-for"),
            n_proxies=self._settings.trusted_proxies,
        )
        if self._access.mode is Mode.OPEN:
            return {(Kind.ADDRESS, address): ACCOUNT}
        of_address = _make_pace(self._settings.address_requests, stretch_seconds=20, at_once=3, waiting=1024)
        if key is None:
            return {(Kind.ADDRESS, address): of_address}
        of_visitor = replace(
            _make_pace(self._settings.visitor_requests, stretch_seconds=10, at_once=1, waiting=32),
            share=VISITOR_SHARE,
        )
        return {(Kind.VISITOR, hashed): of_visitor, (Kind.ADDRESS, address): of_address}

    async def _has_account(self, key: str, hashed: str) -> bool:
        if self._access.mode is Mode.OPEN:
            return True  # and asking would make an annotator of the key
        now = time.monotonic()
        known = self._accounts.get(hashed)
        if known is None or known[1] <= now:
            try:
                visitor = await run_in_threadpool(self._access.identify, key)
            except Exception:  # noqa: BLE001 - who somebody is is asked again behind, and told there
                return False
            known = (visitor.has_account, now + KNOWN_SECONDS)
            self._accounts[hashed] = known
            while len(self._accounts) > MOST_LINES:
                self._accounts.popitem(last=False)
        return known[0]


def _make_pace(a_second: int, *, stretch_seconds: int, at_once: int, waiting: int) -> Pace:
    return Pace(a_second=a_second, at_a_stretch=a_second * stretch_seconds, at_once=at_once, waiting=waiting)


def is_paced(path: str) -> bool:
    """Whether a request is work for the pages' process, and no stream, file or program's request."""
    return not path.startswith(UNPACED) and not f"{path}/".startswith(f"{BELOW}/")

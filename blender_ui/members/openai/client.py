"""The one client: asks an OpenAI-compatible endpoint and streams its answer.

Invariant: whatever goes wrong is a ``MemberError`` of one kind with the text so far, and however
the stream ends the connection is closed, so that the server stops generating. Retries, and other
words for what an endpoint refuses, come only before the first token. Non-goal: starting servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from typing import Any

import httpx

from blender_ui.errors import MemberError
from blender_ui.members import network
from blender_ui.members.address import moved_root
from blender_ui.members.openai.answer import Answer
from blender_ui.members.openai.endpoint import Endpoint, describe
from blender_ui.members.openai.errors import EndpointError, EndpointFailure, read_refusal
from blender_ui.members.openai.events import DONE, EventReader, ProtocolFault
from blender_ui.members.openai.health import look
from blender_ui.members.openai.request import find_change, request_body
from blender_ui.members.protocol import Chunk, MemberHealth, Message, Sampling

MAX_RETRIES = 2
MAX_LOADING_RETRIES = 30
"""While a server says that it is loading its model; the wait for a first token ends it sooner."""
FIRST_RETRY_SECONDS = 0.5
"""Before the first retry, where the endpoint tells no pause; three times as long before the next."""
MAX_RETRY_SECONDS = 5.0
MAX_MOVES = 3
"""To another address, from one that an endpoint has left."""
MAX_TOLD_SECONDS = 15.0
"""The longest time to come back in, as an endpoint may say, that is waited for."""
LONGEST_QUIET_SECONDS = 600.0
"""How long an endpoint's word keeps every question from it; then one asks whether it still holds."""
FINISH_SECONDS = 1.0
"""After the reason of its end an answer has only counts to come, and some endpoints never hang up."""
POLL_SECONDS = 0.05
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 1.0
TINY_SECONDS = 5.0
TINY_QUESTION = (Message("user", "Hi"),)
TINY_SAMPLING = Sampling(max_tokens=16)
_log = logging.getLogger(__name__)


def stream_answer(
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    sampling: Sampling,
    stop: threading.Event | None = None,
    began_at: float | None = None,
) -> Generator[Chunk]:
    """Ask one question and give the answer piece by piece.

    Args:
        endpoint: Where to ask, and how long it may take.
        messages: The conversation, the question last.
        sampling: Options of this answer.
        stop: Ends the answer from any thread.
        began_at: ``time.monotonic()`` of the asking, when waiting for the server is to count.

    Raises:
        MemberError: See the module.
    """
    answer = Answer(endpoint.name, began_at=time.monotonic() if began_at is None else began_at)
    ask = _Ask(endpoint, messages, sampling, answer)
    # The network is read by the network's own thread: a read that waits can then be cancelled at once,
    # which no blocking read can be from outside.
    under_way = network.begin(ask.run())
    try:
        while True:
            if stop is not None and stop.is_set():
                raise answer.failure("stopped", "stopped on request")
            try:
                item = ask.items.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if under_way.is_over and ask.items.empty():
                    raise answer.failure("crashed", "the client ended unexpectedly, see the log") from None
                continue
            if isinstance(item, MemberError):
                raise item
            yield item
            if item.usage is not None:
                return
    finally:
        under_way.cancel(wait_seconds=CLOSE_SECONDS)


def check_endpoint(endpoint: Endpoint, *, serves_one: bool = False) -> MemberHealth:
    """Whether an endpoint can be asked; takes at most a few seconds.

    It is ready when it lists the model, or has answered: a real question, or a tiny one that is put to it
    where neither is so. ``endpoint.habits`` remembers, so that no tokens are spent a second time.

    Args:
        endpoint: What is looked at.
        serves_one: It has one model, by whatever name it is asked.
    """
    return look(endpoint, ask=_ask_tiny, serves_one=serves_one)


def _ask_tiny(endpoint: Endpoint) -> str:
    """Why an endpoint does not answer a tiny question; empty where it does."""
    hasty = replace(endpoint, first_token_seconds=TINY_SECONDS, timeout_seconds=TINY_SECONDS)
    try:
        with contextlib.closing(stream_answer(hasty, TINY_QUESTION, sampling=TINY_SAMPLING)) as chunks:
            next(chunk for chunk in chunks if not chunk.waiting)
    except MemberError as failure:
        # A model that thinks first may have nothing to say within so few tokens.
        return "" if failure.kind == "empty" else str(failure)
    return ""


class _Ask:
    """One question under way; ``items`` ends with a chunk that has usage, or a MemberError."""

    def __init__(
        self, endpoint: Endpoint, messages: Sequence[Message], sampling: Sampling, answer: Answer
    ) -> None:
        self.items: queue.Queue[Chunk | MemberError] = queue.Queue()
        self._endpoint, self._messages, self._sampling, self._answer = endpoint, messages, sampling, answer
        self._roots = endpoint.roots
        self._changes = endpoint.habits.changes
        self._n_moves = 0
        self._nowhere: EndpointFailure | None = None
        """What was said at the root before this one."""

    async def run(self) -> None:
        try:
            await self._answer_in_time()
            self._endpoint.habits.note_answer(self._roots[0], self._changes)
            for chunk in self._answer.last_chunks():
                self.items.put(chunk)
        except MemberError as error:
            if not self._answer.is_alive:
                self._endpoint.habits.note_failure()
            self.items.put(error)
        except Exception as error:  # noqa: BLE001 - the edge of a task: the asker would not hear why
            _log.exception("%s could not be asked", self._endpoint.name)
            reason = f"the client failed ({type(error).__name__}: {error})"
            self.items.put(self._answer.failure("crashed", reason))

    async def _answer_in_time(self) -> None:
        limit = self._endpoint.timeout_seconds
        try:
            async with asyncio.timeout(self._left(limit)):
                await self._ask()
        except TimeoutError:
            if self._answer.finish_reason is None:
                reason = f"no end of the answer within {limit:g} s (timeout_seconds)"
                raise self._answer.failure("timeout", reason) from None

    async def _ask(self) -> None:
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        trust_env, verify = not self._endpoint.is_local, network.ssl_context(self._endpoint.is_encrypted)
        # A new connection for each attempt: a server that refused may be closing the old one right now.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(
            trust_env=trust_env, verify=verify, timeout=timeout, limits=limits
        ) as client:
            for name in self._endpoint.extra.remove_headers:
                client.headers.pop(name, None)
            n_tried = 0
            while True:
                await self._keep_quiet()
                try:
                    return await self._attempt(client)
                except MemberError as failure:
                    if self._answer.is_alive:
                        raise
                    if isinstance(failure, EndpointFailure) and self._asks_otherwise(failure):
                        continue
                    pause = self._pause(failure, n_tried)
                    if not self._endpoint.habits.quiet_seconds:
                        await asyncio.sleep(pause)
                    n_tried += 1

    def _asks_otherwise(self, failure: EndpointFailure) -> bool:
        """Whether the refusal tells how or where else to ask, which is then done."""
        change = find_change(self._body(), failure.error)
        if change is not None and change not in self._changes:
            _log.warning("%s; it is asked again: %s %s", failure, change.what, change.name)
            self._changes = (*self._changes, change)
            return True
        if failure.error.location and (moved := moved_root(self._roots[0], failure.error.location)):
            self._n_moves += 1
            self._roots = (moved, *self._roots[1:])
            return self._n_moves <= MAX_MOVES
        if failure.error.is_no_such_place:
            if len(self._roots) > 1:
                self._nowhere, self._roots = failure, self._roots[1:]
                return True
            raise self._where(failure)
        return False

    def _where(self, failure: EndpointFailure) -> EndpointFailure:
        """Of what was said at two places the more telling; where nothing is, what to write."""
        said = [failure] if self._nowhere is None else [failure, self._nowhere]
        best = max(said, key=lambda one: (self._endpoint.model in one.error.message, one.error.is_worded))
        if best.error.is_worded:
            return best
        places = " or ".join(root.url("chat/completions") for root in self._endpoint.roots)
        hint = f"asked was {places}; base_url is the address up to and with /v1"
        return self._answer.failure_of(replace(best.error, message=f"{best.error.message}; {hint}"))

    async def _keep_quiet(self) -> None:
        """Leave the endpoint alone for as long as it has told this or another asker."""
        seconds = self._endpoint.habits.quiet_seconds
        if not seconds:
            return
        if seconds > MAX_TOLD_SECONDS or seconds >= self._left(self._endpoint.first_token_seconds):
            reason = f"it is not to be asked for another {seconds:.0f} s, as it told an earlier question"
            raise self._answer.failure("rate_limited", reason)
        waiting = f"it asks to be left alone for {seconds:.0f} s"
        self.items.put(Chunk("", 0, waiting=waiting))
        await asyncio.sleep(seconds)

    def _pause(self, failure: MemberError, n_tried: int) -> float:
        """How long to wait before the next try; raises the failure where there is none."""
        told = failure.error.wait_seconds if isinstance(failure, EndpointFailure) else None
        if told is not None:
            habits = self._endpoint.habits
            habits.keep_quiet(min(told, LONGEST_QUIET_SECONDS))
        if isinstance(failure, EndpointFailure) and told is not None and told > MAX_TOLD_SECONDS:
            message = f"{failure.error.message}; more than {MAX_TOLD_SECONDS:g} s is not waited for"
            raise self._answer.failure_of(replace(failure.error, message=message))
        wait = min(FIRST_RETRY_SECONDS * 3**n_tried, MAX_RETRY_SECONDS) if told is None else told
        is_passing = failure.kind in ("rate_limited", "unreachable")
        is_soon = wait <= MAX_TOLD_SECONDS and wait < self._left(self._endpoint.first_token_seconds)
        # A server that is loading its model says so for as long as it takes.
        is_loading = isinstance(failure, EndpointFailure) and failure.error.is_loading
        most = MAX_LOADING_RETRIES if is_loading else MAX_RETRIES
        if not is_passing or not is_soon or n_tried >= most:
            raise failure
        return wait

    async def _attempt(self, client: httpx.AsyncClient) -> None:
        endpoint, fail = self._endpoint, self._answer.failure
        url = self._roots[0].url("chat/completions")
        try:
            async with (
                asyncio.timeout(self._left(endpoint.first_token_seconds)) as patience,
                client.stream("POST", url, json=self._body(), headers=endpoint.headers) as response,
            ):
                if not response.is_success:
                    body = (await response.aread()).decode(errors="replace")
                    error = read_refusal(response.status_code, response.headers, body)
                    raise self._answer.failure_of(error)
                await self._read(response, patience)
        except TimeoutError:
            if self._answer.finish_reason is None:
                reason = f"no first token within {endpoint.first_token_seconds:g} s (first_token_seconds)"
                raise fail("timeout", reason) from None
        except ProtocolFault as fault:
            if fault.is_page:  # Where a page is, there may be an endpoint below it.
                error = EndpointError(message=str(fault), is_page=True, is_worded=False)
                raise self._answer.failure_of(error) from fault
            raise fail("bad_response", str(fault)) from fault
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise fail("unreachable", endpoint.silence(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise fail("crashed", f"the connection broke off ({describe(error)})") from error

    async def _read(self, response: httpx.Response, patience: asyncio.Timeout) -> None:
        reader = EventReader()
        async for data in response.aiter_bytes():
            if self._take(reader.feed(data), patience):
                return
        self._take(reader.end(), patience)

    def _take(self, documents: Iterable[object], patience: asyncio.Timeout) -> bool:
        """Read documents; whether they end the answer."""
        for document in documents:
            if document == DONE:
                self._answer.note_done()
                return True
            chunk = self._answer.take(document)
            if self._answer.is_alive:
                self._endpoint.habits.note_answer(self._roots[0], self._changes)
            if chunk:
                self.items.put(chunk)
            if self._answer.finish_reason is not None:
                patience.reschedule(asyncio.get_running_loop().time() + FINISH_SECONDS)
            elif self._answer.is_alive:
                patience.reschedule(None)
        return False

    def _body(self) -> dict[str, Any]:
        endpoint = self._endpoint
        return request_body(
            endpoint.model, self._messages, self._sampling, extra=endpoint.extra, changes=self._changes
        )

    def _left(self, limit_seconds: float) -> float:
        return self._answer.began_at + limit_seconds - time.monotonic()

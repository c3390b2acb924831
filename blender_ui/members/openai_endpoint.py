"""The one client: asks an OpenAI-compatible endpoint and streams its answer.

Invariant: whatever goes wrong is a ``MemberError`` of one kind with the text so far, and however
the stream ends the connection is closed, so that the server stops generating. Retries happen only
before the first token. Non-goal: starting servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import re
import threading
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from blender_ui.errors import MemberError
from blender_ui.members.openai_answer import DONE, Answer
from blender_ui.members.protocol import Chunk, MemberHealth, MemberStatus, Message, Sampling

MAX_RETRIES = 2
MAX_RETRY_SECONDS = 5.0
POLL_SECONDS = 0.05
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 1.0
HEALTH_SECONDS = 3.0
_log = logging.getLogger(__name__)


def is_sendable(key: str) -> bool:
    """Whether a key can stand in a header: printable ASCII without spaces."""
    return re.fullmatch(r"[!-~]+", key) is not None


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where to ask, with the secret to show there."""

    name: str
    """Whose it is, for messages."""
    base_url: str
    """Up to and with ``/v1``, without a slash at the end."""
    model: str
    key: str = ""
    first_token_seconds: float = 60.0
    timeout_seconds: float = 180.0

    @property
    def headers(self) -> dict[str, str]:
        """What to send with each request.

        Raises:
            ValueError: If the key cannot be sent; httpx would say so too, and quote it.
        """
        if not self.key:
            return {}
        if not is_sendable(self.key):
            raise ValueError("the key cannot be sent; expected printable ASCII without spaces")
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine; then no proxy of the environment may stand between."""
        return urlsplit(self.base_url).hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def is_encrypted(self) -> bool:
        """Whether certificates are to be loaded, which takes 20 ms, and checked."""
        return self.base_url.startswith("https")

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.base_url!r}, {self.model!r})"


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
    ask = _Ask(endpoint, _body(endpoint, messages, sampling), answer)
    # The network is read by a thread with an event loop of its own: a read that waits can then be
    # cancelled at once, which no blocking read can be from outside.
    thread = threading.Thread(target=ask.run, name=f"ask {endpoint.name}", daemon=True)
    thread.start()
    try:
        while True:
            if stop is not None and stop.is_set():
                raise answer.failure("stopped", "stopped on request")
            try:
                item = ask.items.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if not thread.is_alive() and ask.items.empty():
                    raise answer.failure("crashed", "the client ended unexpectedly, see the log") from None
                continue
            if isinstance(item, MemberError):
                raise item
            yield item
            if item.usage is not None:
                return
    finally:
        ask.cancel()
        thread.join(timeout=CLOSE_SECONDS)


def check_endpoint(endpoint: Endpoint) -> MemberHealth:
    """Ask an endpoint for its list of models; takes at most a few seconds."""
    try:
        response = httpx.get(
            f"{endpoint.base_url}/models",
            headers=endpoint.headers,
            timeout=HEALTH_SECONDS,
            trust_env=not endpoint.is_local,
            verify=endpoint.is_encrypted,
        )
    except httpx.HTTPError as error:
        return MemberHealth(endpoint.name, MemberStatus.FAILED, _silence(endpoint, error))
    except Exception as error:  # noqa: BLE001 - one member's edge: the others are still to be heard
        reason = f"{endpoint.base_url} cannot be asked ({type(error).__name__}: {error})"
        return MemberHealth(endpoint.name, MemberStatus.FAILED, reason)
    if response.status_code in (401, 403):
        reason = f"{endpoint.base_url} refused the key (HTTP {response.status_code})"
        return MemberHealth(endpoint.name, MemberStatus.UNAVAILABLE, reason)
    if response.status_code >= 500:
        return MemberHealth(
            endpoint.name, MemberStatus.FAILED, f"{endpoint.base_url} says HTTP {response.status_code}"
        )
    return MemberHealth(endpoint.name, MemberStatus.READY)


def _body(endpoint: Endpoint, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [message._asdict() for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    return body


class _TryAgainError(Exception):
    """The server may answer a moment later; nothing of the answer has come."""

    def __init__(self, failure: MemberError, wait_seconds: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure, self.wait_seconds = failure, wait_seconds


class _Ask:
    """One question under way; ``items`` ends with a chunk that has usage, or a MemberError."""

    def __init__(self, endpoint: Endpoint, body: dict[str, Any], answer: Answer) -> None:
        self.items: queue.Queue[Chunk | MemberError] = queue.Queue()
        self._endpoint, self._body, self._answer = endpoint, body, answer
        self._cancelled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = threading.Lock()

    def cancel(self) -> None:
        """Close the connection, from any thread; nothing happens when it is over already."""
        with self._lock:
            self._cancelled = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)

    def run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        with self._lock:
            if self._cancelled:
                return
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            async with asyncio.timeout(self._left(self._endpoint.timeout_seconds)):
                await self._ask()
            self.items.put(self._answer.last_chunk())
        except MemberError as error:
            self.items.put(error)
        except TimeoutError:
            reason = f"no end of the answer within {self._endpoint.timeout_seconds:g} s (timeout_seconds)"
            self.items.put(self._answer.failure("timeout", reason))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: the asker would not hear why
            _log.exception("%s could not be asked", self._endpoint.name)
            reason = f"the client failed ({type(error).__name__}: {error})"
            self.items.put(self._answer.failure("crashed", reason))
        finally:
            with self._lock:
                self._task = None

    async def _ask(self) -> None:
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        trust_env, verify = not self._endpoint.is_local, self._endpoint.is_encrypted
        # A new connection for each attempt: a server that refused may be closing the old one right now.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(
            trust_env=trust_env, verify=verify, timeout=timeout, limits=limits
        ) as client:
            for n_tried in range(MAX_RETRIES + 1):
                try:
                    return await self._attempt(client)
                except _TryAgainError as again:
                    if n_tried == MAX_RETRIES:
                        raise again.failure from None
                    wait = 0.5 * 3**n_tried if again.wait_seconds is None else again.wait_seconds
                    await asyncio.sleep(min(wait, MAX_RETRY_SECONDS))

    async def _attempt(self, client: httpx.AsyncClient) -> None:
        endpoint, fail = self._endpoint, self._answer.failure
        try:
            async with (
                asyncio.timeout(self._left(endpoint.first_token_seconds)) as first_token,
                client.stream(
                    "POST", f"{endpoint.base_url}/chat/completions", json=self._body, headers=endpoint.headers
                ) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise self._refusal(response)
                if "event-stream" not in (kind := response.headers.get("Content-Type", "nothing")):
                    raise fail("bad_response", f"expected an event stream, found {kind}; can it stream?")
                await self._read(response, first_token)
        except TimeoutError:
            reason = f"no first token within {endpoint.first_token_seconds:g} s (first_token_seconds)"
            raise fail("timeout", reason) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _TryAgainError(fail("unreachable", _silence(endpoint, error))) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise fail("crashed", f"the connection broke off ({_describe(error)})") from error

    async def _read(self, response: httpx.Response, first_token: asyncio.Timeout) -> None:
        async for line in _lines(response):
            # Comments and other fields of a server-sent event are keep-alives here.
            event = line.removeprefix("data:").strip()
            if event == line.strip():
                continue
            if event == DONE:
                return self._answer.note_done()
            if chunk := self._answer.take(event):
                first_token.reschedule(None)
                self.items.put(chunk)

    def _refusal(self, response: httpx.Response) -> Exception:
        try:
            error = response.json()["error"]
        except (ValueError, KeyError, TypeError):
            error = response.text[:300]
        failure = self._answer.failure_of(error, status=response.status_code)
        if failure.kind in ("rate_limited", "unreachable"):
            return _TryAgainError(failure, _retry_after(response))
        return failure

    def _left(self, limit_seconds: float) -> float:
        return self._answer.began_at + limit_seconds - time.monotonic()


async def _lines(response: httpx.Response) -> AsyncGenerator[str]:
    # aiter_lines would also split at U+2028, U+2029 and U+0085, which JSON may hold as they are.
    rest = ""
    async for text in response.aiter_text():
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            yield line
    yield rest


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def _silence(endpoint: Endpoint, error: Exception) -> str:
    return f"{endpoint.base_url} does not answer ({_describe(error)}); is the server running?"


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__

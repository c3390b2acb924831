"""Stands in front of Gradio's calls: says who may make one before Gradio makes a session for it.

A session costs Gradio most of a megabyte, and it makes one for every new session number that a call
brings, also where the call is refused afterwards. So people who may not call a handler are refused here,
and what anybody may call gets no session of its own; a password does not even come to Gradio. Nor does a
call that names a file where none is asked for: Gradio would fetch it, from any address.

Invariant: a session is only made for somebody who may call the handler. Non-goal: guarding the
handlers, which ``blender_ui.ui.serving.guard`` does whatever stands here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_ui.services.people.access import Access
from blender_ui.ui.identity import GRADIOS_OWN, WITH_PASSWORD, required_role
from blender_ui.ui.serving.requests import API, ask_role, refuse
from db.enums import Role

MALFORMED = "Expected a call as a JSON object with data, a list of the endpoint's inputs."
NAMES_A_FILE = "A call names a file that was not uploaded for it, or holds lists in lists without end."
SHARED_SESSION = "shared"
"""Of the calls whose handlers recognise the caller themselves: making a session takes 15 ms."""

AT_ONCE = ("run", "api")
SENT = ("data", "fn_index", "session_hash", "event_data", "trigger_id")
"""What pages and clients say in a call. Gradio would read more, such as that it is a batch of calls, of which
the app has none."""
MOST_DEPTH = 50
"""Of lists and objects in each other: Gradio walks through them by calls of calls."""
CALL = re.compile(rf"{API}/(?:(?P<how>run|api|call|call/v2)/(?P<name>[^/]+)/?|queue/join)")


class Endpoint(NamedTuple):
    """What can be called.

    Attributes:
        handle: Takes the request, and the inputs as they came.
        takes_files: Whether one of them is a file.
    """

    name: str
    n_inputs: int
    handle: Callable[..., Any]
    takes_files: bool = False


FindEndpoint = Callable[[object], Endpoint | None]
"""The endpoint that has a number or a name; None where there is none."""


class Calls:
    """ASGI middleware in front of Gradio's calls; what is no call passes.

    Args:
        app: What stands behind.
        access: Recognises keys.
        find_endpoint: Finds what is called.
    """

    def __init__(self, app: ASGIApp, *, access: Access, find_endpoint: FindEndpoint) -> None:
        self._app = app
        self._access = access
        self._find_endpoint = find_endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call here, or hand it on with the session that it may have."""
        matched = CALL.fullmatch(scope["path"]) if scope["method"] == "POST" else None
        if matched is None:
            await self._app(scope, receive, send)
            return
        try:
            call = json.loads(await Request(scope, receive).body())
        except (ValueError, RecursionError):  # the second of a thousand brackets
            call = None
        except ClientDisconnect:  # in the middle of it: nobody is there to be answered
            return
        await self._hand_on(call, matched, scope, receive, send)

    async def _hand_on(
        self, call: Any, matched: re.Match[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        how = matched["how"] or "queue"
        endpoint = self._find(call, how=how, name=matched["name"])
        if endpoint is None:
            sentence = f"No endpoint has this name or fn_index; {API}/info lists those for programs."
            await refuse(404, sentence)(scope, receive, send)
            return
        role = required_role(endpoint.name, mode=self._access.mode)
        if endpoint.name in WITH_PASSWORD:
            await (await _answer(endpoint, call.get("data"), Request(scope)))(scope, receive, send)
            return
        if role is None and how in AT_ONCE:
            call["session_hash"] = None if endpoint.name in GRADIOS_OWN else SHARED_SESSION
        else:
            # The queue answers by a session's number, so only somebody who may come in has one.
            refusal = await ask_role(self._access, role or Role.ANNOTATOR, scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        fault = find_fault(call, endpoint, is_by_name=how == "call/v2")
        if fault is not None:
            await refuse(422, fault)(scope, receive, send)
            return
        if how != "call/v2":
            call = {name: call[name] for name in SENT if name in call}
        await self._app(*_with_body(scope, receive, json.dumps(call).encode()), send)

    def _find(self, call: Any, *, how: str, name: str | None) -> Endpoint | None:
        """What Gradio would call; None where that is nothing."""
        if not isinstance(call, dict):
            return None
        if how.startswith("call") or (how in AT_ONCE and call.get("fn_index") is None):
            return self._find_endpoint(name)
        number = call.get("fn_index")
        # Exactly an integer: Gradio would read "3" as 3, too, and the question would be about another.
        return self._find_endpoint(number) if type(number) is int else None


def find_fault(call: dict[str, Any], endpoint: Endpoint, *, is_by_name: bool) -> str | None:
    """Why a call is not handed on to Gradio; None where it is.

    Args:
        call: As it came.
        endpoint: That it is for.
        is_by_name: Whether its inputs come by their names.
    """
    if not is_harmless(call, takes_files=endpoint.takes_files):
        return NAMES_A_FILE
    return None if is_by_name or _has_inputs(call, endpoint) else MALFORMED


def is_harmless(call: object, *, takes_files: bool) -> bool:
    """Whether Gradio only reads a call: an object with ``path`` and ``meta`` in an input is opened.

    Args:
        call: As JSON gives it.
        takes_files: Whether it may name files, which Gradio then holds against those that were uploaded.
    """
    waiting = [(call, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MOST_DEPTH:
            return False
        if isinstance(value, dict):
            is_file = "path" in value and "meta" in value
            if is_file and not (takes_files and "://" not in str(value["path"])):
                return False
            waiting += [(one, depth + 1) for one in value.values()]
        elif isinstance(value, list):
            waiting += [(one, depth + 1) for one in value]
    return True


def _has_inputs(call: dict[str, Any], endpoint: Endpoint) -> bool:
    """Whether there are as many as Gradio would read: of fewer it says so with what it keeps of a session."""
    data = call.get("data")
    return isinstance(data, list) and len(data) >= endpoint.n_inputs


async def _answer(endpoint: Endpoint, data: object, request: Request) -> Response:
    """Call a plain handler, JSON in and out, as Gradio would answer it."""
    if not isinstance(data, list) or len(data) != endpoint.n_inputs:
        return refuse(422, MALFORMED)
    return JSONResponse({"data": [await run_in_threadpool(endpoint.handle, request, *data)]})


def _with_body(scope: Scope, receive: Receive, body: bytes) -> tuple[Scope, Receive]:
    """A request whose body is this one: written anew, so that Gradio reads what was asked about."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    scope = {**scope, "headers": list(scope["headers"])}
    MutableHeaders(scope=scope)["content-length"] = str(len(body))
    return scope, receive_again

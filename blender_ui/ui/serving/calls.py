"""Stands in front of Gradio's calls: says who may make one before Gradio makes a session for it.

A session costs Gradio most of a megabyte, and it makes one for every new session number that a call
brings, also where the call is refused afterwards. So people who may not call a handler are refused here,
and what anybody may call gets no session of its own; a password does not even come to Gradio.

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
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_ui.services.people.access import Access
from blender_ui.ui.identity import GRADIOS_OWN, WITH_PASSWORD, required_role
from blender_ui.ui.serving.requests import API, ask_role, refuse
from db.enums import Role

MALFORMED = "Expected a call as a JSON object with data, a list of the endpoint's inputs."
SHARED_SESSION = "shared"
"""Of the calls whose handlers recognise the caller themselves: making a session takes 15 ms."""

AT_ONCE = ("run", "api")
CALL = re.compile(rf"{API}/(?:(?P<how>run|api|call|call/v2)/(?P<name>[^/]+)/?|queue/join)")


class Endpoint(NamedTuple):
    """What can be called.

    Attributes:
        handle: Takes the inputs as they came.
    """

    name: str
    n_inputs: int
    handle: Callable[..., Any]


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
        how = matched["how"] or "queue"
        try:
            call = json.loads(await Request(scope, receive).body())
        except ValueError:
            call = None
        endpoint = self._find(call, how=how, name=matched["name"])
        if endpoint is None:
            sentence = f"No endpoint has this name or fn_index; {API}/info lists those for programs."
            await refuse(404, sentence)(scope, receive, send)
            return
        role = required_role(endpoint.name, mode=self._access.mode)
        if endpoint.name in WITH_PASSWORD:
            await (await _answer(endpoint, call.get("data")))(scope, receive, send)
            return
        if role is None and how in AT_ONCE:
            call["session_hash"] = None if endpoint.name in GRADIOS_OWN else SHARED_SESSION
        else:
            # The queue answers by a session's number, so only somebody who may come in has one.
            refusal = await ask_role(self._access, role or Role.ANNOTATOR, scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        if how != "call/v2" and not _has_inputs(call, endpoint):  # there they come by name
            await refuse(422, MALFORMED)(scope, receive, send)
            return
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


def _has_inputs(call: dict[str, Any], endpoint: Endpoint) -> bool:
    """Whether there are as many as Gradio would read: of fewer it says so with what it keeps of a session."""
    data = call.get("data")
    return isinstance(data, list) and len(data) >= endpoint.n_inputs


async def _answer(endpoint: Endpoint, data: object) -> Response:
    """Call a plain handler, JSON in and out, as Gradio would answer it."""
    if not isinstance(data, list) or len(data) != endpoint.n_inputs:
        return refuse(422, MALFORMED)
    return JSONResponse({"data": [await run_in_threadpool(endpoint.handle, *data)]})


def _with_body(scope: Scope, receive: Receive, body: bytes) -> tuple[Scope, Receive]:
    """A request whose body is this one: written anew, so that Gradio reads what was asked about."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    scope = {**scope, "headers": list(scope["headers"])}
    MutableHeaders(scope=scope)["content-length"] = str(len(body))
    return scope, receive_again

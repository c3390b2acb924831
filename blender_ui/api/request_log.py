"""Gives every request an id, which stands in its answer, its errors and its log lines, and measures it.

Invariant: what a request asked, its query and its key are not logged. Non-goal: who may ask.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_ui.api.metrics import Metrics
from blender_ui.api.rules import RULES, find_rule
from blender_ui.faults import request_id

HEADER = "x-request-id"
ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Of a request that comes with one, from a proxy or a program."""

_log = logging.getLogger(__name__)


def read_id(headers: Mapping[str, str]) -> str:
    """The id that a request has; empty where it has none that may be one."""
    sent = headers.get(HEADER, "")
    return sent if ID.fullmatch(sent) else ""


class RequestLog:
    """ASGI middleware in front of everything.

    Args:
        app: What stands behind.
        metrics: Counts the requests of programs.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = read_id(Headers(scope=scope)) or secrets.token_hex(8)
        status, began = 0, time.monotonic()
        # A page's call is carried out later, by Gradio's queue, which has the request and not this context.
        scope = {**scope, "headers": list(scope["headers"])}
        MutableHeaders(scope=scope)[HEADER] = own

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = own
            await send(message)

        token = request_id.set(own)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._note(scope, status, time.monotonic() - began)
            request_id.reset(token)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        rule = find_rule(scope["method"], scope["path"])
        if rule is None:
            return  # a page or what draws it
        route = f"{rule.method} {rule.path}" if rule in RULES else "other"
        self._metrics.note_request(route, status=status, seconds=seconds)
        caller = scope.get("state", {}).get("caller")
        said = {
            "route": route,
            "status": status,
            "seconds": round(seconds, 4),
            "key_id": None if caller is None else caller.key_id,
        }
        _log.info("request", extra=said)

"""Stands in front of Gradio's own routes, which know nothing of keys and roles.

Gradio brings more than this app uses: uploads, a file server that also fetches other hosts' pages,
recordings, streams, a monitor. What the app does not use is closed for everybody, files ask for a role,
and calls of endpoints go on to ``blender_ui.ui.serving.calls``.

Invariant: a route below ``/gradio_api`` that is not listed here does not answer; nobody makes the app
read a body of more than ``MOST_BYTES``, except from people who may send files, and a stranger holds no more
than ``MOST_OF_STRANGERS`` of its memory, and not for long. Non-goal: which role a handler needs.
"""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_ui.api.rules import BELOW
from blender_ui.services.people.access import Access
from blender_ui.ui.serving.calls import Calls, FindEndpoint
from blender_ui.ui.serving.requests import API, HAS_ACCOUNT, ask_role, refuse
from db.enums import Role

MOST_BYTES = 16 * 2**20
"""Of a body that is not a file: far above any text that the pages send."""
MOST_OF_STRANGERS = 2**20
"""The same of somebody without an account: far above what a visitor may ask."""
BODY_SECONDS = 30.0
"""In which such a body has to be there, from when it is read."""


class Rule(NamedTuple):
    """What a route needs.

    Attributes:
        route: Matches the whole path below the app's root.
        role: None where everybody may ask.
    """

    route: re.Pattern[str]
    role: Role | None


RULES = (
    # A page and what draws it; the configuration names no person and no member.
    Rule(re.compile(r"(?!/gradio_api|/monitoring|/svelte).*"), None),
    Rule(
        re.compile(rf"{API}/(info|openapi\.json|theme\.css|app_id|startup-events|user|login_check)/?"), None
    ),
    # The endpoints, each behind the guard, and the channel that their answers come by: its address holds
    # the random number of one tab.
    Rule(re.compile(rf"{API}/(run|api|call|call/v2)/[^/]+/?"), None),
    Rule(re.compile(rf"{API}/(call|call/v2)/[^/]+/[^/]+"), None),
    Rule(re.compile(rf"{API}/(queue/(join|data|status)|cancel|reset|heartbeat/[^/]+)/?"), None),
    # Files come and go on the data and projects pages. Not ``file=http://...``, which asks other hosts.
    Rule(re.compile(rf"{API}/upload(_progress)?"), Role.RESEARCHER),
    Rule(re.compile(rf"{API}/file=(?!https?:).+", re.DOTALL | re.IGNORECASE), Role.RESEARCHER),
)
"""The first that matches counts; a path that none matches is closed."""


def find_rule(path: str) -> Rule | None:
    """The rule of a path below the app's root; None where the path is closed."""
    return next((rule for rule in RULES if rule.route.fullmatch(path)), None)


class Gate:
    """ASGI middleware: lets pass what ``RULES`` say.

    Args:
        app: What stands behind.
        access: Recognises keys.
        find_endpoint: Finds what a call is for.
    """

    def __init__(self, app: ASGIApp, *, access: Access, find_endpoint: FindEndpoint) -> None:
        self._app = app
        calls = Calls(app, access=access, find_endpoint=find_endpoint)
        self._app_of_texts = RequestBodyLimitMiddleware(calls, MOST_BYTES)
        self._app_of_strangers = SoonThere(RequestBodyLimitMiddleware(calls, MOST_OF_STRANGERS))
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request here, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal, rule = None, find_rule(scope["path"])
        if scope["type"] != "http" or rule is None:
            refusal = refuse(404, "There is nothing at this address.")
        elif rule.role is not None:
            refusal = await ask_role(self._access, rule.role, scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._find_app(scope, rule)(scope, receive, send)

    def _find_app(self, scope: Scope, rule: Rule | None) -> ASGIApp:
        """What reads as much of a body as the sender may send."""
        if rule is not None and rule.role is not None:
            return self._app
        # A program's key is asked for before its body is read.
        is_program = f"{scope['path']}/".startswith(f"{BELOW}/")
        return self._app_of_texts if is_program or scope.get(HAS_ACCOUNT) else self._app_of_strangers


class SoonThere:
    """ASGI middleware: a body that does not come within ``BODY_SECONDS`` is not waited for.

    Args:
        app: What reads it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or say that it came too late."""
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        is_whole = False

        async def receive_in_time() -> Message:
            nonlocal is_whole
            try:
                async with asyncio.timeout_at(None if is_whole else deadline):
                    message = await receive()
            except TimeoutError as error:
                raise _TooLate from error
            is_whole = is_whole or not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_in_time, send)
        except _TooLate:
            await refuse(408, "The request did not come in time. Try again.")(scope, receive, send)


class _TooLate(Exception):
    pass

"""Stands in front of Gradio's own routes, which know nothing of keys and roles.

Gradio brings more than this app uses: uploads, a file server that also fetches other hosts' pages,
recordings, streams, a monitor. What the app does not use is closed for everybody, files ask for a role,
and calls of endpoints go on to ``blender_ui.ui.serving.calls``.

Invariant: a route below ``/gradio_api`` that is not listed here does not answer; nobody makes the app
read a body of more than ``MOST_BYTES``, except from people who may send files. Non-goal: which role a
handler needs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from blender_ui.services.people.access import Access
from blender_ui.ui.serving.calls import Calls, FindEndpoint
from blender_ui.ui.serving.requests import API, ask_role, refuse
from db.enums import Role

MOST_BYTES = 16 * 2**20
"""Of a body that is not a file: far above any text that the pages send."""


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
        takes_files = rule is not None and rule.role is not None
        await (self._app if takes_files else self._app_of_texts)(scope, receive, send)

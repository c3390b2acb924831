"""Stands in front of Gradio's own routes, which know nothing of keys and roles.

Gradio brings more than this app uses: uploads, a file server that also fetches other hosts' pages,
recordings, streams, a monitor. What the app does not use is closed for everybody, files ask for a role,
and the endpoints themselves stay open here because ``blender_ui.ui.guard`` stands in front of each.

Invariant: a route below ``/gradio_api`` that is not listed here does not answer; nobody makes the app
read a body of more than ``MOST_BYTES`` but whoever may send files. Non-goal: which role a handler needs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from starlette._utils import get_route_path
from starlette.concurrency import run_in_threadpool
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from blender_ui.errors import NotPermitted, NotSignedIn
from blender_ui.faults import tell
from blender_ui.services.people.access import Access
from blender_ui.ui.identity import KEY_HEADER, admit, read_key
from db.models import Role

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


_API = "/gradio_api"
RULES = (
    # A page and what draws it; the configuration names no person and no member.
    Rule(re.compile(r"(?!/gradio_api|/monitoring|/svelte).*"), None),
    Rule(
        re.compile(rf"{_API}/(info|openapi\.json|theme\.css|app_id|startup-events|user|login_check)/?"), None
    ),
    # The endpoints, each behind the guard, and the channel that their answers come by: its address holds
    # the random number of one tab.
    Rule(re.compile(rf"{_API}/(run|api|call|call/v2)/[^/]+/?"), None),
    Rule(re.compile(rf"{_API}/(call|call/v2)/[^/]+/[^/]+"), None),
    Rule(re.compile(rf"{_API}/(queue/(join|data|status)|cancel|reset|heartbeat/[^/]+)/?"), None),
    # Files come and go on the data and projects pages. Not ``file=http://...``, which asks other hosts.
    Rule(re.compile(rf"{_API}/upload(_progress)?"), Role.RESEARCHER),
    Rule(re.compile(rf"{_API}/file=(?!https?:).+", re.DOTALL | re.IGNORECASE), Role.RESEARCHER),
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
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._app_of_texts = RequestBodyLimitMiddleware(app, MOST_BYTES)
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request here, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal, rule = None, find_rule(get_route_path(scope))
        if scope["type"] != "http" or rule is None:
            refusal = _refuse(404, "There is nothing at this address.")
        elif rule.role is not None:
            refusal = await run_in_threadpool(self._ask_role, rule.role, HTTPConnection(scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        takes_files = rule is not None and rule.role is not None
        await (self._app if takes_files else self._app_of_texts)(scope, receive, send)

    def _ask_role(self, role: Role, request: HTTPConnection) -> JSONResponse | None:
        try:
            admit(self._access, role, read_key(request.headers.get(KEY_HEADER)))
        except NotPermitted as error:
            return _refuse(401 if isinstance(error, NotSignedIn) else 403, str(error))
        except Exception as error:  # noqa: BLE001 - the app's edge: nothing behind it would make a sentence
            return _refuse(503, str(tell(error)))
        return None


def _refuse(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)

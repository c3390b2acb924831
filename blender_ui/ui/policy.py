"""The content security policy: what a browser may load, run, send to and be framed by.

Scripts run from our own address and, of those that stand in a page, only the ones that the server put
there: the header names the hash of each. A script or an event handler that a text smuggles in has none.
Two things Gradio 6 cannot do without. 'unsafe-eval': every HTML component and a listener's ``js`` are
compiled by ``Function(...)`` in the browser. Inline styles: its components set style attributes and add
style elements.

Invariant: the policy never allows inline scripts as such. Non-goal: which headers there are beside it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from html.parser import HTMLParser

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_ui.ui.serving.requests import API

NAME = "Content-Security-Policy"
_SCRIPTS = "script-src 'self' 'unsafe-eval'"
_REST = (
    "default-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "form-action 'self'; base-uri 'self'; object-src 'none'"
)
"""What follows the first directive is not covered by it, or asks for less."""
_SAME_SITE = re.compile(r"samesite=none", re.IGNORECASE)


def build_policy(scripts: Iterable[str], *, frames: str = "") -> str:
    """The header's value.

    Args:
        scripts: Texts of the scripts that may run though they stand in a page.
        frames: Whose pages may show ours in a frame, beside our own; see ``Settings.frames``.
    """
    hashes = "".join(f" '{one}'" for one in sorted({hash_script(script) for script in scripts}))
    ancestors = " ".join(["'self'", *filter(None, map(str.strip, frames.split(",")))])
    return f"{_REST}; {_SCRIPTS}{hashes}; frame-ancestors {ancestors}"


def hash_script(script: str) -> str:
    """A script's hash as the policy names it.

    Source: Content Security Policy Level 3, 2.3.1, "hash-source".
    """
    normal = script.replace("\r\n", "\n").replace("\r", "\n")  # as a browser's parser leaves it
    return "sha256-" + base64.b64encode(hashlib.sha256(normal.encode()).digest()).decode()


def find_scripts(page: str) -> list[str]:
    """The scripts that stand in a page, without those that it loads."""
    finder = _ScriptFinder()
    finder.feed(page)
    finder.close()
    return finder.scripts


class Policy:
    """ASGI middleware: tells the browser the policy, with the scripts of the very page that it goes with.

    Args:
        app: What stands behind; it makes pages of its own texts, and texts of people never as markup of one.
        scripts: That the pages add by themselves.
        frames: See ``build_policy``.
    """

    def __init__(self, app: ASGIApp, *, scripts: Iterable[str], frames: str) -> None:
        self._app = app
        self._scripts = list(scripts)
        self._frames = frames
        self._plain = build_policy((), frames=frames)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on; a page is held until it is whole, because the header goes first."""
        held: list[Message] = []
        # Below it lie people's files: a script of one must not be allowed because it stands there.
        is_ours = not f"{scope.get('path', '')}/".startswith(f"{API}/")

        async def send_with_policy(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                self._keep_cookies_strict(message)
                if message["type"] == "http.response.start" and is_ours and _is_page(message):
                    held.append(message)
                    return
                _name_policy(message, self._plain)
            elif held:
                held.append(message)
                if message.get("more_body", False):
                    return
                body = b"".join(part.get("body", b"") for part in held[1:])
                scripts = [*self._scripts, *find_scripts(body.decode("utf-8", "replace"))]
                _name_policy(held[0], build_policy(scripts, frames=self._frames))
                await send(held[0])
                held.clear()
                message = {"type": "http.response.body", "body": body}
            await send(message)

        await self._app(scope, receive, send_with_policy)

    def _keep_cookies_strict(self, start: Message) -> None:
        """Keep a cookie from other sites, unless one of theirs may frame the app and needs it there.

        Gradio's sign-in by a hub sets the only one. ``Strict`` would lose it on the way back from the hub.
        """
        if not self._frames:
            start["headers"] = [
                (name, _SAME_SITE.sub("samesite=lax", value.decode("latin-1")).encode("latin-1"))
                if name.lower() == b"set-cookie"
                else (name, value)
                for name, value in start.get("headers", [])
            ]


def _is_page(start: Message) -> bool:
    return Headers(raw=list(start.get("headers", []))).get("content-type", "").startswith("text/html")


def _name_policy(start: Message, policy: str) -> None:
    MutableHeaders(scope=start).setdefault(NAME, policy)


class _ScriptFinder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.scripts: list[str] = []
        self._parts: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and "src" not in dict(attrs):
            self._parts = []

    def handle_data(self, data: str) -> None:
        if self._parts is not None:
            self._parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._parts is not None:
            self.scripts.append("".join(self._parts))
            self._parts = None

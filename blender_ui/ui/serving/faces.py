"""Gives a browser a page where a request came to nothing: unknown, refused, or failed.

Invariant: only what a person opened gets a page, a request whose ``Accept`` asks for HTML first; scripts and
programs, and every path of the API, keep the answer that stands behind. The status is never changed, and a
page says no more than the answer did. Non-goal: what is refused.
"""

from __future__ import annotations

import html
import json
from functools import cache
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_ui.ui.markup import error_page
from blender_ui.ui.shell import ASSETS_PATH

FOR_PROGRAMS = ("/gradio_api/", "/v1/")
MOST_SENTENCE = 600
"""Characters of an answer's sentence on a page."""
TOLD = {
    HTTPStatus.NOT_FOUND: (
        "There is no such page",
        "The address may be mistyped, or the page has moved. The links above lead to the pages that exist.",
    ),
    HTTPStatus.FORBIDDEN: ("This is not open to you", "Sign in with an account that has a higher role."),
    HTTPStatus.UNAUTHORIZED: ("Sign in first", "This needs an account. Sign in on the account page."),
}
"""Title and sentence by status; the sentence where the answer has none of its own."""
SIGN_IN = (
    "You were not signed in",
    "Hugging Face did not confirm who you are. Try again from the account page, or sign in with a password.",
)
FAILED = (
    "Something went wrong here",
    "The page could not be made. Try again; if it stays so, tell who runs this app the time.",
)


class Faces:
    """ASGI middleware: a page for each answer of 400 and above to a browser.

    Args:
        app: What stands behind.
        root: The path below which the app lies; links begin with it.
    """

    def __init__(self, app: ASGIApp, *, root: str) -> None:
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and give what came of it a face."""
        if scope["type"] != "http" or not _is_opened_by_a_person(scope):
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        has_begun = False

        async def send_with_face(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start" and _lacks_face(message):
                held.append(message)
                return
            if not held:
                has_begun = True
                await send(message)
                return
            held.append(message)
            if not message.get("more_body", False):
                has_begun = True
                await self._send_page(scope, held, send)

        try:
            await self._app(scope, receive, send_with_face)
        except Exception:
            if not has_begun:
                await self._send_page(
                    scope, [{"type": "http.response.start", "status": 500, "headers": []}], send
                )
            raise  # the log has it

    async def _send_page(self, scope: Scope, held: list[Message], send: Send) -> None:
        start, status = held[0], int(held[0]["status"])
        body = b"".join(part.get("body", b"") for part in held[1:])
        title, sentence = _tell(scope["path"], status, body)
        page = error_page(title, sentence, style=_style(), root=self._root, status=status).encode()
        headers = MutableHeaders(raw=list(start.get("headers", [])))
        headers["content-type"] = "text/html; charset=utf-8"
        headers["content-length"] = str(len(page))
        await send({"type": "http.response.start", "status": status, "headers": headers.raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page})


def _is_opened_by_a_person(scope: Scope) -> bool:
    accept = Headers(scope=scope).get("accept", "").lower()
    first = accept.partition(",")[0].partition(";")[0].strip()
    return first == "text/html" and not f"{scope['path']}/".startswith(FOR_PROGRAMS)


def _lacks_face(start: Message) -> bool:
    return int(start["status"]) >= 400


def _tell(path: str, status: int, body: bytes) -> tuple[str, str]:
    """The title and the sentence; the answer's own sentence goes first, but of a failure it is not shown."""
    if path.startswith("/login/"):
        return SIGN_IN
    if status >= 500 or status not in set(HTTPStatus):
        return FAILED
    title, sentence = TOLD.get(HTTPStatus(status), ("This did not work", "The app refused the request."))
    said = _find_sentence(body)
    return title, said if said and status != HTTPStatus.NOT_FOUND else sentence


def _find_sentence(body: bytes) -> str:
    """What an answer of ours says; empty where it says nothing."""
    try:
        said = json.loads(body)
    except ValueError:
        _, _, rest = body.decode("utf-8", "replace").partition("<p>")
        return html.unescape(rest.partition("</p>")[0])[:MOST_SENTENCE]
    sentence = said.get("error") if isinstance(said, dict) else None
    return sentence[:MOST_SENTENCE] if isinstance(sentence, str) else ""


@cache
def _style() -> str:
    return (ASSETS_PATH / "theme.css").read_text(encoding="utf-8")

"""The web app: pages and the API behind what checks every request, served at one address.

The FastAPI app is ours. The routes for programs (``blender_ui.api``) are added first, and the pages are
mounted at its root; both stand behind the same checks.

Invariant: nothing is answered that did not pass ``hosts`` and ``gate``, and every answer, a refusal
too, has the headers that tell browsers what to allow. Non-goal: what the pages do.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, cast
from urllib.parse import urlsplit

import gradio as gr
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_ui.api.rules import BELOW
from blender_ui.language import ENGLISH, choose_language, speaking
from blender_ui.settings import Settings
from blender_ui.ui.policy import Policy
from blender_ui.ui.serving.faces import Faces
from blender_ui.ui.serving.gate import Gate
from blender_ui.ui.serving.guard import GuardedBlocks
from blender_ui.ui.serving.hosts import HostCheck, find_hosts
from blender_ui.ui.serving.pacing import Lines, Pacing
from blender_ui.ui.serving.server import PageServer
from blender_ui.ui.shell import page_options, read_scripts

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # An invitation's token is in its address; to our own pages the referrer says that they sent a request.
    "Referrer-Policy": "same-origin",
}


def open_pages(pages: GuardedBlocks, settings: Settings) -> str:
    """Serve the pages until ``pages.close()``.

    Returns:
        Their address on this machine.

    Raises:
        SettingsError: If nothing can listen there.
    """
    server = PageServer(build_web(pages, settings), host=settings.host, port=settings.port)
    pages.server = cast(Any, server)  # which ``close`` ends after the queue and the open streams
    return server.url


def build_web(pages: GuardedBlocks, settings: Settings) -> ASGIApp:
    """Put the pages behind the checks.

    Args:
        pages: From ``ui.app.build_app``.
        settings: Has the names that the app answers to.
    """
    hosts = find_hosts(settings, mode=pages.access.mode, space_host=os.environ.get("SPACE_HOST", ""))
    web = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            *([pages.api.request_log()] if pages.api is not None else []),
            Middleware(HostCheck, hosts=hosts),
            Middleware(Pacing, access=pages.access, settings=settings, lines=Lines()),
            Middleware(Gate, access=pages.access, find_endpoint=pages.find_endpoint),
            *([pages.api.key_gate()] if pages.api is not None else []),
        ],
    )
    if pages.api is not None:
        pages.api.add_to(web)  # before the pages, which answer every path that is left
    root = urlsplit(pages.root_path).path.rstrip("/")
    if pages.add_shared is not None:
        pages.add_shared(web, root)
    with warnings.catch_warnings():
        # Said of every app with several pages, also of one that asks for no rendering on the server.
        warnings.filterwarnings("ignore", message="SSR mode is not supported with multi-page apps")
        gr.mount_gradio_app(web, pages, path="/", **page_options())
    # What ``launch`` does and mounting leaves out. Without the first, Gradio opens any file of this
    # machine that a call names; without the second, ``close`` ends no stream.
    pages.has_launched = True
    pages.app = cast(Any, next(route.app for route in web.routes if isinstance(route, Mount)))
    faced = Policy(Faces(web, root=root), scripts=read_scripts(), frames=settings.frames)
    return Front(faced, root=root)


class Front:
    """ASGI middleware: takes the app's own address off a path, finds the language, and adds the headers.

    Args:
        app: What stands behind, and knows nothing of where the app lies.
        root: The path below which the app lies, ``GRADIO_ROOT_PATH``; a proxy may leave it in front of
            what is asked for, or take it off itself.
    """

    def __init__(self, app: ASGIApp, *, root: str) -> None:
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.add_vary_header("Accept-Language")
                    headers.add_vary_header("Cookie")
            await send(message)

        if self._root and scope["type"] != "lifespan" and f"{scope['path']}/".startswith(f"{self._root}/"):
            scope = {**scope, "path": scope["path"].removeprefix(self._root) or "/"}
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        with speaking(_find_language(scope, headers)):
            await self._app(scope, receive, send_with_headers)


def _find_language(scope: Scope, headers: Headers) -> str:
    """A program is answered in English, whatever its library accepts."""
    if scope["type"] != "http" or f"{scope['path']}/".startswith(f"{BELOW}/"):
        return ENGLISH
    return choose_language(headers.get("accept-language"), headers.get("cookie"))

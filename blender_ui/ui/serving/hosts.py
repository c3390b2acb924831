"""Which names the app answers to, and from whose pages it takes requests.

A browser lets any page send requests to any address, files included, and a page can give its own name
this machine's address (DNS rebinding). So in front of every route two questions are asked. Is the name
in the address one of ours? Where the request can change or tell something: was it sent by our own page,
or by no page at all, as a program's is?

Invariant: what is refused here reaches no route, and the sentence says which setting would let it pass.
Non-goal: who somebody is.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from blender_ui.api.rules import BELOW
from blender_ui.services.people.access import Mode
from blender_ui.settings import LOOPBACK, Settings
from blender_ui.ui.serving.requests import API, refuse

READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The names that the app answers to.

    Attributes:
        named: Names from the settings and, on a Hugging Face Space, the Space's; in lower case. A page of
            such a name is the app's own, whatever a proxy made of the name on the way.
        bound: What the settings say to listen on.
        is_open: Whether any other name will do as well: where people sign in, a page that another name
            leads to has no key, and nobody told the app its names.
    """

    named: frozenset[str]
    bound: str
    is_open: bool

    def serve(self, host: str, *, local: str) -> bool:
        """Whether a name is one of the app's.

        Args:
            host: As it was asked for, perhaps with a port.
            local: The address of this machine that the request came in by.
        """
        name = _name(host)
        return self.is_open or name in LOOPBACK | self.named | {self.bound, local.lower()}


def find_hosts(settings: Settings, *, mode: Mode, space_host: str = "") -> Hosts:
    """Read the names out of the settings.

    Args:
        settings: Names in ``hosts``, with commas between them.
        mode: Who may come in.
        space_host: What Hugging Face calls ``SPACE_HOST``: a Space's names, with commas.
    """
    said = _names(settings.hosts)
    return Hosts(
        named=frozenset(said | _names(space_host)) - LOOPBACK,
        bound=_name(settings.host),
        is_open=mode is not Mode.OPEN and not said,
    )


class HostCheck:
    """ASGI middleware: lets pass what was asked of the app by its name, and not by another's page.

    Args:
        app: What stands behind.
        hosts: The app's names.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request here, or hand it on."""
        refusal = None if scope["type"] == "lifespan" else self._find_fault(scope)
        await (refusal or self._app)(scope, receive, send)

    def _find_fault(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        local = (scope.get("server") or ("", None))[0]
        # A proxy tells the name that it was asked for; it counts as if it had been asked for here.
        asked = [headers.get("host", ""), *headers.get("x-forwarded-host", "").split(",")[:1]]
        asked = [host.strip() for host in asked if host.strip()]
        if not asked:
            return _refuse(headers, "The request names no host; HTTP asks for the header Host.")
        for host in asked:
            if not self._hosts.serve(host, local=local):
                return _refuse(headers, _unknown_host(host))
        origin = _foreign_origin(scope, headers)
        if origin is None or self._is_ours(origin, asked):
            return None
        return _refuse(headers, _unknown_origin(origin))

    def _is_ours(self, origin: str, asked: list[str]) -> bool:
        site = _read(origin)
        if site.scheme not in ("http", "https"):
            return False
        ours = {_with_port(host, site.scheme) for host in asked}
        return _with_port(site.netloc, site.scheme) in ours or _name(site.netloc) in self._hosts.named


def _foreign_origin(scope: Scope, headers: Headers) -> str | None:
    """The page that a request was sent by; None where no page did, or it does not matter.

    A link from elsewhere to one of the pages does not: everybody may link.
    """
    if "origin" in headers:
        return headers["origin"]
    if scope["type"] == "http" and scope["method"] in READS and not scope["path"].startswith((API, BELOW)):
        return None
    sent_by = headers.get("sec-fetch-site", "")
    if sent_by in ("same-origin", "none"):
        return None
    return headers.get("referer") or ("another site" if sent_by else None)


def _refuse(headers: Headers, sentence: str) -> Response:
    if "text/html" in headers.get("accept", ""):
        page = f"<!doctype html><meta charset=utf-8><title>Not served</title><p>{html.escape(sentence)}</p>"
        return HTMLResponse(page, status_code=403)
    return refuse(403, sentence)


def _unknown_host(host: str) -> str:
    name = _name(host)[:100]
    return (
        f"Blender UI does not answer to the name {name!r}. If it is yours, start the app with "
        f"BLENDER_UI_HOSTS={name} (several names with commas between them)."
    )


def _unknown_origin(origin: str) -> str:
    name = _name(_read(origin).netloc)[:100]
    said = (
        f"Blender UI takes this request only from its own pages, and it came from {name or origin[:100]!r}."
    )
    if not name:
        return said
    return (
        f"{said} If that is this app's own name, behind a proxy, let the proxy pass the header Host on, or "
        f"start the app with BLENDER_UI_HOSTS={name}."
    )


def _read(origin: str) -> SplitResult:
    """An origin's parts; empty where it is no address."""
    try:
        return urlsplit(origin)
    except ValueError:
        return urlsplit("")


def _names(text: str) -> set[str]:
    return {_name(part) for part in text.split(",") if part.strip()}


def _name(host: str) -> str:
    """A host without its port and brackets, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    # Several colons and no brackets are an address of the newer kind.
    return (name if name and port.isdigit() and ":" not in name else host).rstrip(".")


def _with_port(host: str, scheme: str) -> str:
    """A host with its port, which browsers leave out where it is the usual one."""
    usual = ":443" if scheme == "https" else ":80"
    return host.strip().lower().removesuffix(usual)

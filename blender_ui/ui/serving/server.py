"""Serves an ASGI app over HTTP: uvicorn in a thread of its own, on an address that is taken first.

Invariant: when ``PageServer`` is made its address answers, however many visitors wait and however busy
the machine is, because nothing is asked of the app to find out. Non-goal: what is served.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
import time

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from blender_ui.errors import SettingsError

GRACE_SECONDS = 5
"""That requests have to be answered in after the server was told to end."""
LOOK_SECONDS = 0.01
HEAD_SECONDS = 20.0
"""In which a connection has to say what it wants."""
OPEN_FILES = 65_536
"""Each open page holds a connection or two; systems allow 1,024 files unless a process asks for more."""


class PageServer:
    """One app at one address, from when this is made until ``close``.

    Args:
        app: What is served.
        host: Name or address to listen on.
        port: Port to listen on; 0 takes one that is free.

    Raises:
        SettingsError: If nothing can listen there.
        RuntimeError: If the app ended while it was starting.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        allow_files()
        self._socket = _listen(host.strip("[]"), port)
        self.url = _address(host.strip("[]"), self._socket.getsockname()[1])
        config = uvicorn.Config(
            app,
            http=Connection,
            log_level="warning",
            lifespan="on",
            timeout_graceful_shutdown=GRACE_SECONDS,
            # It would take the word of whoever comes by loopback, a tunnel for example, for where they are;
            # ``ui.address`` counts the proxies that are trusted.
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="pages", daemon=True
        )
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the pages ended while they were starting; the lines above say why")
            time.sleep(LOOK_SECONDS)

    def close(self) -> None:
        """Take no more requests, answer those that are there, and let go of the address."""
        self._server.should_exit = True
        self._thread.join(timeout=2 * GRACE_SECONDS)


class Connection(H11Protocol):
    """A connection, which is closed where no request comes.

    Uvicorn waits without end for the first one, and for the rest of its head.
    """

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait_or_not()

    def data_received(self, data: bytes) -> None:
        """Go on waiting, or stop."""
        super().data_received(data)
        self._wait_or_not()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop()
        super().connection_lost(exc)

    def _wait_or_not(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._waits is None and self.timeout_keep_alive_task is None:
            self._waits = self.loop.call_later(HEAD_SECONDS, self._close)

    def _stop(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _close(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


def allow_files() -> None:
    """As many files as the system lets this process open, up to ``OPEN_FILES``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name such as localhost has an address of each kind; everybody reaches the older one.
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        return socket.create_server((str(address[0]), port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"nothing can listen on {host}:{port} ({error.strerror}); if something does already, "
            "BLENDER_UI_PORT chooses another port, and BLENDER_UI_HOST another address"
        ) from error


def _address(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::", ""):
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

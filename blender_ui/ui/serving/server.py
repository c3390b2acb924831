"""Serves an ASGI app over HTTP: uvicorn in a thread of its own, on an address that is taken first.

Invariant: when ``PageServer`` is made its address answers, however many visitors wait and however busy
the machine is, because nothing is asked of the app to find out. Non-goal: what is served.
"""

from __future__ import annotations

import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp

from blender_ui.errors import SettingsError

GRACE_SECONDS = 5
"""That requests have to be answered in after the server was told to end."""
LOOK_SECONDS = 0.01


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
        self._socket = _listen(host.strip("[]"), port)
        self.url = _address(host.strip("[]"), self._socket.getsockname()[1])
        config = uvicorn.Config(
            app, log_level="warning", lifespan="on", timeout_graceful_shutdown=GRACE_SECONDS
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

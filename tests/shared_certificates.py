"""The certificates that httpx checks others by are read once for all clients of this process.

Each client reads them anew, 27 ms of a processor, which for a question to a server on loopback is most of the
test. Contexts that a test or the app gives a client stay its own.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from types import ModuleType
from typing import Any

import httpx._transports.default
import httpx2._transports.default


def share_certificates() -> None:
    """Let every client of this process be made with them."""
    for module in (httpx._transports.default, httpx2._transports.default):
        _read_once(module)


def _read_once(module: ModuleType) -> None:
    make = module.create_ssl_context

    @cache
    def default(trust_env: bool, *_files: str | None) -> ssl.SSLContext:
        return make(trust_env=trust_env)

    def shared(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert is not None:
            return make(verify=verify, cert=cert, trust_env=trust_env)
        return default(trust_env, *(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")))

    module.create_ssl_context = shared  # type: ignore[attr-defined]

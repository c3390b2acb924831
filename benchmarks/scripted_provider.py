"""An OpenID provider on loopback, as a Space's sign-in meets it: everybody is let in as one person.

For tests and benchmarks alone. It speaks discovery, the authorization-code flow and a signed identity token.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "scripted-client", "scripted-secret"


class ScriptedProvider(ThreadingHTTPServer):
    """Who signs in, and what was asked for."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, username: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.username = username
        self.key = RSAKey.generate_key(2048, {"kid": "scripted"})
        self.asked: dict[str, dict[str, str]] = {}
        """What came with each code's request."""

    @property
    def address(self) -> str:
        """For ``OPENID_PROVIDER_URL``."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedProvider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path:
            case "/.well-known/openid-configuration":
                self._tell(self._describe())
            case "/keys":
                self._tell(KeySet([self.server.key]).as_dict(private=False))
            case "/oauth/authorize":
                code = secrets.token_hex(8)
                self.server.asked[code] = asked
                self.send_response(302)
                joint = "&" if "?" in asked["redirect_uri"] else "?"
                answer = urlencode({"code": code, "state": asked["state"]})
                self.send_header("Location", f"{asked['redirect_uri']}{joint}{answer}")
                self.end_headers()
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        asked = self.server.asked.pop(parse_qs(body)["code"][0])
        now = int(time.time())
        claims = {
            "iss": self.server.address,
            "aud": CLIENT_ID,
            "sub": "1",
            "iat": now,
            "exp": now + 3600,
            "nonce": asked["nonce"],
            "preferred_username": self.server.username,
            "name": self.server.username.title(),
            "profile": f"{self.server.address}/{self.server.username}",
            "picture": "",
        }
        token = jwt.encode({"alg": "RS256", "kid": "scripted"}, claims, self.server.key)
        self._tell(
            {"access_token": "scripted", "token_type": "bearer", "expires_in": 3600, "id_token": token}
        )

    def _describe(self) -> dict[str, object]:
        address = self.server.address
        return {
            "issuer": address,
            "authorization_endpoint": f"{address}/oauth/authorize",
            "token_endpoint": f"{address}/oauth/token",
            "userinfo_endpoint": f"{address}/oauth/userinfo",
            "jwks_uri": f"{address}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _tell(self, told: object) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_provider(username: str) -> Iterator[ScriptedProvider]:
    """The provider, while it runs."""
    server = ScriptedProvider(username)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()

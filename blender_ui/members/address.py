"""The address of an endpoint: from the text that people paste to a URL to request.

Invariant: the URL is on the written host, never on another. Non-goal: whether an
endpoint answers there.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

_CALLS = re.compile(r"(/+(chat/completions|completions|models|responses|embeddings))?/*$", re.IGNORECASE)
_CHAT = "chat/completions"
_VERSION = re.compile(r"/v\d+\w*(?=/|$)", re.IGNORECASE)
_SECRETS = re.compile(r"key|token|secret|password|signature|^(sig|code|auth)$", re.IGNORECASE)


class Root(NamedTuple):
    """The part of an address that all calls have in common."""

    place: str
    """Scheme, host and path, without a slash at the end."""
    query: str = ""
    """What goes behind every call, such as ``api-version=2024-10-21``."""

    @property
    def address(self) -> str:
        """The address as members.toml has it."""
        return self.place + (f"?{self.query}" if self.query else "")

    def url(self, call: str) -> str:
        """The address of one call, such as ``chat/completions``."""
        return f"{self.place}/{call}" + (f"?{self.query}" if self.query else "")


def roots(address: str) -> tuple[Root, ...]:
    """The roots to try, the likelier first: as written, up to its version or with ``/v1``, then the host's.

    Not every service has ``/v1``, so what is written comes first.

    Args:
        address: As in members.toml; the path of one call at its end is taken off.
    """
    parts = urlsplit(address.strip())
    path = _CALLS.sub("", parts.path)
    written = Root(f"{parts.scheme.lower()}://{parts.netloc}{path}", parts.query)
    version = _VERSION.search(path)
    others = (path[: version.end()],) if version else (f"{path}/v1", "/v1")
    host = f"{parts.scheme.lower()}://{parts.netloc}"
    found = (written, *(written._replace(place=host + other) for other in others))
    return tuple(dict.fromkeys(found))


def moved_root(root: Root, location: str) -> Root | None:
    """Where a root is now that answers a call of the chat with this ``Location``; None where that is none.

    On the same host and by the same scheme only, since the key goes with it.
    """
    asked = urlsplit(root.url(_CHAT))
    found = urlsplit(urljoin(root.url(_CHAT), location))
    is_safe = (found.scheme, found.hostname) == (asked.scheme, asked.hostname)
    if not is_safe or not found.path.rstrip("/").endswith(f"/{_CHAT}"):
        return None
    moved = Root(f"{found.scheme}://{found.netloc}{_CALLS.sub('', found.path)}", found.query)
    return None if moved == root else moved


def tidied(address: str) -> str:
    """An address with its scheme and without the path of a call at its end.

    Without a scheme it is http on this machine and in its network, https elsewhere. What cannot be taken
    apart stays as it is.
    """
    address = address.strip()
    if address and "://" not in address:
        scheme = "http" if is_near(f"http://{address}") else "https"
        address = f"{scheme}://{address}"
    return address if address_fault(address) else roots(address)[0].address


def address_fault(address: str) -> str:
    """What is wrong with an address of members.toml; empty where it can be tried.

    Never quotes what cannot be taken apart, or holds a secret.
    """
    expected = "expected http(s)://host:port/v1, found"
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return f"{expected} no valid address"
    if parts.password or parts.username or any(_SECRETS.search(name) for name, _ in parse_qsl(parts.query)):
        return "holds a secret; put it into an environment variable and name it key_env"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        hint = "" if "://" in address else f"; write http://{address} or https://{address}"
        return f"{expected} {address!r}{hint}"
    if re.search(r"[\s\x00-\x1f\x7f]", address):
        return f"{expected} {address!r}, which has a blank in it"
    return ""


def is_near(address: str) -> bool:
    """Whether an address names this machine or one of its own network."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    if is_this_machine(address) or "." not in host or host.endswith((".local", ".lan", ".internal")):
        return ":" not in host or is_this_machine(address)
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def is_this_machine(address: str) -> bool:
    """Whether an address names this machine, in any of the forms that the system understands."""
    host = (urlsplit(address).hostname or "").rstrip(".").partition("%")[0]
    if host in ("localhost", "localhost.localdomain", "ip6-localhost") or host.endswith(".localhost"):
        return True
    try:
        # 127.1, 2130706433 and 0x7f.1 are loopback to the system, and no address to ``ipaddress``.
        ip = ipaddress.ip_address(host if ":" in host else socket.inet_aton(host))
    except (OSError, ValueError):
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified

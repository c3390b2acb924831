"""Posts a signed message to an address, and to no place where only this machine or its network can go.

Messages are signed as Standard Webhooks says (https://www.standardwebhooks.com): HMAC-SHA256 of the name of
the message, the time and the body. Invariant: the address that was checked is the one that is connected to,
so a name cannot change between the two. Nothing is followed elsewhere, and of an answer only the status is
read. Non-goal: when to try again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import socket
from datetime import datetime
from typing import NamedTuple

import httpx

from blender_ui.errors import MalformedInput

LONGEST_URL = 2048
SECRET_START = "whsec_"
"""Of every secret; what follows is base64."""
TIMEOUT_SECONDS = 10.0
_AGENT = "blender-ui-webhook"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Posted(NamedTuple):
    """What came of a try: the status that was answered, None where nothing was; and why it failed, or ""."""

    status: int | None
    problem: str


class Forbidden(MalformedInput):
    """An address that nothing may be sent to."""


def sign(secret: str, *, name: str, at: datetime, body: str) -> dict[str, str]:
    """The headers that go with a message.

    Args:
        secret: As it was shown once, with its start.
        name: Of the message; the same when it is sent again.
        at: The present time, aware; a receiver refuses old ones.
        body: What is sent.
    """
    seconds = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_START))
    digest = hmac.new(key, f"{name}.{seconds}.{body}".encode(), hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Poster:
    """Posts to addresses of the public internet by https, and to hosts that the settings name.

    Args:
        hosts: Names and addresses in the house that may be posted to, also by http.
        timeout: Seconds that a receiver may take altogether, however slowly it sends.
    """

    def __init__(self, hosts: frozenset[str], *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._hosts = hosts
        self._timeout = timeout

    def check(self, url: str) -> str:
        """Check an address's form, and where it leads now; gives it without blanks around it.

        Raises:
            MalformedInput: If it is none that may be posted to.
        """
        checked = self._read(url.strip())
        self._find(checked)
        return url.strip()

    def post(self, url: str, *, body: str, headers: dict[str, str]) -> Posted:
        """Try once. What failed is told, not raised."""
        try:
            checked = self._read(url)
            address = self._find(checked)
        except MalformedInput as error:
            return Posted(None, str(error))
        # The checked address is connected to. The name goes along for the receiver and its certificate.
        target = checked.copy_with(host=str(address))
        sent = {
            **headers,
            "host": checked.netloc.decode(),
            "content-type": "application/json",
            "user-agent": _AGENT,
        }
        try:
            status = asyncio.run(self._send(target, body, sent, sni=_name_of(checked)))
        except TimeoutError:
            return Posted(None, f"no answer within {self._timeout:g} seconds")
        except httpx.HTTPError as error:
            return Posted(None, f"{type(error).__name__}: {error}"[:300])
        if 200 <= status < 300:
            return Posted(status, "")
        return Posted(status, f"expected a status from 200 to 299, came {status}")

    async def _send(self, target: httpx.URL, body: str, headers: dict[str, str], *, sni: str) -> int:
        # The client's own limit is of each read, so a byte now and then would hold a thread for hours.
        async with (
            asyncio.timeout(self._timeout),
            httpx.AsyncClient(timeout=None, trust_env=False, follow_redirects=False) as client,
            client.stream(
                "POST", target, content=body.encode(), headers=headers, extensions={"sni_hostname": sni}
            ) as response,
        ):
            return response.status_code

    def _read(self, url: str) -> httpx.URL:
        try:
            read = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Forbidden(f"expected an address such as https://example.org/hook: {error}") from error
        if read.scheme not in ("https", "http") or not read.host or len(url) > LONGEST_URL:
            raise Forbidden("expected an address such as https://example.org/hook")
        if read.userinfo:
            raise Forbidden("expected an address without a name and a password: what is sent is signed")
        if read.scheme == "http" and read.host not in self._hosts:
            raise Forbidden(
                f"expected https; http is for hosts in BLENDER_UI_WEBHOOK_HOSTS, and {read.host} is not"
            )
        return read

    def _find(self, url: httpx.URL) -> Address:
        """The address that a host has now, every one of which must be allowed."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = socket.getaddrinfo(_name_of(url), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Forbidden(f"the host {url.host} has no address: {error}") from error
        addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        if url.host not in self._hosts and not all(_is_public(address) for address in addresses):
            raise Forbidden(
                f"{url.host} is a host of this machine or of a private network. If webhooks may go there, "
                f"name it in BLENDER_UI_WEBHOOK_HOSTS"
            )
        return addresses[0]


def _name_of(url: httpx.URL) -> str:
    """The host as it stands in the request: Python's own form of a name with ß would be another host."""
    return url.raw_host.decode("ascii")


def _is_public(address: Address) -> bool:
    """Whether an address leads out, whatever IPv4 address it may wrap."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if wrapped is None and address in _NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return _is_public(wrapped)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

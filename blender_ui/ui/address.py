"""Where a request came from, as far as that can be known.

Invariant: ``X-Forwarded-For`` counts only as far as trusted proxies wrote it; the rest is anybody's
word. Non-goal: what an address may do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

IPV6_NETWORK = 64
"""One home or host has a whole network of so many bits, and could be any address in it."""


def find_address(host: str, forwarded: Sequence[str], *, n_proxies: int) -> str:
    """The address that a request came from.

    Args:
        host: Of the connection.
        forwarded: Values of every ``X-Forwarded-For`` header, in order; each proxy adds one at the end.
        n_proxies: How many proxies are trusted.

    Returns:
        The address, of IPv6 its network; the connection's where fewer proxies wrote than are trusted.
    """
    written = [entry.strip() for value in forwarded for entry in value.split(",") if entry.strip()]
    is_written = 0 < n_proxies <= len(written)
    return _network(written[-n_proxies] if is_written else host)


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return text  # a name, as test clients and some servers give it
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
    return str(address)

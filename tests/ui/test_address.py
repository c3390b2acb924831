"""Whose address counts: the connection's, or the one that a trusted proxy wrote."""

from __future__ import annotations

import pytest

from blender_ui.ui.address import find_address


@pytest.mark.parametrize(
    ("host", "forwarded", "n_proxies", "address"),
    [
        ("10.0.0.1", [], 0, "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1"], 0, "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6", "1.1.1.1"], 1, "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.2"], 2, "1.1.1.1"),
        ("10.0.0.1", ["1.1.1.1"], 2, "10.0.0.1"),
        ("2001:db8:1:2:aaaa::1", [], 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", [], 0, "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.7", [], 0, "10.0.0.7"),
        ("testclient", [], 0, "testclient"),
    ],
)
def test_the_address_is_the_last_one_that_a_trusted_hand_wrote(
    host: str, forwarded: list[str], n_proxies: int, address: str
) -> None:
    assert find_address(host, forwarded, n_proxies=n_proxies) == address

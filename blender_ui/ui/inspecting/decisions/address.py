"""The inspect page's addresses: what an address asks for, and the address of what is shown.

Invariant: what comes from an address is input from outside; numbers are read as numbers or not at all.
Non-goal: looking anything up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

PAGE = "./inspect"
TABS = ("decision", "what-if", "version", "versions", "members", "choosing", "people")


class Address(NamedTuple):
    """What an address asks for; None and empty where it says nothing.

    Attributes:
        tab: One of ``TABS``.
        other: The second version, or the second answer.
    """

    tab: str = TABS[0]
    prompt: int | None = None
    ranking: int | None = None
    version: int | None = None
    other: int | None = None
    first: int | None = None
    second: int | None = None
    kind: str = ""
    style: bool = False
    best: bool = False
    criterion: str = ""
    strength: bool = False


def read_address(parameters: Mapping[str, str] | None) -> Address:
    """Read the parameters after an address' question mark; what makes no sense is left out."""
    given = parameters or {}
    tab = given.get("tab", TABS[0])
    names = ("prompt", "ranking", "version", "other", "first", "second")
    numbers = {name: _read_number(given.get(name, "")) for name in names}
    return Address(
        tab=tab if tab in TABS else TABS[0],
        **numbers,
        kind=given.get("kind", "")[:128],
        style=given.get("style") == "1",
        best=given.get("best") == "1",
        criterion=given.get("criterion", "")[:128],
        strength=given.get("strength") == "1",
    )


def asked_of(request: Any, tab: str) -> Address:
    """What the page's address asks of a tab; nothing where it asks for another one.

    Args:
        request: Gradio's, whose parameters are the page's in every event; or None.
        tab: One of ``TABS``.
    """
    address = read_address(request.query_params if request is not None else None)
    return address if address.tab == tab else Address(tab=tab)


def write_address(address: Address) -> str:
    """The address that opens this view again."""
    said = {name: value for name, value in address._asdict().items() if value not in (None, "", False)}
    return f"{PAGE}?{urlencode({name: 1 if value is True else value for name, value in said.items()})}"


def _read_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None

"""The first members.toml of an installation: the package's own, with the endpoints that were found.

Invariant: the text is valid, and an endpoint that did not answer is in it, disabled, with the reason. A key
is named by its environment variable, never in it. Non-goals: finding endpoints, and later changes (``file``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tomlkit
from tomlkit.items import Table

from blender_ui.members.configuration import parse_members
from blender_ui.members.finding import QUESTION, Server, Trial

LONGEST_QUOTE = 100
"""Characters of an answer or a reason in a comment."""


class Tried(NamedTuple):
    """A model of a server, after it was asked.

    Attributes:
        name: What people see.
        key_env: Environment variable of its key; empty for none.
    """

    name: str
    server: Server
    model: str
    key_env: str
    trial: Trial


def name_member(model: str, server: Server, *, taken: Sequence[str] = ()) -> str:
    """A name for a model that no other member has: its own, and where it is served."""
    short = model.rstrip("/").rpartition("/")[2].removesuffix(".gguf").removesuffix(":latest")
    name = f"{short} ({server.title})"
    number = 2
    while name in taken:
        name, number = f"{short} ({server.title}, {number})", number + 1
    return name


def write_starting_file(shipped: str, tried: Sequence[Tried], *, keeps_embedded: bool, fuser: str) -> str:
    """The text of members.toml.

    Args:
        shipped: The package's own members.toml, whose members are kept, enabled or not.
        tried: What was found and asked; those that did not answer are disabled.
        keeps_embedded: Whether the package's members are asked.
        fuser: Name of the one that fuses first; empty for the package's.

    Raises:
        SettingsError: If the text would not be a members.toml.
    """
    document = tomlkit.parse(shipped)
    tables: Any = document["member"]
    for table in tables:
        if not keeps_embedded:
            table["enabled"] = False
        if fuser:
            table.pop("fuses_first", None)
    text = tomlkit.dumps(document).rstrip("\n")
    found = [_describe(one, fuses_first=one.name == fuser) for one in tried]
    whole = "\n\n".join([text, "# Found by `blender-ui init`, and asked: " + QUESTION, *found]) + "\n"
    parse_members(whole)
    return whole


def _describe(one: Tried, *, fuses_first: bool) -> str:
    table: Table = tomlkit.table()
    said = one.trial.fault or one.trial.answer
    verb = "It failed" if one.trial.fault else f"It answered after {one.trial.seconds:.1f} s"
    table.add("name", one.name)
    table.add("backend", "openai")
    table.add("model", one.model)
    table.add("base_url", one.server.base_url)
    if one.key_env:
        table.add("key_env", one.key_env)
    if fuses_first:
        table.add("fuses_first", True)
    if one.trial.fault:
        table.add("enabled", False)
    return f"# {verb}: {_quote(said)}\n[[member]]\n{table.as_string().rstrip()}"


def _quote(text: str) -> str:
    """A line of a comment: TOML allows no control character in it."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 3] + "..."

"""Options that listeners of several pages share.

Invariant: a listener that is named here has a name of its own and no queue. Non-goal: what it does.
"""

from __future__ import annotations

from typing import Any


def at_once(name: str) -> dict[str, Any]:
    """Options of a listener that is short work on the store: outside the queue, with no progress drawn."""
    return {"queue": False, "show_progress": "hidden", "api_name": name, "api_visibility": "private"}


def of_each_row(name: str) -> dict[str, Any]:
    """Options of a table's ``select``, whose rows are pressed one by one; no press waits for another."""
    return {**at_once(name), "trigger_mode": "multiple"}

"""Files that ship with the app and are no code: the pages' assets and the first members.toml.

Invariant: in a checkout they lie beside the packages, in a wheel inside this one, and nowhere else.
Non-goal: what a user wrote.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def find_shipped(name: str) -> Path:
    """Where a file or folder of the app lies, such as ``assets``."""
    inside = _PACKAGE / "shipped" / name
    return inside if inside.exists() else _PACKAGE.parent / name

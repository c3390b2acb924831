"""How many examples a property is tried on: all of them, or a quarter where slow tests are left out."""

from __future__ import annotations

_QUICK_SHARE = 4
_is_quick = False


def set_quick(is_quick: bool) -> None:
    """Said once, before the tests are imported."""
    global _is_quick
    _is_quick = is_quick


def n_examples(n: int) -> int:
    """Of n examples those that this run tries."""
    return n // _QUICK_SHARE if _is_quick else n

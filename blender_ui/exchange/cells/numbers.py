"""Numbers as files write them: as numbers, as texts, and with the comma of half of the world.

Invariant: what is no number is a fault, never 0. Non-goal: what they mean.
"""

from __future__ import annotations

import re
from typing import Any

from blender_ui.exchange.columns import is_blank
from blender_ui.exchange.fields import FieldError

_NONE = ("", "n/a", "na", "none", "null", "nan", "-")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d{1,2}\s*")
"""Three digits behind a comma may be thousands."""


def as_number(value: Any) -> float | None:
    """A number; None where there is none.

    Raises:
        FieldError: If it is something else.
    """
    if is_blank(value) or (isinstance(value, str) and value.strip().casefold() in _NONE):
        return None
    if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value):
        value = value.replace(",", ".")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise FieldError(f"expected a number for an answer, came {value!r}") from error
    return None if number != number else number

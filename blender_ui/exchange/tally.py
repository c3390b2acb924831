"""Counts a file's rows: how many there were, and which were left out and why.

Invariant: a row that makes nothing is counted here or is a fault of the file. Non-goal: what came of the
rows that were taken; the store knows.
"""

from __future__ import annotations

from typing import NamedTuple

MOST_PLACES = 5
"""That are named for one reason."""
MOST_REASONS = 100


class LeftOutRows(NamedTuple):
    """Rows, or votes of a row, that were left out for one reason.

    Attributes:
        reason: In a sentence.
        n: How many.
        places: Where the first of them stand, such as "line 3".
    """

    reason: str
    n: int
    places: tuple[str, ...]


class Tally:
    """Counts while a file is read."""

    def __init__(self) -> None:
        self.n_rows = 0
        self._left_out: dict[str, tuple[int, list[str]]] = {}

    def leave_out(self, reason: str, *, place: str) -> None:
        """Count a row, or a vote of one, that is left out."""
        if reason not in self._left_out and len(self._left_out) >= MOST_REASONS:
            reason = "other reasons"
        n, places = self._left_out.get(reason, (0, []))
        if len(places) < MOST_PLACES and place not in places:
            places.append(place)
        self._left_out[reason] = (n + 1, places)

    def left_out(self) -> tuple[LeftOutRows, ...]:
        """What was left out, by reason, in the order in which the reasons came."""
        return tuple(LeftOutRows(reason, n, tuple(places)) for reason, (n, places) in self._left_out.items())


def say_left_out(left_out: LeftOutRows) -> str:
    """A reason with its number and places, such as "2: both answers are the same text (line 1, line 4)"."""
    more = ", ..." if left_out.n > len(left_out.places) else ""
    return f"{left_out.n:,}: {left_out.reason} ({', '.join(left_out.places)}{more})"

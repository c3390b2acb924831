"""Counts a file's rows: how many there were, what they make, and which were left out and why.

Invariant: a row that makes nothing is counted here or is a fault of the file. Non-goal: what came of the
rows that were taken; the store knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from blender_ui.exchange.records import LabelRecord, Winner

MOST_PLACES = 5
"""That are named for one reason."""
MOST_REASONS = 100
MOST_FAULTS_KEPT = 100
MALFORMED = "malformed"
"""The reason of rows that are skipped because they cannot be read; ``Tally.faults`` says why."""


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


class LeftRow(NamedTuple):
    """A row that was left out, as the file has it.

    Attributes:
        place: Where it stands, such as "line 3".
        reason: Why, in a sentence.
        row: Its fields, or its text where it has none.
    """

    place: str
    reason: str
    row: Mapping[str, Any]


OnLeft = Callable[[LeftRow], None]


class Tally:
    """Counts while a file is read."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.n_prompts = 0
        self.votes: Counter[Winner] = Counter()
        """Votes in the file by what they say, before later ones replace earlier ones."""
        self.shapes: Counter[str] = Counter()
        """Rows by the name of the shape that they were read as."""
        self.notes: list[str] = []
        """What else a reader of the file should know, in sentences."""
        self.paths: tuple[str, ...] = ()
        """What of the first row can be mapped by hand, as the file has it."""
        self.faults: list[tuple[str, str]] = []
        """Place and reason of the first malformed rows that were skipped."""
        self._columns: dict[str, None] = {}
        self._used: set[str] = set()
        self._left_out: dict[str, tuple[int, list[str]]] = {}

    @property
    def n_votes(self) -> int:
        """All votes."""
        return self.votes.total()

    @property
    def unused_columns(self) -> tuple[str, ...]:
        """Columns of the file that nothing was read from, in their order."""
        return tuple(name for name in self._columns if name not in self._used)

    def see_columns(self, names: Iterable[str], used: set[str]) -> None:
        """Note a row's columns, and which of them are used."""
        self._columns |= dict.fromkeys(names)
        self._used |= used

    def count_votes(self, labels: Iterable[LabelRecord]) -> None:
        """Count the votes of a prompt."""
        self.n_prompts += 1
        self.votes.update(label.winner for label in labels)

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def leave_out(self, reason: str, *, place: str) -> None:
        """Count a row, or a vote of one, that is left out."""
        if reason not in self._left_out and len(self._left_out) >= MOST_REASONS:
            reason = "other reasons"
        n, places = self._left_out.get(reason, (0, []))
        if len(places) < MOST_PLACES and place not in places:
            places.append(place)
        self._left_out[reason] = (n + 1, places)

    def skip(self, reason: str, *, place: str) -> None:
        """Count a malformed row that is skipped."""
        if len(self.faults) < MOST_FAULTS_KEPT:
            self.faults.append((place, reason))
        self.leave_out(MALFORMED, place=place)

    def left_out(self) -> tuple[LeftOutRows, ...]:
        """What was left out, by reason, in the order in which the reasons came."""
        return tuple(LeftOutRows(reason, n, tuple(places)) for reason, (n, places) in self._left_out.items())


def say_left_out(left_out: LeftOutRows) -> str:
    """A reason with its number and places, such as "2: both answers are the same text (line 1, line 4)"."""
    more = ", ..." if left_out.n > len(left_out.places) else ""
    return f"{left_out.n:,}: {left_out.reason} ({', '.join(left_out.places)}{more})"

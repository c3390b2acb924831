"""What an answer of a round is called, where a member may write several.

Invariant: a label names one member and one of its answers: ``configuration.load_members`` refuses names that
would be labels of two. Non-goal: how many answers a member writes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

_NUMBERED = re.compile(r"(.+) \(([2-9]|[1-9][0-9]{1,3})\)", re.DOTALL)


class Seat(NamedTuple):
    """One of a member's answers to a prompt.

    Attributes:
        member: Its name.
        sample: Which of its answers, from 1.
    """

    member: str
    sample: int = 1

    @property
    def label(self) -> str:
        """What people see: the name, with the number from the second answer on."""
        return self.member if self.sample == 1 else f"{self.member} ({self.sample})"


def read_seat(label: str, names: Collection[str]) -> Seat:
    """The seat that a label names, where the members are called ``names``."""
    found = _NUMBERED.fullmatch(label)
    if label in names or found is None or found[1] not in names:
        return Seat(label)
    return Seat(found[1], int(found[2]))

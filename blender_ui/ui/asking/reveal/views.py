"""The card after a vote, as values.

Invariant: a card names members, so there is none before the names are shown. Non-goal: how it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from blender_ui.services.inspecting.reveals import RevealView
from blender_ui.votes.moves import RatingMove


@dataclass(frozen=True, kw_only=True)
class Row:
    """One answer."""

    number: int
    """Its column, from 0."""
    candidate_id: int
    member: str
    """The answer's label."""
    is_chosen: bool = False
    is_favoured: bool = False
    """Whether the ranker's bet was on it."""
    move: RatingMove | None = None
    """None where it did not move, or is not known yet."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """The card."""

    rows: tuple[Row, ...]
    """In the order of the columns."""
    vote: RevealView | None
    """None where the names were shown without a vote, or it was taken back."""
    has_moves: bool = False
    """Whether the ratings have been worked out."""

    @property
    def chosen(self) -> Row | None:
        """The answer that was voted best."""
        return next((row for row in self.rows if row.is_chosen), None)

    @property
    def favoured(self) -> Row | None:
        """The answer that the ranker had bet on."""
        return next((row for row in self.rows if row.is_favoured), None)

    @property
    def other(self) -> Row | None:
        """Of a pair, the answer that the ranker had not bet on."""
        ids = {one.candidate_id for one in self.vote.answers} if self.vote else set()
        rest = [row for row in self.rows if row.candidate_id in ids and not row.is_favoured]
        return rest[0] if len(rest) == 1 else None

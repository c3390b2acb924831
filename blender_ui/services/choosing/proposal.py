"""Whom a chooser proposes to ask a prompt, as values.

Invariant: those asked stand in the order in which they were chosen, and a proposal that is shown is the one
that is asked. Non-goal: making one, see ``proposals``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ExpectedMember:
    """What is expected of one member on a prompt."""

    name: str
    quality: float
    """How often its answer would win against the average member."""
    low: float
    high: float
    """Ends of the 95 % interval."""
    cost: float | None
    """Of all its answers to a question like those so far; None without a price, or before it answered."""
    seconds: float | None
    """Median of its answers so far, times the turns that it takes for all; None before it answered."""
    propensity: float
    """The probability with which it was to be asked, exploration counted in."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Who is to be asked a prompt, and who is not."""

    version_id: int
    kind: str
    """Of task, by its words."""
    asked: tuple[ExpectedMember, ...]
    """In the order in which they were chosen."""
    left_out: tuple[ExpectedMember, ...]
    """The best first."""
    is_explored: bool
    value: float
    """The expected quality of the best answer of those asked."""
    all_value: float
    """The same if all were asked."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of those that are asked."""
        return tuple(member.name for member in self.asked)

    @property
    def propensities(self) -> dict[str, float]:
        """Of the members that are asked, by name."""
        return {member.name: member.propensity for member in self.asked}

    def describe(self) -> str:
        """Who and why, in a sentence."""
        asked = "; ".join(_describe(member) for member in self.asked)
        tried = (
            f" {self.asked[-1].name} was drawn at random, to learn more about it." if self.is_explored else ""
        )
        return (
            f"Chooser version {self.version_id}, kind of task “{self.kind}”: {asked}. "
            f"Best of these {self.value:.2f}, of all {self.all_value:.2f}.{tried}"
        )


def _describe(member: ExpectedMember) -> str:
    said = f"{member.name} {member.quality:.2f} ({member.low:.2f} to {member.high:.2f})"
    if member.cost is not None:
        said += f", cost {member.cost:.4f}"
    return said if member.seconds is None else f"{said}, {member.seconds:.1f} s"

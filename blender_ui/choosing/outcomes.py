"""What is known of members' answers to prompts, as one table: scores and preferences alike.

An outcome is a quality from 0 to 1 with a weight, the number of independent observations behind it. A score
is one observation. A preference gives both members one: the share won, corrected by the rival's strength,
since a win over a strong rival says more. Invariant: weight 0 where nothing is known. Non-goal: which
prompts are alike, see ``forest``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blender_ui.values import BoolArray, FloatArray, IntArray

SAME_ANSWER = 0.5
"""Correlation of votes about one answer, which share its luck: many votes on it are worth two at most."""
SHRINKAGE = 4.0
"""Votes, all even, that each member's strength is taken to have had before the first."""


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """n prompts by m members."""

    members: tuple[str, ...]
    values: FloatArray
    """Shape (n, m), 0 to 1; what stands where the weight is 0 is not read."""
    weights: FloatArray
    """Shape (n, m), from 0."""

    def __post_init__(self) -> None:
        if self.values.shape != self.weights.shape or self.values.shape[1:] != (len(self.members),):
            raise ValueError(
                f"expected values and weights of shape (n, {len(self.members)}), "
                f"came {self.values.shape} and {self.weights.shape}"
            )

    def __len__(self) -> int:
        return len(self.values)

    def select(self, chosen: IntArray | slice) -> Outcomes:
        """Of some prompts only."""
        return Outcomes(members=self.members, values=self.values[chosen], weights=self.weights[chosen])


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Votes on pairs, each array of shape (n_votes,)."""

    prompt: IntArray
    first: IntArray
    """Which member."""
    second: IntArray
    target: FloatArray
    """1 where the first won, 0 where the second did, 0.5 for a tie."""

    def select(self, chosen: BoolArray | IntArray) -> Votes:
        """Some of the votes only."""
        return Votes(
            prompt=self.prompt[chosen],
            first=self.first[chosen],
            second=self.second[chosen],
            target=self.target[chosen],
        )


def from_votes(members: tuple[str, ...], votes: Votes, *, n_prompts: int) -> Outcomes:
    """Outcomes from votes on pairs of answers.

    Args:
        members: m names.
        votes: Of these members on prompts 0 to n_prompts - 1; one of a member against itself says nothing.
        n_prompts: n.

    Returns:
        The quality of an answer is how often it would win against the average member.
    """
    kept = votes.select(votes.first != votes.second)
    strength = _fit_strengths(len(members), kept)
    shape = (n_prompts, len(members))
    total, count = np.zeros(shape), np.zeros(shape)
    for own, rival, won in (
        (kept.first, kept.second, kept.target),
        (kept.second, kept.first, 1 - kept.target),
    ):
        np.add.at(total, (kept.prompt, own), won + strength[rival])
        np.add.at(count, (kept.prompt, own), 1.0)
    values = np.divide(total, count, out=np.zeros(shape), where=count > 0)
    return Outcomes(
        members=members, values=values, weights=count / (1 + SAME_ANSWER * np.maximum(count - 1, 0))
    )


def _fit_strengths(n_members: int, votes: Votes) -> FloatArray:
    """Strengths with P(i beats j) = 1/2 + s_i - s_j by least squares, shrunk to 0, (n_members,)."""
    laplacian, won = SHRINKAGE * np.eye(n_members), np.zeros(n_members)
    for own, rival, points in (
        (votes.first, votes.second, votes.target - 0.5),
        (votes.second, votes.first, 0.5 - votes.target),
    ):
        np.add.at(laplacian, (own, own), 1.0)
        np.add.at(laplacian, (own, rival), -1.0)
        np.add.at(won, own, points)
    strengths: FloatArray = np.linalg.solve(laplacian, won)
    return strengths

"""The prior of a candidate: its member, and the member for this kind of task.

A member has a strength, and for each kind of task a deviation from it; both are shrunk towards 0,
the deviations more, so a member seen twice in one kind is mostly judged by its strength overall.
Invariant: unknown members have strength 0, the mean; where all prompts are of one kind there are no
deviations. Non-goal: reading answers; fitting is the head's. Kinds are ``tasks.kinds``'.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blender_ui.values import FloatArray, IntArray


def known_members(members: Sequence[str]) -> tuple[str, ...]:
    """The distinct names in order; the empty one, which means unknown, is left out."""
    return tuple(sorted({member for member in members if member}))


def member_columns(members: Sequence[str], *, known: Sequence[str]) -> FloatArray:
    """Indicate who wrote each candidate.

    Args:
        members: n names.
        known: The members that have columns; others, and "", get a row of zeros.

    Returns:
        Shape (n, n_known).
    """
    place = {name: index for index, name in enumerate(known)}
    strengths = np.zeros((len(members), len(known)))
    for row, member in enumerate(members):
        if member in place:
            strengths[row, place[member]] = 1
    return strengths


def kind_columns(strengths: FloatArray, kinds: IntArray, n_kinds: int) -> FloatArray:
    """Indicate who wrote each candidate for which kind of task.

    Args:
        strengths: As ``member_columns`` gives them, (n, n_known).
        kinds: Of each candidate's prompt, from 0, (n,).
        n_kinds: How many there are.

    Returns:
        Shape (n, n_known * n_kinds); no column where there is one kind, since a strength says it all.
    """
    if n_kinds == 1:
        return np.zeros((len(strengths), 0))
    deviations = strengths[:, :, None] * np.eye(n_kinds)[kinds][:, None, :]
    return deviations.reshape(len(strengths), -1)

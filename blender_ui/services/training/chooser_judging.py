"""Whether a chooser of members may choose: who it asks on held-out prompts, beside simple ways to ask.

Invariant: it may only if, on prompts that it has not learnt from, the member that it chooses is clearly
better than always the best member, than any member, and not worse than the active version's choice; and if
the best of the few that it chooses is no worse than the best of always the same few, and nearly as good as
the best of all. Non-goal: fitting it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blender_ui.choosing.choice import order_members
from blender_ui.choosing.chooser import Chooser
from blender_ui.choosing.outcomes import Outcomes
from blender_ui.services.choosing.reports import N_HELD_OUT_NEEDED
from blender_ui.services.training.chooser_outcomes import VotedPrompts
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.statistics.bootstrap import Estimate, bootstrap_mean
from blender_ui.tasks.reading import ReadTasks
from blender_ui.values import FloatArray, IntArray

ASKED = 3
"""Members that are asked where nobody says how many."""
KEPT = 0.9
"""Share of the quality of the best of all answers that the best of the few asked must keep."""
WITHIN = 0.01
"""By how much it may be worse than that of always the same few: no more than luck does."""
N_DRAWN = 128
"""Past prompts that sets of members are valued by."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Mean quality on the judged prompts, of the answers of whom each way asks."""

    n: int
    chosen: float
    best_single: float
    random: float
    gain: Estimate
    """Of the chosen over the best member."""
    over_active: Estimate | None
    """Of the chosen over the active version's choice; None where there is none that can be read."""
    is_by_people: bool
    """Whether people's votes judged; else judges' and scores."""
    k: int
    """How many are asked in what follows."""
    chosen_k: float
    """Quality of the best answer of the k that are chosen by the prompt."""
    best_k: float
    """Of always the k best members."""
    best_of_all: float
    """Of all."""


def judge(
    chooser: Chooser, active: Chooser | None, read: ReadTasks, voted: VotedPrompts, held_out: IntArray
) -> Judged | None:
    """Compare who is asked on prompts that the chooser has not learnt from; None where too few can be judged.

    People's votes judge where there are enough of them. A member can be chosen on a prompt only where
    something is known of its answer.

    Args:
        chooser: That is judged.
        active: That chooses now.
        read: The held-out prompts.
        voted: All prompts.
        held_out: Their rows.
    """
    outcomes = voted.outcomes_of(held_out)
    can_judge = (outcomes.weights > 0).sum(axis=1) >= 2
    by_people = can_judge & voted.is_by_people[held_out]
    is_by_people = int(by_people.sum()) >= N_HELD_OUT_NEEDED
    rows = np.flatnonzero(by_people if is_by_people else can_judge)
    if len(rows) < N_HELD_OUT_NEEDED:
        return None
    found = _Worth(outcomes.select(rows))
    expected = chooser.expect(read.select(rows)).mean
    overall = np.tile(chooser.forest.overall, (len(rows), 1))
    chosen, single, prompts = found.of_best(expected), found.of_best(overall), np.arange(len(rows))
    over_active = None
    if active is not None:
        theirs = _by_member(active, active.expect(read.select(rows)).mean, voted.members)
        over_active = bootstrap_mean(chosen - found.of_best(theirs), prompts, seed=0)
    k = min(ASKED, len(voted.members))
    return Judged(
        n=len(rows),
        chosen=float(chosen.mean()),
        best_single=float(single.mean()),
        random=float(found.of_any().mean()),
        gain=bootstrap_mean(chosen - single, prompts, seed=0),
        over_active=over_active,
        is_by_people=is_by_people,
        k=k,
        chosen_k=float(found.of_set(k, expected, chooser.errors[:N_DRAWN]).mean()),
        best_k=float(found.of_highest(k, overall).mean()),
        best_of_all=float(found.of_highest(len(voted.members), overall).mean()),
    )


class _Worth:
    """What asking members is worth on n prompts, of those whose answers something is known of.

    Args:
        outcomes: Of the prompts; each has one known answer at least.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        self._known = outcomes.weights > 0
        self._values = np.where(self._known, outcomes.values, -np.inf)

    def of_best(self, expected: FloatArray) -> FloatArray:
        """Of the member with the highest expectation, (n,)."""
        return self.of_highest(1, expected)

    def of_highest(self, k: int, expected: FloatArray) -> FloatArray:
        """Of the best answer of the k members with the highest expectations, (n,)."""
        order = np.argsort(-np.where(self._known, expected, -np.inf), axis=1, kind="stable")[:, :k]
        best: FloatArray = np.take_along_axis(self._values, order, axis=1).max(axis=1)
        return best

    def of_set(self, k: int, expected: FloatArray, errors: FloatArray) -> FloatArray:
        """Of the best answer of the k members that are chosen as a set, (n,)."""
        free = np.zeros(expected.shape[1])
        sets = (
            order_members(k, expected=own, errors=errors, costs=free, allowed=known)
            for own, known in zip(expected, self._known, strict=True)
        )
        return np.array(
            [values[list(members)].max() for values, members in zip(self._values, sets, strict=True)]
        )

    def of_any(self) -> FloatArray:
        """Of a member at random, (n,)."""
        mean: FloatArray = np.where(self._known, self._values, 0).sum(axis=1) / self._known.sum(axis=1)
        return mean


def _by_member(chooser: Chooser, expected: FloatArray, members: tuple[str, ...]) -> FloatArray:
    """A chooser's expectations in the order of these members; 0 of one that it does not know."""
    place = {member: index for index, member in enumerate(chooser.members)}
    columns = [
        expected[:, place[member]] if member in place else np.zeros(len(expected)) for member in members
    ]
    return np.stack(columns, axis=1)


def decide(chooser: Chooser, judged: Judged | None, active: VersionView | None) -> tuple[bool, str]:
    """Whether the version may choose, and why, in a sentence."""
    best = name_best(chooser)
    if judged is None:
        return False, (
            f"Refused: expected {N_HELD_OUT_NEEDED} held-out prompts with votes or scores on two members, "
            "came fewer. Label pairs of more prompts."
        )
    figures = (
        f"on {judged.n} held-out prompts, {judged.chosen:.3f} for {judged.best_single:.3f} of always {best} "
        f"({judged.gain.value:+.3f}, 95 %: {judged.gain.low:+.3f} to {judged.gain.high:+.3f}), "
        f"any member {judged.random:.3f}; best of {judged.k} chosen {judged.chosen_k:.3f}, of always the "
        f"same {judged.k} {judged.best_k:.3f}, of all {judged.best_of_all:.3f}"
        f"{'' if judged.is_by_people else '; by judges and scores, for want of votes'}"
    )
    if not chooser.forest.explained:
        return False, f"Refused: the prompt does not tell who is better; ask {best}. {figures}."
    if judged.gain.low <= 0 or judged.chosen <= judged.random:
        return False, f"Refused: choosing is not clearly better than always {best}: {figures}."
    if judged.chosen_k < max(judged.best_k - WITHIN, KEPT * judged.best_of_all):
        return False, f"Refused: the {judged.k} that it chooses keep too little of what all give: {figures}."
    if active is not None and judged.over_active is not None and judged.over_active.value < 0:
        return False, f"Refused: version {active.id} chooses better on the same prompts; {figures}."
    return True, f"Promoted: {figures}."


def name_best(chooser: Chooser) -> str:
    """The member that is best over all prompts."""
    return chooser.members[int(chooser.forest.overall.argmax())]

"""Which of the standing votes count for what: ratings of members, or judging versions.

Invariant: a view gives arrays of the same kind, with fewer votes or other sides. Non-goal: figures.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blender_ui.exchange.records import dataset_member
from blender_ui.values import TARGETS, BoolArray, FloatArray, IntArray, is_decided
from blender_ui.votes.arrays import PreferenceArrays, PromptArrays

BEST_RANKED = "best-ranked"
"""Stands for whichever answer a ranking put first, as if choosing by rank were a member."""


def apply_rulings(codes: IntArray, comparison_ids: IntArray, ruled: IntArray) -> IntArray:
    """Outcomes as they count: the ruling's where there is one.

    Args:
        codes: Outcomes as people gave them, (n,).
        comparison_ids: Of what each was said, (n,).
        ruled: Comparisons with a ruling, ascending, and the ruling's outcome, (2, m).
    """
    if not ruled.shape[1]:
        return codes
    ids, outcomes = ruled
    place = np.minimum(np.searchsorted(ids, comparison_ids), len(ids) - 1)
    return np.where(ids[place] == comparison_ids, outcomes[place], codes)


def find_judged(told: PreferenceArrays, prompts: PromptArrays) -> PreferenceArrays:
    """The decided votes of people on held-out prompts."""
    return told.select(told.is_decided & told.is_human & prompts.is_held_out[told.prompt_id])


def between_members(told: PreferenceArrays) -> PreferenceArrays:
    """People's preferences between two members with names: two answers of one say nothing of members."""
    named = ~_is_unnamed(told)
    return told.select(told.is_human & (told.left != told.right) & named)


def on_criterion(told: PreferenceArrays, answered: IntArray) -> PreferenceArrays:
    """The preferences with an answer to one criterion, each counted as that answer and not as its outcome.

    Args:
        told: Preferences.
        answered: Ascending ids of preferences, and the codes of what each says, (2, m).
    """
    ids, codes = answered
    here = told.select(np.isin(told.preference_id, ids))
    said = codes[np.searchsorted(ids, here.preference_id)]
    return replace(here, target=TARGETS[said], is_decided=is_decided(said))


def weighed_by_strength(told: PreferenceArrays, strengths: FloatArray, ids: IntArray) -> PreferenceArrays:
    """A win of strength s counts as the share .5 + s / 2 of a win; without a strength, as a whole one.

    Args:
        told: Preferences.
        strengths: In (0, 1], (m,).
        ids: Ascending ids of the preferences that have one, (m,).
    """
    strength = np.ones(len(told))
    known = np.isin(told.preference_id, ids)
    strength[known] = strengths[np.searchsorted(ids, told.preference_id[known])]
    return replace(told, target=0.5 + (told.target - 0.5) * strength)


def count_unnamed(told: PreferenceArrays) -> int:
    """People's preferences that say nothing of members, because a side's model has no name."""
    return int((told.is_human & _is_unnamed(told)).sum())


def with_best_ranked(told: PreferenceArrays, first_ids: IntArray) -> PreferenceArrays:
    """Count an answer that a ranking put first as that of ``BEST_RANKED`` and no more as its member's.

    Where both sides were put first by different rankings, neither is changed.

    Args:
        told: Preferences.
        first_ids: Candidates that the latest ranking of their prompt put first.
    """
    return count_as_best_ranked(told, np.isin(told.left_id, first_ids), np.isin(told.right_id, first_ids))


def count_as_best_ranked(told: PreferenceArrays, is_left: BoolArray, is_right: BoolArray) -> PreferenceArrays:
    """Count one side of each preference as that of ``BEST_RANKED``; neither where both are.

    Args:
        told: Preferences.
        is_left: Where the left answer was ranked first, (n,).
        is_right: Where the right one was, (n,).
    """
    number = len(told.members)
    return replace(
        told,
        left=np.where(is_left & ~is_right, number, told.left),
        right=np.where(is_right & ~is_left, number, told.right),
        members=(*told.members, BEST_RANKED),
        member_ids=(*told.member_ids, ()),
    )


def _is_unnamed(told: PreferenceArrays) -> BoolArray:
    nobody = np.array([not dataset_member(name) for name in told.members], dtype=bool)
    return np.asarray(nobody[told.left] | nobody[told.right])

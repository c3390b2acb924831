"""What a chooser of members learns from: votes on answers of known members, by prompt.

People's votes and ballots count, and on prompts where people said nothing, what judges said and what imported
scores and ranks came to, for less. Invariant: votes on a member against itself, or of unknown members, do not
count. Non-goal: the model.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.choosing.outcomes import Outcomes, Votes, from_votes
from blender_ui.errors import ChooserError
from blender_ui.services.ranking.datasets import load_dataset
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.tasks.reading import Task
from blender_ui.values import BoolArray, IntArray, PreferenceDataset

UNVOTED_WEIGHT = 0.5
"""What an outcome that judges or scores gave counts where there are people's, too."""


class VotedPrompts(NamedTuple):
    """n prompts and the votes on m members' answers to them."""

    tasks: tuple[Task, ...]
    members: tuple[str, ...]
    votes: Votes
    is_held_out: IntArray
    """(n,), 0 or 1."""
    is_by_people: BoolArray
    """(n,): whether the votes are people's; else judges', or what scores came to."""

    def outcomes_of(self, rows: IntArray) -> Outcomes:
        """Of some prompts, from their votes alone; people's count for more."""
        place = np.full(len(self.tasks), -1)
        place[rows] = np.arange(len(rows))
        own = self.votes.select(place[self.votes.prompt] >= 0)
        moved = Votes(prompt=place[own.prompt], first=own.first, second=own.second, target=own.target)
        found = from_votes(self.members, moved, n_prompts=len(rows))
        if not self.is_by_people.any():
            return found
        counts = np.where(self.is_by_people[rows], 1.0, UNVOTED_WEIGHT)[:, None]
        return replace(found, weights=found.weights * counts)


def load_voted(
    engine: Engine, *, cut_off_preference_id: int | None = None, project_id: int | None = None
) -> VotedPrompts:
    """The prompts on which answers were compared, and the votes on answers of known members.

    Where people voted on a prompt, what judges said of it and its scores do not count.

    Raises:
        ChooserError: If no two known members were compared.
    """
    load = partial(load_dataset, engine, cut_off_preference_id=cut_off_preference_id, project_id=project_id)
    stored, people = load(humans_only=False), load()
    dataset, is_person = stored.dataset, np.isin(stored.preference_ids, people.preference_ids)
    prompt_of_vote = dataset.prompt_of[dataset.left]
    is_by_people = np.isin(np.arange(len(dataset.prompts)), prompt_of_vote[is_person])
    members = tuple(sorted({member for member in dataset.members if member}))
    place = {member: index for index, member in enumerate(members)}
    who = np.array([place.get(member, -1) for member in dataset.members], dtype=int)
    first, second = who[dataset.left], who[dataset.right]
    useful = (first >= 0) & (second >= 0) & (first != second) & (is_person == is_by_people[prompt_of_vote])
    if not useful.any():
        raise ChooserError(
            "expected votes on answers of different members, or scores of them, came none; label pairs of "
            "several members, or import scored answers"
        )
    prompts, prompt = np.unique(dataset.prompt_of[dataset.left[useful]], return_inverse=True)
    return VotedPrompts(
        tasks=tuple(
            Task(dataset.prompts[index].instruction, dataset.prompts[index].input) for index in prompts
        ),
        members=members,
        votes=Votes(prompt=prompt, first=first[useful], second=second[useful], target=dataset.target[useful]),
        is_held_out=_find_held_out(dataset, prompts),
        is_by_people=is_by_people[prompts],
    )


def _find_held_out(dataset: PreferenceDataset, prompts: IntArray) -> IntArray:
    """1 where a prompt is held out, as for every other kind of version."""
    flags = np.zeros(len(dataset.prompts), dtype=int)
    held_out = dataset.held_out(share=HELD_OUT_SHARE)
    flags[dataset.prompt_of[dataset.left[held_out]]] = 1
    return flags[prompts]

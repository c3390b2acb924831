"""The answers that a person may go on from, when a round is over.

Invariant: each is an answer of the prompts that were asked about. Non-goal: storing the next turn, which
``rounds`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from blender_ui.members.seats import Seat
from blender_ui.services.candidates import FUSION_BACKEND
from db.queries import candidates, preferences


class WayOn(NamedTuple):
    """An answer that the next turn may follow."""

    candidate_id: int
    member: str
    label: str
    """The name, with the number of the member's answer from the second on."""
    is_fused: bool
    is_preferred: bool
    """Whether this person's last vote on its prompt was for it."""


def list_ways(session: Session, *, prompt_ids: Sequence[int], annotator_id: int) -> list[WayOn]:
    """The preferred answer first, then the last fused one of each prompt, then the others as they came."""
    preferred = {
        preferences.find_preferred(session, prompt_id=prompt_id, annotator_id=annotator_id)
        for prompt_id in prompt_ids
    }
    answers = candidates.list_authors(session, prompt_ids=prompt_ids)
    last_fused = {one.prompt_id: one.candidate_id for one in answers if one.backend == FUSION_BACKEND}
    ways = [
        WayOn(
            candidate_id=one.candidate_id,
            member=one.member,
            label=Seat(one.member, one.sample).label,
            is_fused=one.backend == FUSION_BACKEND,
            is_preferred=one.candidate_id in preferred,
        )
        for one in answers
        if one.backend != FUSION_BACKEND or one.candidate_id == last_fused[one.prompt_id]
    ]
    return sorted(ways, key=lambda way: (not way.is_preferred, not way.is_fused))

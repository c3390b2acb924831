"""The votes of people and judges on a prompt, with the ids of their rows.

Invariant: only standing votes are given. Non-goal: writing; ``services.labeling.loop`` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from db.models import AnnotatorKind, Outcome
from db.queries import preferences
from db.queries.preferences import PromptVote


@dataclass(frozen=True, kw_only=True)
class VoteView:
    """One standing preference with all that is known of it.

    Attributes:
        left_id: Candidate shown left.
        right_id: Candidate shown right.
        criteria: Outcome by criterion, as far as it was said.
        ballot_id: What it follows from; None where the pair itself was answered.
        policy: How the pair was chosen for this annotator; None where it was imported.
        propensity: With what probability, likewise.
    """

    preference_id: int
    comparison_id: int
    left_id: int
    right_id: int
    left_member: str
    right_member: str
    outcome: Outcome
    annotator_id: int
    annotator: str
    is_human: bool
    strength: float | None
    criteria: dict[str, str]
    ballot_id: int | None
    reason: str | None
    seconds: float | None
    policy: str | None
    propensity: float | None
    created_at: datetime


def hide_person(vote: VoteView) -> VoteView:
    """The vote without its person's name and words; a judge is no person."""
    if not vote.is_human:
        return vote
    return replace(vote, annotator=f"annotator {vote.annotator_id}", reason=None)


def list_votes(session: Session, prompt_id: int) -> tuple[VoteView, ...]:
    """Every standing preference for a pair of the prompt's candidates, oldest first."""
    return tuple(_view_vote(vote) for vote in preferences.list_of_prompt(session, prompt_id=prompt_id))


def _view_vote(vote: PromptVote) -> VoteView:
    preference, comparison, annotator, lease, _, left_member, right_member = vote
    return VoteView(
        preference_id=preference.id or 0,
        comparison_id=comparison.id or 0,
        left_id=comparison.left_id,
        right_id=comparison.right_id,
        left_member=left_member,
        right_member=right_member,
        outcome=preference.outcome,
        annotator_id=annotator.id or 0,
        annotator=annotator.name,
        is_human=annotator.kind is AnnotatorKind.HUMAN,
        strength=preference.strength,
        criteria=preference.criteria or {},
        ballot_id=preference.ballot_id,
        reason=preference.reason if vote.ballot is None else vote.ballot.reason,
        seconds=preference.seconds,
        policy=lease.policy if lease is not None else None,
        propensity=lease.propensity if lease is not None else None,
        created_at=preference.created_at,
    )

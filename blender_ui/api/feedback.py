"""``POST /v1/feedback``: a vote or a thumb on answers that a program was served.

Non-goal: what becomes of it, see ``services.serving.served_votes``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from blender_ui.errors import MalformedInput
from blender_ui.outside import LARGEST_NUMBER, check_values
from blender_ui.services.people.keys import Caller
from blender_ui.services.serving.served_votes import ServedVote, ServedVotes, Verdict, Voter

AnswerId = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
_THUMBS = {"up": Verdict.BETTER, "down": Verdict.WORSE}


class FeedbackRequest(BaseModel):
    """A thumb on one answer, or a verdict on two."""

    model_config = ConfigDict(extra="forbid")

    answer_id: AnswerId = Field(description="from blender.shown or blender.asked")
    thumb: Literal["up", "down"] | None = Field(
        default=None, description="held against the answer that would have been shown in its place"
    )
    other_id: AnswerId | None = Field(default=None, description="another answer to the same prompt")
    verdict: Verdict | None = Field(default=None, description="on answer_id beside other_id")
    user: Annotated[str, Field(max_length=256)] | None = Field(
        default=None,
        description="the person who says so, whose name is kept as a hash; null: the program does",
    )
    reason: str | None = None
    strength: float | None = Field(default=None, description="how much better, above 0 and at most 1")
    idempotency_key: str | None = Field(default=None, description="sent again, it writes nothing again")


class FeedbackResponse(BaseModel):
    """A vote that is in the store."""

    preference_id: int
    answer_id: int
    other_id: int = Field(description="what the answer was held against")
    policy: str
    propensity: float
    voter: Literal["person", "program"]


class Feedback:
    """Takes votes.

    Args:
        votes: Stores them.
    """

    def __init__(self, votes: ServedVotes) -> None:
        self._votes = votes

    def vote(self, said: FeedbackRequest, caller: Caller) -> FeedbackResponse:
        """Store a vote."""
        check_values(said.user, said.reason, said.idempotency_key)
        vote = ServedVote(
            answer_id=said.answer_id,
            other_id=said.other_id,
            verdict=_read_verdict(said),
            reason=said.reason or "",
            strength=said.strength,
            idempotency_key=said.idempotency_key or "",
        )
        voter = Voter(caller.annotator_id, caller.name, (said.user or "").strip())
        stored = self._votes.vote(vote, by=voter)
        return FeedbackResponse(
            preference_id=stored.preference_id,
            answer_id=stored.answer_id,
            other_id=stored.other_id,
            policy=stored.policy,
            propensity=stored.propensity,
            voter="person" if stored.is_of_person else "program",
        )


def _read_verdict(said: FeedbackRequest) -> Verdict:
    if said.thumb is not None and said.verdict is None and said.other_id is None:
        return _THUMBS[said.thumb]
    if said.thumb is None and said.verdict is not None and said.other_id is not None:
        return said.verdict
    raise MalformedInput("expected either thumb, or both other_id and verdict")

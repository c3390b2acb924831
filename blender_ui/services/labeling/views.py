"""What is shown of a lent pair, or of several answers lent at once.

Invariant: a view names no member. Non-goal: lending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.values import Message
from db.models import Ask
from db.queries import ballots, comparisons
from db.queries.leases import Lent


@dataclass(frozen=True, kw_only=True)
class PairView:
    """A blind pair and the terms on which it is lent.

    Attributes:
        lease_id: To be given back with the outcome.
        left_id: The left candidate; for the server alone, as it leads to a name.
        right_id: The right one.
        policy: How the pair was chosen, see ``blender_ui.pairing.policy``.
        propensity: With what probability, as defined there.
        expires_at: When its place is open to others, in UTC.
    """

    lease_id: int
    comparison_id: int
    instruction: str
    input: str
    history: tuple[Message, ...]
    left_text: str
    right_text: str
    left_id: int
    right_id: int
    policy: str
    propensity: float
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class SetView:
    """Blind answers to one prompt that are shown at once, and the terms on which they are lent.

    Attributes:
        lease_id: To be given back with the ballot; the first of the leases that were made together.
        ask: What is asked of the answers; never a pair.
        texts: The answers in the order in which they are shown.
        candidate_ids: In the same order; for the server alone, as they lead to names.
        policy: How the set was chosen, see ``blender_ui.pairing.ballots``.
        propensity: With what probability, as defined there.
        expires_at: When its places are open to others, in UTC.
    """

    lease_id: int
    ballot_id: int
    ask: Ask
    instruction: str
    input: str
    history: tuple[Message, ...]
    texts: tuple[str, ...]
    candidate_ids: tuple[int, ...]
    policy: str
    propensity: float
    expires_at: datetime


def read_set(session: Session, lease: Lent, ballot_id: int, expires_at: datetime) -> SetView:
    """A lent set of answers, from its first lease."""
    ballot = ballots.get(session, ballot_id=ballot_id)
    answers = ballots.get_answers(session, ballot=ballot)
    return SetView(
        lease_id=lease.id,
        ballot_id=ballot_id,
        ask=ballot.ask,
        instruction=answers.instruction,
        input=answers.input,
        history=read_history(answers.history),
        texts=answers.texts,
        candidate_ids=tuple(ballot.shown),
        policy=lease.policy,
        propensity=lease.propensity,
        expires_at=expires_at,
    )


def read_pair(session: Session, lease: Lent, expires_at: datetime) -> PairView:
    """A lent pair, from its lease."""
    texts = comparisons.get_texts(session, comparison_id=lease.comparison_id)
    return PairView(
        lease_id=lease.id,
        comparison_id=lease.comparison_id,
        instruction=texts.instruction,
        input=texts.input,
        history=read_history(texts.history),
        left_text=texts.left,
        right_text=texts.right,
        left_id=texts.left_id,
        right_id=texts.right_id,
        policy=lease.policy,
        propensity=lease.propensity,
        expires_at=expires_at,
    )


def read_lent(session: Session, lease: Lent, expires_at: datetime) -> PairView | SetView:
    """What a lease shows: a pair, or a set of answers."""
    if lease.ballot_id is not None:
        return read_set(session, lease, lease.ballot_id, expires_at)
    return read_pair(session, lease, expires_at)

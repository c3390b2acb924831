"""Votes on answers that programs were served: they become preferences, as those of the label loop do.

A vote names two answers to one prompt. A thumb names one; it counts against the answer that would have been
shown in its place, at half strength, because nobody saw that one. Invariant: a program votes on what it was
served and on nothing else; a vote's lease keeps its policy and propensity, and takes no place of anybody's;
a vote that is given anew supersedes the earlier one. Non-goal: who may vote, which the API's gate says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import MalformedInput, NotFound, Refused
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.candidates import key_of
from blender_ui.services.labeling.queueing import PairQueue
from db.columns import row_id
from db.engine import transaction
from db.models import Annotator, AnnotatorKind, Candidate, Comparison, Outcome, Preference, Prompt, Role
from db.queries import annotators, leases, preferences, queue, rankings

SERVED, THUMB = "served", "served_thumb"
"""Policies of the leases: both answers were named, or one."""
THUMB_STRENGTH = 0.5
LONGEST_KEY = 96
LONGEST_REASON = 10_000


class Verdict(StrEnum):
    """What is said of the first answer beside the second."""

    BETTER = "better"
    WORSE = "worse"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Voter(NamedTuple):
    """Who votes.

    Attributes:
        annotator_id: Of the program, which must have been served the answers.
        name: The program's.
        user: Whom it votes for, as it calls them; empty where it votes by itself.
    """

    annotator_id: int
    name: str
    user: str = ""


@dataclass(frozen=True, kw_only=True)
class ServedVote:
    """What is said.

    Attributes:
        other_id: The answer that it is held against; None for a thumb.
        verdict: Of a thumb, ``BETTER`` for up and ``WORSE`` for down.
        strength: How much better, in (0, 1]; only where one side won.
        idempotency_key: The same key again gives the same vote and writes nothing; empty for none.
    """

    answer_id: int
    other_id: int | None
    verdict: Verdict
    reason: str = ""
    strength: float | None = None
    idempotency_key: str = ""


@dataclass(frozen=True, kw_only=True)
class ServedVoteView:
    """A vote that is in the store.

    Attributes:
        other_id: What the answer was held against.
        is_of_person: Whether it counts as a person's, and not as a program's.
    """

    preference_id: int
    answer_id: int
    other_id: int
    policy: str
    propensity: float
    is_of_person: bool


class ServedVotes:
    """Takes votes on served answers.

    Args:
        engine: From ``db.engine.create_store``.
        pairs: Makes two answers a comparison, with drawn sides.
        clock: Gives the present time, with its zone.
        after_vote: Called when a vote came.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        pairs: PairQueue,
        clock: Callable[[], datetime],
        after_vote: AfterVote | None = None,
    ) -> None:
        self._engine = engine
        self._pairs = pairs
        self._clock = clock
        self._after_vote = after_vote or AfterVote()

    def vote(self, vote: ServedVote, *, by: Voter) -> ServedVoteView:
        """Store a vote.

        Raises:
            NotFound: If the answers were not served to this program, or answer two prompts.
            Refused: If there is no other answer to hold it against, or both have the same text.
            MalformedInput: If a field is out of range.
        """
        _check(vote)
        with transaction(self._engine) as session:
            answer = _get_served(session, vote.answer_id, by)
            other = self._find_other(session, answer, vote, by)
        if answer.text.strip() == other.text.strip():
            raise Refused(
                "both answers have the same text, so there is nothing to prefer; nothing was stored"
            )
        pair = (key_of(answer.id), key_of(other.id))
        self._pairs.queue_prompt(prompt_id=answer.prompt_id, candidate_ids=pair)
        with transaction(self._engine, immediate=True) as session:
            stored = self._store(session, vote, (answer, other), by)
        self._after_vote()
        return stored

    def _find_other(self, session: Session, answer: Candidate, vote: ServedVote, by: Voter) -> Candidate:
        if vote.other_id is not None:
            other = _get_served(session, vote.other_id, by)
            if other.prompt_id != answer.prompt_id or other.id == answer.id:
                raise NotFound(f"answers {vote.answer_id} and {vote.other_id} are not two of one prompt")
            return other
        for candidate_id in _list_best(session, answer):
            other = session.get_one(Candidate, candidate_id)
            if other.text.strip() != answer.text.strip():
                return other
        raise Refused(
            f"answer {vote.answer_id} stands alone: no other answer to its prompt differs, so a thumb makes "
            "no preference; nothing was stored"
        )

    def _store(
        self, session: Session, vote: ServedVote, pair: tuple[Candidate, Candidate], by: Voter
    ) -> ServedVoteView:
        now, (answer, other) = self._clock(), pair
        person = _find_annotator(session, by, now)
        comparison = queue.get_comparison(session, first_id=key_of(answer.id), second_id=key_of(other.id))
        policy = THUMB if vote.other_id is None else SERVED
        propensity = (answer.propensity or 1.0) * (other.propensity or 1.0)
        key = f"{person.id}:{vote.idempotency_key}" if vote.idempotency_key else ""
        given = preferences.find_by_key(session, idempotency_key=key) if key else None
        if given is None:
            lease_id = leases.answer_unlent(
                session,
                comparison_id=row_id(comparison),
                annotator_id=row_id(person),
                policy=policy,
                propensity=propensity,
                now=now,
            )
            preference_id = _supersede(session, vote, comparison, lease_id, person, key, now)
        else:
            preference_id = given.id
        return ServedVoteView(
            preference_id=preference_id,
            answer_id=vote.answer_id,
            other_id=key_of(other.id),
            policy=policy,
            propensity=propensity,
            is_of_person=person.kind is AnnotatorKind.HUMAN,
        )


def _supersede(
    session: Session,
    vote: ServedVote,
    comparison: Comparison,
    lease_id: int,
    person: Annotator,
    key: str,
    now: datetime,
) -> int:
    """Write the vote; what the same person said of the two before is retracted, and names it."""
    earlier = preferences.find_standing(
        session, comparison_id=row_id(comparison), annotator_id=row_id(person)
    )
    if earlier is not None:
        earlier.retracted_at = now
        session.flush()
    strength = vote.strength
    if vote.other_id is None:
        strength = (strength or 1.0) * THUMB_STRENGTH
    later = Preference(
        comparison_id=row_id(comparison),
        annotator_id=row_id(person),
        lease_id=lease_id,
        outcome=_outcome(vote, comparison),
        strength=strength,
        reason=vote.reason.strip() or None,
        idempotency_key=key or f"{lease_id}:{now.isoformat()}:{preferences.get_last_id(session)}",
        created_at=now,
    )
    session.add(later)
    session.flush()
    if earlier is not None:
        earlier.superseded_by_id = later.id
    return row_id(later)


def _outcome(vote: ServedVote, comparison: Comparison) -> Outcome:
    is_left = comparison.left_id == vote.answer_id
    match vote.verdict:
        case Verdict.BETTER:
            return Outcome.LEFT if is_left else Outcome.RIGHT
        case Verdict.WORSE:
            return Outcome.RIGHT if is_left else Outcome.LEFT
        case Verdict.TIE:
            return Outcome.TIE
        case Verdict.BOTH_BAD:
            return Outcome.BOTH_BAD


def _get_served(session: Session, answer_id: int, by: Voter) -> Candidate:
    """An answer of a prompt that the program asked; another program's is none."""
    candidate = session.get(Candidate, answer_id)
    prompt = None if candidate is None else session.get_one(Prompt, candidate.prompt_id)
    if candidate is None or prompt is None or prompt.asked_by_id != by.annotator_id:
        raise NotFound(
            f"no answer {answer_id} was served to the key {by.name}; blender.shown names those that were"
        )
    return candidate


def _list_best(session: Session, answer: Candidate) -> Sequence[int]:
    """The other answers to a prompt: the best by its latest ranking, then those that it does not rank."""
    others = queue.texts_by_candidate(session, prompt_id=answer.prompt_id).keys() - {answer.id}
    latest = rankings.find_last_of(session, candidate_id=key_of(answer.id))
    ranked = [] if latest is None else rankings.list_entries(session, ranking_id=latest)
    best = [entry.candidate_id for entry, *_ in ranked if entry.candidate_id in others]
    return [*best, *sorted(others - set(best))]


def _find_annotator(session: Session, by: Voter, now: datetime) -> Annotator:
    """The program itself, or the person that it votes for, whose name is kept as a hash."""
    if not by.user:
        return session.get_one(Annotator, by.annotator_id)
    hashed = hashlib.sha256(by.user.encode()).hexdigest()
    key = f"program:{by.annotator_id}:{hashed}"
    known = annotators.find_by_key(session, key=key)
    if known is None:
        known = Annotator(
            key=key,
            name=f"User {hashed[:8]} of {by.name}"[:128],
            kind=AnnotatorKind.HUMAN,
            role=Role.ANNOTATOR,
            created_at=now,
        )
        session.add(known)
        session.flush()
    return known


def _check(vote: ServedVote) -> None:
    if len(vote.idempotency_key) > LONGEST_KEY:
        raise MalformedInput(f"an idempotency key has at most {LONGEST_KEY} characters")
    if len(vote.reason) > LONGEST_REASON:
        raise MalformedInput(f"a reason has at most {LONGEST_REASON} characters")
    is_win = vote.verdict in (Verdict.BETTER, Verdict.WORSE)
    if vote.strength is not None and not (is_win and 0 < vote.strength <= 1):
        raise MalformedInput("a strength lies above 0 and at most at 1, and only a win has one")

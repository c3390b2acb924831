"""An annotator's answer: its fields, its checks, and the step that stores it.

Invariant: nothing is stored that was not checked here first. Non-goals: lending pairs, which
``services.labeling.lending`` does, and transactions, which ``services.labeling.loop`` opens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from blender_ui.errors import MalformedInput
from blender_ui.language import tr
from blender_ui.services.labeling.lending import PRACTICE, Lender
from blender_ui.services.labeling.views import PairView, SetView
from blender_ui.services.projects.questions import check_criteria, check_spans, read_questions
from db.models import Ask, Comparison, LeaseStatus, Outcome, Project, Reveal
from db.queries import comparisons, leases, preferences
from db.queries.leases import Lent

LONGEST_KEY = 96
"""An idempotency key is stored behind its annotator's id, in 128 characters."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What an annotator says to a project's own questions; checked against them when it comes.

    Attributes:
        criteria: Outcome by criterion.
        spans: Marked stretches.
    """

    criteria: object = None
    spans: object = None


NO_MARKS = Marks()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an annotator says of a lent pair.

    Attributes:
        lease_id: With which the pair was lent.
        idempotency_key: One per vote, at most 96 characters; the same key again gives the same
            answer and writes nothing.
        reason: In the annotator's words.
        strength: How much better, in (0, 1]; only where one side won.
        marks: Answers to the project's own questions.
        seconds: From the pair being drawn to the vote.
    """

    lease_id: int
    outcome: Outcome
    idempotency_key: str
    reason: str | None = None
    strength: float | None = None
    marks: Marks = NO_MARKS
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class BallotAnswer:
    """What an annotator says of answers that were shown at once.

    Attributes:
        lease_id: With which they were lent.
        places: Of each answer as shown, 1 is best; equal places tie, see ``blender_ui.pairing.ballots``.
        idempotency_key: As of ``Answer``.
        reason: In the annotator's words.
        seconds: From the answers being drawn to the ballot.
    """

    lease_id: int
    places: tuple[int, ...]
    idempotency_key: str
    reason: str | None = None
    seconds: float | None = None


class Lesson(NamedTuple):
    """What somebody hears after a practice pair: what is right, and why."""

    outcome: Outcome
    reason: str


class Told(NamedTuple):
    """When a project tells who wrote what was judged."""

    project_id: int
    reveal: Reveal


@dataclass(frozen=True, kw_only=True)
class SubmittedView:
    """An outcome that is in the store, and the two members.

    Attributes:
        told: When the project tells the members to whoever labels it, and which project that is.
        lesson: After a practice pair; None after any other, whether its answer is known or not.
    """

    preference_id: int
    outcome: Outcome
    left_member: str
    right_member: str
    told: Told
    lesson: Lesson | None = None


@dataclass(frozen=True, kw_only=True)
class SubmittedBallot:
    """A ballot that is in the store, and the members in the order in which their answers were shown.

    Attributes:
        places: Of each shown answer, 1 is best.
        n_pairs: Preferences that follow from it.
        told: As of ``SubmittedView``.
    """

    ballot_id: int
    ask: Ask
    places: tuple[int, ...]
    members: tuple[str, ...]
    n_pairs: int
    told: Told


@dataclass(frozen=True, kw_only=True)
class AnsweredView:
    """What became of an answer, and the pair after it.

    Attributes:
        submitted: None where the answer came too late.
        refusal: Why, in a sentence; else empty.
        pair: None where nothing is left for this annotator.
        is_revealed: Whether the project tells the names of what was judged now.
    """

    submitted: SubmittedView | SubmittedBallot | None
    refusal: str
    pair: PairView | SetView | None
    is_revealed: bool = True


def take_answer(
    session: Session, answer: Answer, *, lender: Lender, annotator_id: int, now: datetime
) -> SubmittedView:
    """Store an answer that was checked, once for its key, and tell the names.

    Raises:
        LeaseLost: If the pair is not this annotator's to answer any more; nothing was written then.
        MalformedInput: If a mark was not asked for.
    """
    stored_key = f"{annotator_id}:{answer.idempotency_key}"
    given, lesson = preferences.find_by_key(session, idempotency_key=stored_key), None
    if given is None:
        together = lender.get_answerable(session, annotator_id=annotator_id, lease_id=answer.lease_id)
        lease = together[0]
        if lease.ballot_id is not None:
            raise MalformedInput("these answers were shown at once: expected places, not an outcome")
        values = {
            "comparison_id": lease.comparison_id,
            "annotator_id": annotator_id,
            "lease_id": lease.id,
            "outcome": answer.outcome,
            "strength": answer.strength,
            "reason": (answer.reason or "").strip() or None,
            **_read_marks(session, lease, answer.marks),
            "seconds": answer.seconds,
            "idempotency_key": stored_key,
            "created_at": now,
        }
        given = preferences.add(session, values=values)
        leases.end(session, leases=together, status=LeaseStatus.ANSWERED, now=now)
        lesson = _find_lesson(session, lease)
    names = comparisons.get_member_names(session, comparison_id=given.comparison_id)
    return SubmittedView(
        preference_id=given.id,
        outcome=given.outcome,
        left_member=names.left,
        right_member=names.right,
        told=Told(names.project_id, names.reveal),
        lesson=lesson,
    )


def _find_lesson(session: Session, lease: Lent) -> Lesson | None:
    """What the annotator hears of a pair that was lent as practice."""
    if lease.policy != PRACTICE:
        return None
    gold = comparisons.find_gold(session, comparison_id=lease.comparison_id)
    return None if gold is None else Lesson(*gold)


def _read_marks(session: Session, lease: Lent, marks: Marks) -> dict[str, Any]:
    """The answers to the project's own questions, as they are stored."""
    if not marks.criteria and not marks.spans:
        return {}
    comparison = session.get_one(Comparison, lease.comparison_id)
    questions = read_questions(session.get_one(Project, comparison.project_id).questions)
    return {
        "criteria": check_criteria(questions, marks.criteria),
        "spans": check_spans(questions, marks.spans),
    }


def check_answer(answer: Answer | BallotAnswer) -> None:
    """Refuse an answer that is out of range, whatever it is about.

    Raises:
        MalformedInput: With what was expected.
    """
    n_characters, seconds = len(answer.idempotency_key), answer.seconds
    if not 0 < n_characters <= LONGEST_KEY:
        raise MalformedInput(
            tr(
                "an idempotency key has 1 to {longest_key} characters, this one has {n_characters}",
                longest_key=LONGEST_KEY,
                n_characters=n_characters,
            )
        )
    if seconds is not None and not 0 <= seconds < math.inf:
        raise MalformedInput(tr("seconds are 0 or more, not {seconds}", seconds=seconds))
    if isinstance(answer, Answer):
        _check_strength(answer)


def _check_strength(answer: Answer) -> None:
    strength = answer.strength
    if strength is not None and answer.outcome not in (Outcome.LEFT, Outcome.RIGHT):
        raise MalformedInput(
            tr("only a win has a strength, and the outcome is {outcome}", outcome=answer.outcome.value)
        )
    if strength is not None and not 0 < strength <= 1:
        raise MalformedInput(
            tr("a strength lies above 0 and at most at 1, not at {strength}", strength=strength)
        )

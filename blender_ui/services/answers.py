"""What an annotator answers and is told, and what an answer must satisfy.

Invariant: nothing is stored that was not checked here first. Non-goal: whose pair it is, which
``services.lending`` knows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from blender_ui.errors import MalformedInput
from blender_ui.services.questions import check_criteria, check_spans, read_questions
from db.models import Comparison, Lease, Outcome, Project

LONGEST_KEY = 96
"""An idempotency key is stored behind its annotator's id, in 128 characters."""


@dataclass(frozen=True, kw_only=True)
class SubmittedView:
    """An outcome that is in the store, and whom it was about."""

    preference_id: int
    outcome: Outcome
    left_member: str
    right_member: str


@dataclass(frozen=True, kw_only=True)
class ProgressView:
    """How far the labelling is.

    Attributes:
        n_mine: Outcomes of this annotator that stand.
        n_mine_today: Of those, given since midnight UTC.
        seconds_today: Time from pairs being drawn to these answers; five minutes at most each.
        n_standing: Outcomes of all people that stand, imported ones included.
        n_open: Comparisons that more people are to be asked.
        n_people: People with an outcome that stands.
    """

    n_mine: int
    n_mine_today: int
    seconds_today: float
    n_standing: int
    n_open: int
    n_people: int


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


def read_marks(session: Session, lease: Lease, marks: Marks) -> dict[str, Any]:
    """The answers to the project's own questions, as they are stored."""
    if not marks.criteria and not marks.spans:
        return {}
    comparison = session.get_one(Comparison, lease.comparison_id)
    questions = read_questions(session.get_one(Project, comparison.project_id).questions)
    return {
        "criteria": check_criteria(questions, marks.criteria),
        "spans": check_spans(questions, marks.spans),
    }


def check_answer(outcome: Outcome, key: str, strength: float | None, seconds: float | None) -> None:
    """Refuse an answer that is out of range.

    Raises:
        MalformedInput: With what was expected.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise MalformedInput(f"an idempotency key has 1 to {LONGEST_KEY} characters, this one has {len(key)}")
    if strength is not None and outcome not in (Outcome.LEFT, Outcome.RIGHT):
        raise MalformedInput(f"only a win has a strength, and the outcome is {outcome.value}")
    if strength is not None and not 0 < strength <= 1:
        raise MalformedInput(f"a strength lies above 0 and at most at 1, not at {strength}")
    if seconds is not None and not 0 <= seconds < math.inf:
        raise MalformedInput(f"seconds are 0 or more, not {seconds}")

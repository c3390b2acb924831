"""A project's questions beside the outcome, and the answers to them.

Invariant: what is stored was checked against the project's questions; an answer to a question that
was not asked is refused, not dropped. Non-goal: how they look.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt, StringConstraints, TypeAdapter

from blender_ui.errors import MalformedInput
from blender_ui.language import tr
from blender_ui.outside import check

CRITERIA = ("helpful", "correct", "harmless", "style")
"""What pages offer; a project may name others."""


def _differ(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("different words")
    return names


Criterion = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=32)
]


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What is asked beside the outcome; nothing unless a project says so.

    Attributes:
        criteria: Asked for each: left, right or tie.
        strength: Whether it is asked how much better the better one is.
        reason: Whether a reason in words is asked for; always optional to give.
        spans: Whether stretches of the answers can be marked as good or bad.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    criteria: Annotated[tuple[Criterion, ...], Field(max_length=8), AfterValidator(_differ)] = ()
    strength: StrictBool = False
    reason: StrictBool = True
    spans: StrictBool = False

    def to_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        return asdict(self) | {"criteria": list(self.criteria)}


@dataclass(frozen=True, kw_only=True)
class Span:
    """A marked stretch of one answer: characters from ``start`` up to ``end``, and their text."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    side: Literal["left", "right"]
    start: Annotated[StrictInt, Field(ge=0)]
    end: StrictInt
    text: Annotated[str, Field(max_length=4000)]
    label: Literal["good", "bad"]


def _goes_on(span: Span) -> Span:
    if span.end <= span.start:
        raise ValueError(tr("an end after the start, {start}", start=span.start))
    return span


_QUESTIONS = TypeAdapter(Questions)
_ANSWERS = TypeAdapter(dict[str, Literal["left", "right", "tie"]])
_SPANS = TypeAdapter(Annotated[list[Annotated[Span, AfterValidator(_goes_on)]], Field(max_length=50)])


def read_questions(value: object) -> Questions:
    """Check questions that came from the store or a page.

    Raises:
        MalformedInput: If a field is unknown or has the wrong form.
    """
    return check(_QUESTIONS, value, "questions")


def check_criteria(questions: Questions, answers: object) -> dict[str, str] | None:
    """Answers by criterion, none or some of those asked; None where none were given.

    Raises:
        MalformedInput: If a criterion was not asked, or its answer is not left, right or tie.
    """
    if not answers:
        return None
    checked = check(_ANSWERS, answers, "criteria")
    strange = sorted(checked.keys() - set(questions.criteria))
    if strange:
        raise MalformedInput(
            tr(
                "the criterion {strange!r} was not asked; {criteria} were",
                strange=strange[0],
                criteria=list(questions.criteria),
            )
        )
    return dict(checked)


def check_spans(questions: Questions, spans: object) -> list[dict[str, Any]] | None:
    """Marked stretches; None where none were given.

    Raises:
        MalformedInput: If marking was not asked for, or a span has the wrong form.
    """
    if not spans:
        return None
    if not questions.spans:
        raise MalformedInput("this project does not ask for marked stretches")
    return [asdict(span) for span in check(_SPANS, spans, "spans")]

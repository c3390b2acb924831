"""A project's questions beside the outcome, and the answers to them.

Invariant: what is stored was checked against the project's questions; an answer to a question that
was not asked is refused, not dropped. Non-goal: how they look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from blender_ui.errors import MalformedInput
from db.models import Outcome

CRITERIA = ("helpful", "correct", "harmless", "style")
"""What pages offer; a project may name others."""
MOST_CRITERIA = 8
LONGEST_CRITERION = 32
MOST_SPANS = 50
LONGEST_SPAN = 4000
SIDES = ("left", "right")
SPAN_LABELS = ("good", "bad")
_CHOICES = (Outcome.LEFT.value, Outcome.RIGHT.value, Outcome.TIE.value)


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What is asked beside the outcome; nothing unless a project says so.

    Attributes:
        criteria: Asked for each: left, right or tie.
        strength: Whether it is asked how much better the better one is.
        reason: Whether a reason in words is asked for; always optional to give.
        spans: Whether stretches of the answers can be marked as good or bad.
    """

    criteria: tuple[str, ...] = ()
    strength: bool = False
    reason: bool = True
    spans: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        return asdict(self) | {"criteria": list(self.criteria)}


def read_questions(value: object) -> Questions:
    """Check questions that came from the store or a page.

    Raises:
        MalformedInput: If a field is unknown or has the wrong form.
    """
    if not isinstance(value, Mapping):
        raise MalformedInput(f"expected questions as an object, came {type(value).__name__}")
    unknown = sorted(value.keys() - {"criteria", "strength", "reason", "spans"})
    if unknown:
        raise MalformedInput(f"there are no questions {unknown}")
    switches = {name: value.get(name, default) for name, default in _SWITCHES.items()}
    wrong = [name for name, switch in switches.items() if not isinstance(switch, bool)]
    if wrong:
        raise MalformedInput(f"expected true or false for {wrong}")
    return Questions(criteria=_read_criteria(value.get("criteria", ())), **switches)


def check_criteria(questions: Questions, answers: object) -> dict[str, str] | None:
    """Answers by criterion, none or some of those asked; None where none were given.

    Raises:
        MalformedInput: If a criterion was not asked, or its answer is not left, right or tie.
    """
    if answers is None or answers == {}:
        return None
    if not isinstance(answers, Mapping):
        raise MalformedInput(f"expected answers by criterion, came {type(answers).__name__}")
    for name, choice in answers.items():
        if name not in questions.criteria:
            raise MalformedInput(f"the criterion {name!r} was not asked; {list(questions.criteria)} were")
        if choice not in _CHOICES:
            raise MalformedInput(f"expected left, right or tie for {name}, came {choice!r}")
    return {str(name): str(choice) for name, choice in answers.items()}


def check_spans(questions: Questions, spans: object) -> list[dict[str, Any]] | None:
    """Marked stretches; None where none were given.

    Raises:
        MalformedInput: If marking was not asked for, or a span has the wrong form.
    """
    if spans is None or spans == []:
        return None
    if not questions.spans:
        raise MalformedInput("this project does not ask for marked stretches")
    if not isinstance(spans, Sequence) or isinstance(spans, str) or len(spans) > MOST_SPANS:
        raise MalformedInput(f"expected at most {MOST_SPANS} spans as a list")
    return [_read_span(span) for span in spans]


_SWITCHES = {"strength": False, "reason": True, "spans": False}


def _read_criteria(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_CRITERIA:
        raise MalformedInput(f"expected at most {MOST_CRITERIA} criteria as a list")
    names = [name.strip().lower() if isinstance(name, str) else "" for name in value]
    if not all(0 < len(name) <= LONGEST_CRITERION for name in names) or len(set(names)) < len(names):
        raise MalformedInput(f"criteria are different words of 1 to {LONGEST_CRITERION} characters each")
    return tuple(names)


def _read_span(span: object) -> dict[str, Any]:
    if not isinstance(span, Mapping) or span.keys() != {"side", "start", "end", "text", "label"}:
        raise MalformedInput("a span has exactly side, start, end, text and label")
    start, end, text = span["start"], span["end"], span["text"]
    if span["side"] not in SIDES or span["label"] not in SPAN_LABELS:
        raise MalformedInput("a span is on the left or right side, and good or bad")
    is_range = isinstance(start, int) and isinstance(end, int) and 0 <= start < end
    if not is_range or not isinstance(text, str) or len(text) > LONGEST_SPAN:
        raise MalformedInput(f"a span goes from start to a later end and quotes up to {LONGEST_SPAN} letters")
    return dict(span)

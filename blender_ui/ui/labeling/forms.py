"""What the label page sends and is sent: records, how they are drawn, and how they are checked.

Invariant: what came from outside is a record only after every field was checked, and texts that go
out are safe HTML. Non-goal: what the services do with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StrictInt, TypeAdapter

from blender_ui.outside import LARGEST_NUMBER, check
from blender_ui.services.labeling.answers import Answer, BallotAnswer, Marks, SubmittedBallot, SubmittedView
from blender_ui.services.labeling.lending import PRACTICE
from blender_ui.services.labeling.relabeling import PastAnswer
from blender_ui.services.labeling.views import PairView, SetView
from blender_ui.services.projects.projects import MOST_ANSWERS
from blender_ui.ui.history import draw_history
from blender_ui.ui.prose import render_prose
from db.enums import DEFAULT_PROJECT_ID, Outcome

LONGEST_REASON = 4000
RowId = Annotated[StrictInt, Field(ge=0, le=LARGEST_NUMBER)]
Figure = Annotated[float, Field(strict=True, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A blind pair, ready to be drawn; the texts are safe HTML."""

    lease_id: int
    history: str
    """Folded; empty in a conversation of one turn."""
    instruction: str
    input: str
    left: str
    right: str
    is_practice: bool = False
    """After the vote the person hears what is right, and why."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is right of the practice pair before, and why; the reason is safe HTML."""

    outcome: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """The texts that are on the screen, as they were written: plain text."""

    instruction: str
    input: str
    answers: tuple[str, ...]
    """Left and right, or in the order in which they are shown."""


@dataclass(frozen=True, kw_only=True)
class AnswerSet:
    """Blind answers to be judged at once, in the order in which they are shown; the texts are safe HTML.

    Attributes:
        ask: ``order``, ``best_worst`` or ``best``.
    """

    lease_id: int
    ask: str
    history: str
    instruction: str
    input: str
    answers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BallotReveal:
    """Who wrote the answers of the ballot before, best first; equal places tie or were not told apart.

    Attributes:
        members: Empty where the project does not tell them, or not yet.
    """

    ask: str
    places: tuple[int, ...]
    members: tuple[str, ...]
    n_pairs: int


@dataclass(frozen=True, kw_only=True)
class Reveal:
    """Who wrote the two answers of the pair before; both empty where the project does not tell now."""

    outcome: str
    left_member: str
    right_member: str


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where pairs come from: a link, and what follows it in its line."""

    title: str
    address: str
    rest: str


@dataclass(frozen=True, kw_only=True)
class Empty:
    """Why there is no pair, and the ways on that are open to this annotator."""

    text: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What the page draws next.

    Attributes:
        pair: The annotator's pair or set of answers; None where nothing is left for them.
        empty: Why, where there is no pair and none is on the screen.
        reveal: Of the outcome that was just taken; None after anything else.
        lesson: Of the practice pair that was just answered; None after anything else.
        notice: A sentence to show; empty for none.
    """

    pair: Pair | AnswerSet | None
    empty: Empty | None = None
    reveal: Reveal | BallotReveal | None = None
    lesson: Lesson | None = None
    notice: str = ""


@dataclass(frozen=True, kw_only=True)
class ProjectChoice:
    """The project that is labelled; the page's header has those to choose from.

    Attributes:
        guidelines: Safe HTML; empty for the app's own.
        questions: Asked beside the outcome, see ``services.projects.questions``.
        reveal: When the project tells who wrote what: ``vote``, ``end`` or ``never``.
    """

    project_id: int
    name: str
    guidelines: str
    questions: dict[str, Any]
    reveal: str


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """The annotator's name, their project and their first turn."""

    name: str
    project: ProjectChoice
    turn: Turn


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an answer leaves the annotator.

    Attributes:
        shown: The lease that is on the screen already, drawn before the answer was sent; the turn
            then brings the pair after it. None where the page waits for its next pair.
    """

    project_id: RowId = DEFAULT_PROJECT_ID
    shown: RowId | None = None


@dataclass(frozen=True, kw_only=True)
class Vote:
    """An outcome or a ballot as the page sends it."""

    answer: Answer | BallotAnswer
    place: Place


@dataclass(frozen=True, kw_only=True)
class Past:
    """One of the annotator's own answers; the texts are safe HTML, the reason is as it was written."""

    preference_id: int
    history: str
    instruction: str
    left: str
    right: str
    outcome: str
    reason: str
    at: str
    n_earlier: int
    left_member: str
    right_member: str


def draw_pair(pair: PairView) -> Pair:
    """The pair with its texts as safe HTML."""
    return Pair(
        lease_id=pair.lease_id,
        history=draw_history(pair.history),
        instruction=render_prose(pair.instruction),
        input=render_prose(pair.input),
        left=render_prose(pair.left_text),
        right=render_prose(pair.right_text),
        is_practice=pair.policy == PRACTICE,
    )


def write_lent(lent: PairView | SetView) -> Written:
    """The texts of what was lent as they were written."""
    answers = (lent.left_text, lent.right_text) if isinstance(lent, PairView) else lent.texts
    return Written(instruction=lent.instruction, input=lent.input, answers=answers)


def draw_lesson(submitted: SubmittedView | SubmittedBallot) -> Lesson | None:
    """What is to be said after a practice pair; None after any other."""
    if not isinstance(submitted, SubmittedView) or submitted.lesson is None:
        return None
    return Lesson(outcome=submitted.lesson.outcome.value, reason=render_prose(submitted.lesson.reason))


def draw_lent(lent: PairView | SetView) -> Pair | AnswerSet:
    """What was lent, with its texts as safe HTML."""
    if isinstance(lent, PairView):
        return draw_pair(lent)
    return AnswerSet(
        lease_id=lent.lease_id,
        ask=lent.ask.value,
        history=draw_history(lent.history),
        instruction=render_prose(lent.instruction),
        input=render_prose(lent.input),
        answers=tuple(render_prose(text) for text in lent.texts),
    )


def draw_reveal(
    submitted: SubmittedView | SubmittedBallot, *, is_revealed: bool = True
) -> Reveal | BallotReveal:
    """Who wrote what was just judged, where the project tells it now."""
    if isinstance(submitted, SubmittedView):
        return Reveal(
            outcome=submitted.outcome.value,
            left_member=submitted.left_member if is_revealed else "",
            right_member=submitted.right_member if is_revealed else "",
        )
    best_first = sorted(zip(submitted.places, submitted.members, strict=True), key=lambda one: one[0])
    return BallotReveal(
        ask=submitted.ask.value,
        places=tuple(place for place, _ in best_first),
        members=tuple(member for _, member in best_first) if is_revealed else (),
        n_pairs=submitted.n_pairs,
    )


def draw_past(answer: PastAnswer) -> Past:
    """One of one's own answers with its texts as safe HTML."""
    return Past(
        preference_id=answer.preference_id,
        history=draw_history(answer.history),
        instruction=render_prose(f"{answer.instruction}\n\n{answer.input}".strip()),
        left=render_prose(answer.left_text),
        right=render_prose(answer.right_text),
        outcome=answer.outcome.value,
        reason=answer.reason or "",
        at=answer.at.strftime("%Y-%m-%d %H:%M"),
        n_earlier=answer.n_earlier,
        left_member=answer.left_member,
        right_member=answer.right_member,
    )


def read_vote(sent: object) -> Vote:
    """Check a vote that came from outside.

    Raises:
        MalformedInput: If a field is missing or has the wrong form.
    """
    if isinstance(sent, Mapping) and "places" in sent:
        ballot = check(_BALLOT, sent, "ballot")
        return Vote(answer=BallotAnswer(places=ballot.places, **_common(ballot)), place=_place(ballot))
    vote = check(_ANSWER, sent, "vote")
    answer = Answer(
        outcome=vote.outcome,
        strength=vote.strength,
        marks=Marks(criteria=vote.criteria, spans=vote.spans),
        **_common(vote),
    )
    return Vote(answer=answer, place=_place(vote))


def read_place(sent: object) -> Place:
    """Check where an answer leaves the annotator."""
    return check(_PLACE, sent, "place")


def read_outcome(value: object) -> Outcome:
    """Check an outcome."""
    return check(_OUTCOME, value, "outcome")


def read_token(value: object) -> str:
    """Check a vote's token."""
    return check(_TOKEN, value, "the vote's token")


def read_id(value: object) -> int:
    """Check the number of a row; the script sends no text for one."""
    return check(_ROW_ID, value, "the number of a row")


@dataclass(frozen=True, kw_only=True)
class _Sent(Place):
    """What the page sends of any vote, a place among it."""

    lease_id: RowId
    token: str
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] | None = None
    seconds: Figure | None = None


@dataclass(frozen=True, kw_only=True)
class _SentAnswer(_Sent):
    outcome: Outcome
    strength: Figure | None = None
    criteria: object = None
    spans: object = None


@dataclass(frozen=True, kw_only=True)
class _SentBallot(_Sent):
    places: Annotated[tuple[StrictInt, ...], Field(max_length=MOST_ANSWERS)]


_PLACE, _ANSWER, _BALLOT = TypeAdapter(Place), TypeAdapter(_SentAnswer), TypeAdapter(_SentBallot)
_OUTCOME, _TOKEN, _ROW_ID = TypeAdapter(Outcome), TypeAdapter(str), TypeAdapter[int](RowId)


def _place(sent: _Sent) -> Place:
    return Place(project_id=sent.project_id, shown=sent.shown)


def _common(sent: _Sent) -> dict[str, Any]:
    return {
        "lease_id": sent.lease_id,
        "idempotency_key": sent.token,
        "reason": sent.reason,
        "seconds": sent.seconds,
    }

"""What the label page does when asked, without Gradio.

Invariant: every request carries the browser's key, and an outcome or skip names the lease that was
on the screen; the service refuses any other, so nobody votes on a pair they have not seen. Names of
members leave only with an outcome that is in the store. Non-goal: which pair comes next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blender_ui.errors import LeaseLost, MalformedInput
from blender_ui.services.labeling import Labeling, ProgressView
from blender_ui.services.lending import PairView
from blender_ui.ui.identity import recognise
from blender_ui.ui.prose import render_prose
from db.models import Outcome

LONGEST_REASON = 4000


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A blind pair, ready to be drawn; the texts are safe HTML."""

    lease_id: int
    instruction: str
    input: str
    left: str
    right: str


@dataclass(frozen=True, kw_only=True)
class Reveal:
    """Who wrote the two answers of the pair before."""

    outcome: str
    left_member: str
    right_member: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What the page draws next.

    Attributes:
        pair: The annotator's pair; None where nothing is left for them.
        reveal: Of the outcome that was just taken; None after anything else.
        notice: A sentence to show; empty for none.
    """

    pair: Pair | None
    reveal: Reveal | None = None
    notice: str = ""


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """The annotator's name and their first turn."""

    name: str
    turn: Turn


@dataclass(frozen=True, kw_only=True)
class Vote:
    """An outcome as the page sends it."""

    lease_id: int
    outcome: Outcome
    token: str
    reason: str | None
    seconds: float | None


class LabelHandlers:
    """The label page's requests.

    Args:
        labeling: The label loop.
        after_vote: Called after every outcome and undo; must return at once.
    """

    def __init__(self, labeling: Labeling, *, after_vote: Callable[[], None]) -> None:
        self._labeling = labeling
        self._after_vote = after_vote

    def open(self, key: str) -> Welcome:
        """Begin, or go on where the annotator was."""
        annotator = recognise(self._labeling, key)
        return Welcome(name=annotator.name, turn=self._next(annotator.id))

    def vote(self, key: str, sent: Mapping[str, object]) -> Turn:
        """Take an outcome and give the next pair."""
        vote = read_vote(sent)
        annotator_id = recognise(self._labeling, key).id
        try:
            submitted = self._labeling.submit(
                annotator_id=annotator_id,
                lease_id=vote.lease_id,
                outcome=vote.outcome,
                idempotency_key=vote.token,
                reason=vote.reason,
                seconds=vote.seconds,
            )
        except LeaseLost as error:
            return self._next(annotator_id, notice=f"Not counted: {error}")
        self._after_vote()
        reveal = Reveal(
            outcome=submitted.outcome.value,
            left_member=submitted.left_member,
            right_member=submitted.right_member,
        )
        return self._next(annotator_id, reveal=reveal)

    def skip(self, key: str, lease_id: int) -> Turn:
        """Leave a pair to others and give the next one."""
        annotator_id = recognise(self._labeling, key).id
        try:
            self._labeling.skip(annotator_id=annotator_id, lease_id=_read_id(lease_id))
        except LeaseLost as error:
            return self._next(annotator_id, notice=f"Not skipped: {error}")
        return self._next(annotator_id, notice="Skipped.")

    def undo(self, key: str) -> Turn:
        """Take the last outcome or skip back and show its pair again."""
        annotator_id = recognise(self._labeling, key).id
        try:
            pair = self._labeling.undo(annotator_id=annotator_id)
        except LeaseLost as error:
            return self._next(annotator_id, notice=f"Not undone: {error}")
        if pair is None:
            return self._next(annotator_id, notice="There is nothing to take back.")
        self._after_vote()
        return Turn(pair=draw_pair(pair), notice="Taken back. Here is that pair again.")

    def keep(self, key: str, lease_id: int) -> bool:
        """Keep the pair on the screen for the annotator; False where it is not theirs any more."""
        annotator_id = recognise(self._labeling, key).id
        return self._labeling.heartbeat(annotator_id=annotator_id, lease_id=_read_id(lease_id))

    def progress(self, key: str) -> ProgressView:
        """How far the labelling is."""
        return self._labeling.progress(annotator_id=recognise(self._labeling, key).id)

    def rename(self, key: str, name: str) -> str:
        """Call the annotator by another name; gives back the name that is kept."""
        annotator_id = recognise(self._labeling, key).id
        return self._labeling.rename(annotator_id=annotator_id, name=name).name

    def _next(self, annotator_id: int, *, reveal: Reveal | None = None, notice: str = "") -> Turn:
        pair = self._labeling.next_pair(annotator_id=annotator_id)
        return Turn(pair=None if pair is None else draw_pair(pair), reveal=reveal, notice=notice)


def draw_pair(pair: PairView) -> Pair:
    """The pair with its texts as safe HTML."""
    return Pair(
        lease_id=pair.lease_id,
        instruction=render_prose(pair.instruction),
        input=render_prose(pair.input),
        left=render_prose(pair.left_text),
        right=render_prose(pair.right_text),
    )


def read_vote(sent: object) -> Vote:
    """Check a vote that came from outside.

    Raises:
        MalformedInput: If a field is missing or has the wrong form.
    """
    if not isinstance(sent, Mapping):
        raise MalformedInput(f"expected a vote as an object, came {type(sent).__name__}")
    outcome, token = sent.get("outcome"), sent.get("token")
    if outcome not in list(Outcome):
        raise MalformedInput(f"expected an outcome among {', '.join(Outcome)}; came {outcome!r}")
    if not isinstance(token, str):
        raise MalformedInput(f"expected the vote's token as text, came {type(token).__name__}")
    return Vote(
        lease_id=_read_id(sent.get("lease_id")),
        outcome=Outcome(str(outcome)),
        token=token,
        reason=_read_reason(sent.get("reason")),
        seconds=_read_seconds(sent.get("seconds")),
    )


def _read_id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedInput(f"expected a lease's number, came {value!r}")
    return value


def _read_reason(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_REASON:
        raise MalformedInput(f"a reason is a text of at most {LONGEST_REASON} characters")
    return value


def _read_seconds(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise MalformedInput(f"expected seconds as a number, came {value!r}")
    return float(value)

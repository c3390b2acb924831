"""Choosing the best of all answers of a round, or putting them in order, beside the vote on two. No Gradio.

Invariant: what is chosen is a ballot on all answers that differ, taken while a pair of them is lent and
before the names are shown; nothing of what is offered differs between members. Non-goal: the vote on two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.services.asking.rounds import Blending, PromptView
from blender_ui.services.labeling.own_ballots import OwnBallot, OwnBallots
from blender_ui.ui.asking.views import LONGEST_REASON, Picks, Turn, Visit
from blender_ui.ui.rows import Acted
from db.enums import Ask

LEAST = 3
"""Answers that differ, before the best of all is another thing than the better of two."""
BEST, ORDER = "best", "order"
"""What the buttons are called in a request; the order comes whole, as the page keeps it until it is sent."""


def find_picks(visit: Visit, answers: PromptView) -> Picks | None:
    """What can be chosen now; None where the vote on two is all there is."""
    if visit.pair is None or visit.is_asking or visit.is_revealed or visit.own:
        return None
    shown = _list_shown(visit, answers)
    if len({text for _, text in shown.values()}) < LEAST:
        return None
    return Picks(columns=tuple(shown), token=visit.pair.token)


@dataclass(frozen=True, kw_only=True)
class Picking:
    """Takes what was pressed.

    Args:
        blending: Knows what stands in the columns.
        ballots: Keeps the ballots.
        show: Shows the names of a visit that has voted.
        timer: Seconds from a fixed point.
    """

    blending: Blending
    ballots: OwnBallots
    show: Callable[[Visit], Visit]
    timer: Callable[[], float]

    def press(self, visit: Visit, pressed: Acted, reason: str) -> Turn:
        """Choose the best, or take an order of all."""
        answers = None if visit.prompt_id is None else self.blending.answers(prompt_id=visit.prompt_id)
        picks = None if answers is None else find_picks(visit, answers)
        if answers is None or picks is None:
            return Turn(visit, "There is nothing to choose from now.")
        number = pressed.row - 1
        match pressed.name:
            case "best" if number in picks.columns:
                places = {one: 1 if one == number else 2 for one in picks.columns}
                return self._vote(visit, answers, places, Ask.BEST, reason)
            case "order":
                places = _read_order(pressed.value, picks.columns)
                return self._vote(visit, answers, places, Ask.ORDER, reason)
        return Turn(visit, "This is none of the answers that can be chosen now. Press one of the numbers.")

    def _vote(
        self, visit: Visit, answers: PromptView, places: Mapping[int, int], asked: Ask, reason: str
    ) -> Turn:
        if visit.pair is None:
            return Turn(visit, "There is nothing to choose from now.")
        shown = _first_of_each_text(_list_shown(visit, answers), places)
        ballot = OwnBallot(
            prompt_id=answers.prompt_id,
            ask=asked,
            candidate_ids=tuple(shown),
            places=_close(shown.values()),
            idempotency_key=visit.pair.token,
            reason=reason[:LONGEST_REASON],
            seconds=max(0.0, self.timer() - visit.pair.drawn_seconds),
        )
        try:
            lease_id = self.ballots.give(ballot, annotator_id=visit.annotator_id)
        except BlenderError as error:
            return Turn(visit, str(error))
        return Turn(replace(self.show(visit), undoable=lease_id))


def _list_shown(visit: Visit, answers: PromptView) -> dict[int, tuple[int, str]]:
    """Candidate and text of each column that has an answer."""
    by_label = {one.seat.label: (one.candidate_id, one.text.strip()) for one in answers.candidates}
    return {number: by_label[label] for number, label in enumerate(visit.columns) if label in by_label}


def _first_of_each_text(shown: Mapping[int, tuple[int, str]], places: Mapping[int, int]) -> dict[int, int]:
    """Place by candidate: of equal texts one candidate, in the best place that one of them was given."""
    found: dict[str, tuple[int, int]] = {}
    for number, (candidate_id, text) in shown.items():
        known_id, place = found.get(text, (candidate_id, places[number]))
        found[text] = (known_id, min(place, places[number]))
    return dict(found.values())


def _close(places: Iterable[int]) -> tuple[int, ...]:
    """Places without gaps of equal texts that were left out: 1, 2, 4 becomes 1, 2, 3."""
    given = list(places)
    return tuple(1 + sum(other < one for other in given) for one in given)


def _read_order(value: str, columns: tuple[int, ...]) -> dict[int, int]:
    """Place by column.

    Args:
        value: Numbers of answers with spaces between, the best first, as the page sent it.
        columns: Those that are to be placed.

    Raises:
        MalformedInput: If it is not every answer once.
    """
    order = [int(one) - 1 for one in value.split() if one.isascii() and one.isdigit() and len(one) < 4]
    if sorted(order) != sorted(columns) or len(order) != len(value.split()):
        raise MalformedInput("put every answer in its place first: press them from the best to the worst")
    return {number: place for place, number in enumerate(order, 1)}

"""HTML of the card after a vote: the choice, the ranker's bet, and who wrote what.

Invariant: every text passes ``escape``. Non-goals: other HTML, which is ``markup``'s; what the card says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from blender_ui.language import mark, tr
from blender_ui.ui.texts import escape

Direction = Literal["up", "down", "same"]
ARROWS: dict[Direction, tuple[str, str]] = {
    "up": ("▲", mark("rose")),
    "down": ("▼", mark("fell")),
    "same": ("", mark("unchanged")),
}


class Move(NamedTuple):
    """A rating before and after."""

    before: str
    after: str
    """Empty where there is nothing to compare with."""
    direction: Direction


class Answer(NamedTuple):
    """One row: which answer, whose, and what is marked on it."""

    title: str
    member: str
    marks: tuple[tuple[str, str], ...] = ()
    """Words and the short name of their look."""
    move: Move | None = None


def card(*parts: str) -> str:
    """The card, from its drawn parts."""
    return f'<div class="bu-reveal" role="status">{"".join(parts)}</div>'


def verdict(small: str, text: str) -> str:
    """What the person said, as the card's heading."""
    return f'<div class="bu-verdict"><span>{escape(small)}</span><h2>{escape(text)}</h2></div>'


def bet_bar(favoured: str, other: str, chance: float) -> str:
    """The two that were voted on, and how the ranker had divided its bet between them.

    Args:
        favoured: Had the larger part.
        other: Had the rest.
        chance: Of the favoured, in [.5, 1].
    """
    share = 100 * min(max(chance, 0.5), 1.0)
    return (
        f'<div class="bu-bet" role="img" aria-label="{escape(favoured)} {share:.0f} %, {escape(other)} '
        f'{100 - share:.0f} %"><i style="flex-basis:{share:.1f}%"><b>{escape(favoured)}</b> {share:.0f} %</i>'
        f'<i style="flex-basis:{100 - share:.1f}%"><b>{escape(other)}</b> {100 - share:.0f} %</i></div>'
    )


def bet_line(text: str, *, is_agreed: bool | None) -> str:
    """What the ranker had bet, and whether the person agreed; None where there was nothing to agree on."""
    look = {True: "agreed", False: "differed", None: "open"}[is_agreed]
    return f'<p class="bu-bet-line bu-{look}">{escape(text)}</p>'


def rows(answers: Sequence[Answer], *, heading: str) -> str:
    """Who wrote what; with ratings under a heading where it is not empty."""
    head = f'<p class="bu-rating-head">{escape(heading)}</p>' if heading else ""
    body = "".join(_row(answer, has_rating=bool(heading)) for answer in answers)
    return f'<div>{head}<ul class="bu-who-wrote">{body}</ul></div>'


def _row(answer: Answer, *, has_rating: bool) -> str:
    marks = "".join(
        f'<em class="bu-mark bu-{escape(look)}">{escape(text)}</em>' for text, look in answer.marks
    )
    rating = _move(answer.move) if has_rating else ""
    chosen = ' class="bu-is-chosen"' if any(look == "chosen" for _, look in answer.marks) else ""
    return (
        f"<li{chosen}><span>{escape(answer.title)}</span><div><b>{escape(answer.member)}</b> {marks}</div>"
        f"{rating}</li>"
    )


def _move(move: Move | None) -> str:
    if move is None:
        return ""
    if not move.after:
        return f'<span class="bu-move">{escape(move.before)}</span>'
    arrow, words = ARROWS[move.direction]
    sign = f'<i aria-hidden="true">{arrow}</i>' if arrow else ""
    return (
        f'<span class="bu-move bu-{move.direction}" title="{escape(tr(words))}">{escape(move.before)} → '
        f"<b>{escape(move.after)}</b>{sign}</span>"
    )

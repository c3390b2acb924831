"""The card after a vote as HTML, through ``revealed``. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.language import say_number, tr
from blender_ui.ui import markup, revealed
from blender_ui.ui.asking.reveal.views import Card, Row
from blender_ui.ui.revealed import Direction

NO_VOTE = "You looked without voting"
NO_BET = "No ranker had ordered these answers when you voted, so none had laid a bet."
SMALL = 0.005
"""A move that is less than half of the last shown digit."""


def draw_card(card: Card | None) -> str:
    """The card for who voted; empty before the names are shown."""
    if card is None:
        return ""
    return revealed.card(
        revealed.verdict(_small_title(card), _title(card)),
        _draw_bet(card),
        revealed.rows([_draw_row(card, row) for row in card.rows], heading=_heading(card)),
    )


def draw_card_for_others(card: Card) -> str:
    """The same for who did not vote: a shared round's."""
    small = ""
    if card.vote is not None:
        small = tr("Chosen") if card.chosen is not None else tr("Said")
    title = _title(card) if card.vote is not None else tr("Nobody voted")
    answers = [
        revealed.Answer(
            tr("Answer {number}", number=row.number + 1),
            row.member,
            (*([(tr("Chosen"), "chosen")] if row.is_chosen else ()), *_mark_bet(row)),
            None,
        )
        for row in card.rows
    ]
    rows = revealed.rows(answers, heading="")
    return revealed.card(revealed.verdict(small, title), _draw_bet_for_others(card), rows)


def _draw_bet_for_others(card: Card) -> str:
    vote, favoured = card.vote, card.favoured
    if vote is None or vote.bet is None or favoured is None:
        return ""
    chance = vote.bet.chance
    line = tr("Before the vote the ranker had bet on {member}", member=favoured.member)
    line += "" if chance is None else tr(" with {chance:.0%}", chance=chance)
    end = {True: tr("it was right."), False: tr("it was wrong."), None: tr("no side was taken.")}[
        vote.is_agreed
    ]
    return revealed.bet_line(f"{line}: {end}", is_agreed=vote.is_agreed)


def _mark_bet(row: Row) -> list[tuple[str, str]]:
    return [(tr("Ranker's bet"), "bet")] if row.is_favoured else []


def _small_title(card: Card) -> str:
    return (
        tr("You chose")
        if card.chosen is not None
        else tr("You said")
        if card.vote is not None
        else tr("No vote")
    )


def _title(card: Card) -> str:
    if card.vote is None:
        return NO_VOTE
    if card.chosen is not None:
        return card.chosen.member
    if card.vote.is_both_bad:
        return tr("Both bad")
    return tr("Equally good")


def _draw_bet(card: Card) -> str:
    """What the ranker had bet and whether the person agreed."""
    vote, favoured, other = card.vote, card.favoured, card.other
    if vote is None:
        return ""
    if vote.bet is None or favoured is None:
        return markup.remark(NO_BET)
    chance = vote.bet.chance
    line = tr("Before your vote the ranker had bet on {call}", call=_call(card, favoured))
    line += "" if chance is None else tr(" with {chance:.0%}", chance=chance)
    end = {True: tr("you agreed."), False: tr("you saw it differently."), None: tr("you took no side.")}[
        vote.is_agreed
    ]
    bar = ""
    if chance is not None and other is not None:
        bar = revealed.bet_bar(favoured.member, other.member, chance)
    return bar + revealed.bet_line(f"{line}: {end}", is_agreed=vote.is_agreed)


def _call(card: Card, row: Row) -> str:
    return "it" if row.is_chosen else row.member


def _heading(card: Card) -> str:
    """Over the ratings; empty where there is none to come."""
    return "" if card.vote is None else tr("Rating, before and after your vote")


def _draw_row(card: Card, row: Row) -> revealed.Answer:
    marks = [*([(tr("Your choice"), "chosen")] if row.is_chosen else ()), *_mark_bet(row)]
    return revealed.Answer(
        tr("Answer {number}", number=row.number + 1), row.member, tuple(marks), _move(card, row)
    )


def _move(card: Card, row: Row) -> revealed.Move | None:
    if card.vote is None:
        return None
    if row.move is None:
        return revealed.Move("…" if not card.has_moves else tr("not rated yet"), "", "same")
    before, after = row.move.before, row.move.after
    if before is None:
        return revealed.Move("new", _signed(after), "same")
    direction: Direction = "up" if after > before else "down"
    if abs(after - before) < SMALL:
        direction = "same"
    return revealed.Move(_signed(before), _signed(after), direction)


def _signed(rating: float) -> str:
    """With two digits; a nought is none below nought."""
    return say_number(round(rating, 2) + 0.0, "+.2f")

"""The buttons beside the vote on two as HTML. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.language import tr
from blender_ui.ui.asking.picking.steps import BEST, LEAVE, ORDER, PLACE, SEND
from blender_ui.ui.asking.views import Picks
from blender_ui.ui.texts import escape

N_KEYS = 9
"""Answers that have a key of their own, their number."""


def draw_picks(picks: Picks | None) -> str:
    """A button an answer; empty where the vote on two is all there is."""
    if picks is None:
        return ""
    return _draw_best(picks) if picks.order is None else _draw_order(picks, picks.order)


def _draw_best(picks: Picks) -> str:
    buttons = "".join(
        _button(
            BEST,
            number,
            str(number + 1),
            tr("Answer {number} is the best of all", number=number + 1),
            votes=True,
        )
        for number in picks.columns
    )
    said = escape(tr("Order them"))
    order = f'<button type="button" class="key-o" data-act="{ORDER}" data-row="1">{said}</button>'
    return f'<div class="bu-picks"><span>{escape(tr("Or the best of all:"))}</span>{buttons}{order}</div>'


def _draw_order(picks: Picks, order: tuple[int, ...]) -> str:
    buttons = "".join(
        _button(
            PLACE,
            number,
            str(number + 1),
            tr("Answer {number}", number=number + 1)
            + (tr(", place {place}", place=order.index(number) + 1) if number in order else ""),
            place=order.index(number) + 1 if number in order else None,
        )
        for number in picks.columns
    )
    is_whole = len(order) == len(picks.columns)
    send = (
        f'<button type="button" class="bu-send-order key-e key-votes" data-act="{SEND}" data-row="1"'
        f"{'' if is_whole else ' disabled'}>{escape(tr('Send this order'))}</button>"
    )
    leave = (
        f'<button type="button" class="key-o" data-act="{LEAVE}" data-row="1">{escape(tr("Back"))}</button>'
    )
    return (
        f'<div class="bu-picks"><span>{escape(tr("From best to worst:"))}</span>{buttons}{send}{leave}</div>'
    )


def _button(
    act: str, number: int, title: str, said: str, *, votes: bool = False, place: int | None = None
) -> str:
    keys = f"key-{number + 1}" if number < N_KEYS else ""
    shown = f"<sup>{place}.</sup>" if place is not None else ""
    pressed = f' aria-pressed="{"true" if place is not None else "false"}"' if act == PLACE else ""
    return (
        f'<button type="button" class="{keys}{" key-votes" if votes else ""}" data-act="{escape(act)}" '
        f'data-row="{number + 1}" aria-label="{escape(said)}"{pressed}>{escape(title)}{shown}</button>'
    )

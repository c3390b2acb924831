"""The buttons beside the vote on two as HTML. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.language import tr
from blender_ui.ui.asking.picking.steps import BEST, ORDER
from blender_ui.ui.asking.views import Picks
from blender_ui.ui.texts import escape

N_KEYS = 9
"""Answers that have a key of their own, their number."""


def draw_picks(picks: Picks | None) -> str:
    """A button an answer, for the best of all and, folded, for its place; empty where the vote on two is all.

    ``assets/picks.js`` unfolds the order and keeps it until it is sent, so that no press waits for another.
    """
    if picks is None:
        return ""
    return f'<div data-pair="{escape(picks.token)}">{_draw_best(picks)}{_draw_order(picks)}</div>'


def _draw_best(picks: Picks) -> str:
    buttons = "".join(
        _button(
            number,
            tr("Answer {number} is the best of all", number=number + 1),
            f'data-act="{BEST}" data-row="{number + 1}"',
            classes="key-votes",
        )
        for number in picks.columns
    )
    said = escape(tr("Order them"))
    order = f'<button type="button" class="key-o" data-ordering="yes">{said}</button>'
    return f'<div class="bu-picks"><span>{escape(tr("Or the best of all:"))}</span>{buttons}{order}</div>'


def _draw_order(picks: Picks) -> str:
    asked = escape(tr("Put the answers in order: press the best one first."))
    buttons = "".join(
        _button(
            number,
            tr("Answer {number}", number=number + 1),
            f'data-place="{number + 1}" aria-pressed="false"',
            shown="<sup></sup>",
        )
        for number in picks.columns
    )
    send = (
        f'<button type="button" class="bu-send-order key-e key-votes" data-act="{ORDER}" data-row="1" '
        f"disabled>{escape(tr('Send this order'))}</button>"
    )
    leave = f'<button type="button" class="key-o" data-ordering="no">{escape(tr("Back"))}</button>'
    return (
        f'<div class="bu-picks bu-ordering" hidden><p aria-live="polite">{asked}</p>'
        f"{buttons}{send}{leave}</div>"
    )


def _button(number: int, said: str, attributes: str, *, classes: str = "", shown: str = "") -> str:
    keys = f"key-{number + 1}" if number < N_KEYS else ""
    return (
        f'<button type="button" class="{keys} {classes}" {attributes} aria-label="{escape(said)}">'
        f"{number + 1}{shown}</button>"
    )

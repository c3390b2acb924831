"""What plans and late asks change in their components. No events, no decisions."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.asking.choosing.layout import ChoosingParts, LateParts
from blender_ui.ui.asking.choosing.planning import MemberChoice, Offer, Plan
from blender_ui.ui.asking.views import PageView

LEAST_TO_CHOOSE = 2
"""The fewest members among which one can choose."""


def opened_outputs(parts: ChoosingParts) -> list[Any]:
    """What an offer changes."""
    return [parts.box, parts.way, parts.names, parts.line]


def paint_offer(parts: ChoosingParts, offer: Offer) -> dict[Any, Any]:
    """The ways to choose; hidden where there is nothing to choose."""
    return {
        parts.box: gr.update(visible=len(offer.names) >= LEAST_TO_CHOOSE),
        parts.way: gr.update(choices=[*offer.choices], value=offer.value),
        parts.names: gr.update(choices=[*offer.names], value=[*offer.names], visible=False),
        parts.line: markup.remark(offer.line),
    }


def plan_outputs(parts: ChoosingParts) -> list[Any]:
    """What a plan changes."""
    return [parts.line, parts.names, parts.plan]


def paint_plan(parts: ChoosingParts, plan: Plan, *, keeps: bool) -> dict[Any, Any]:
    """The line, and the models to tick where they are.

    Args:
        parts: Are changed.
        plan: What is shown.
        keeps: Whether it is yet to be asked.
    """
    return {
        parts.line: markup.remark(plan.line),
        parts.names: gr.update(visible=plan.way is MemberChoice.HAND),
        parts.plan: plan if keeps else None,
    }


def paint_late(parts: LateParts, view: PageView) -> dict[Any, Any]:
    """Who can be asked also."""
    late = view.late
    return {
        parts.box: gr.update(visible=late.can_ask or bool(late.notice)),
        parts.name: gr.update(
            choices=[*late.names], value=next(iter(late.names), None), visible=bool(late.names)
        ),
        parts.ask: gr.update(
            value="Ask also" if late.names else "Ask one more, unnamed", visible=late.can_ask
        ),
        parts.notice: markup.remark(late.notice),
    }

"""The Blend page's events that begin a round, with a first question or the next one, and that stop it.

Every listener has a function of its own, so that no two share a queue, and a name.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.ui.asking.choosing.painting import paint_plan, plan_outputs
from blender_ui.ui.asking.choosing.planning import MemberChoice, Plan
from blender_ui.ui.asking.choosing.wiring import wire_late
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.layout import BlendParts
from blender_ui.ui.asking.painting import Update, page_outputs, paint_turn
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.streams.wiring import wire_results, wire_stream
from blender_ui.ui.asking.views import Visit
from blender_ui.ui.events import at_once

SHOW_CONVERSATION = """() => {
  document.querySelector("#blend-conversation")?.scrollIntoView({block: "start"});
}"""
"""The answers to the next question stand where those before stood, above the box it is written in."""


def ask_triggers(parts: BlendParts) -> tuple[list[Any], list[Any]]:
    """What begins a first question, and what the next one of a conversation."""
    prompt, going = parts.prompt, parts.go_on
    return (
        [prompt.ask.click, prompt.instruction.submit],
        [going.ask.click, going.question.submit],
    )


def wire_asks(parts: BlendParts, blend: Blend, results: Results) -> list[Any]:
    """Wire what begins and stops answers.

    Args:
        parts: Of the page.
        blend: Its steps.
        results: What comes after the answers.

    Returns:
        What draws the results, which another round makes pointless.
    """
    first, later = ask_triggers(parts)
    asked = _wire_ask(parts, blend, first)
    went = _wire_go_on(parts, blend, later)
    drawing = []
    for begun, name in ((asked, "blend_stream"), (went, "blend_go_on_stream")):
        for number in range(len(parts.columns)):
            settled = wire_stream(parts, blend, number, begun, f"{name}_{number}")
            drawing.append(wire_results(parts, blend, results, settled, f"{name}_{number}_results"))
    drawing.append(wire_late(parts, blend, results))
    _wire_stops(parts, blend)
    return drawing


def _wire_ask(parts: BlendParts, blend: Blend, triggers: list[Any]) -> Any:
    prompt = parts.prompt

    def ask(
        visit: Visit,
        memory: object,
        instruction: str | None,
        text: str | None,
        way: str = MemberChoice.ALL.value,
        ticked: list[str] | None = None,
        shown: Plan | None = None,
    ) -> Update:
        texts = (instruction or "", text or "")
        plan = blend.plan(visit, way, ticked, texts, shown)
        turn = blend.ask(visit, *texts, memory, plan=plan)
        was_asked = turn.visit != visit
        return {
            **paint_turn(parts, blend, visit, turn),
            **paint_plan(parts.choosing, plan, keeps=not was_asked),
            parts.memory: blend.remember(turn.visit, memory),
        }

    asked_way = [parts.choosing.way, parts.choosing.names, parts.choosing.plan]
    return gr.on(
        triggers,
        ask,
        [parts.visit, parts.memory, prompt.instruction, prompt.input, *asked_way],
        [*page_outputs(parts), *plan_outputs(parts.choosing), parts.memory],
        trigger_mode="once",
        **at_once("blend_ask"),
    )


def _wire_go_on(parts: BlendParts, blend: Blend, triggers: list[Any]) -> Any:
    going = parts.go_on

    def go_on(visit: Visit, memory: object, way: str | None, question: str | None) -> Update:
        turn = blend.go_on(visit, way, question or "", memory)
        kept = gr.skip() if turn.notice else ""
        painted = {**paint_turn(parts, blend, visit, turn), parts.memory: blend.remember(turn.visit, memory)}
        return {**painted, going.question: kept}

    went = gr.on(
        triggers,
        go_on,
        [parts.visit, parts.memory, going.way, going.question],
        [*page_outputs(parts), parts.memory, going.question],
        trigger_mode="once",
        **at_once("blend_go_on"),
    )
    went.success(None, js=SHOW_CONVERSATION, api_visibility="private")
    return went


def _wire_stops(parts: BlendParts, blend: Blend) -> None:
    def stop(visit: Visit) -> None:
        blend.stop(visit)

    parts.prompt.stop.click(stop, parts.visit, None, **at_once("blend_stop"))
    for number, column in enumerate(parts.columns):

        def stop_one(visit: Visit, number: int = number) -> None:
            blend.stop_one(visit, number)

        column.stop.click(stop_one, parts.visit, None, **at_once(f"blend_stop_{number}"))

"""The events of the list of earlier rounds: short reads of the store, past the queue."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.ui import markup
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.layout import BlendParts
from blender_ui.ui.asking.painting import Update, page_outputs, paint_turn
from blender_ui.ui.asking.past.drawing import TAKEN_BACK, draw_link, draw_rounds
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.streams.wiring import wire_results
from blender_ui.ui.asking.views import Visit
from blender_ui.ui.events import at_once
from blender_ui.ui.rows import read_act
from blender_ui.ui.shell import NOT_PRESSED


def wire_past(services: Services, parts: BlendParts, blend: Blend, results: Results) -> Any:
    """Wire the list: it is read when it is opened or searched, and a row opens or shares its round.

    Gives what draws the results of an opened round.
    """
    past = parts.past

    def draw(visit: Visit, text: str | None) -> str:
        rounds = services.past_rounds.list_of(visit.annotator_id, text=text or "")
        return draw_rounds(rounds, is_search=bool((text or "").strip()))

    def search(visit: Visit, text: str | None) -> str:
        return draw(visit, text)

    def press(visit: Visit, memory: object, text: str | None, event: gr.EventData = NOT_PRESSED) -> Update:
        try:
            pressed = read_act(event)
            if pressed.name == "share":
                token = services.past_rounds.share(pressed.row, by=visit.annotator_id)
                link = draw_link(f"./shared/{pressed.row}/{token}")
                return {past.said: link, past.rounds: draw(visit, text)}
            if pressed.name == "take_back":
                services.past_rounds.take_back(pressed.row, by=visit.annotator_id)
                return {past.said: markup.notice(TAKEN_BACK, tone="good"), past.rounds: draw(visit, text)}
        except BlenderError as error:
            return {past.said: markup.notice(str(error), tone="warning")}
        turn = blend.open_round(visit, pressed.row)
        painted = {**paint_turn(parts, blend, visit, turn), past.said: ""}
        if turn.visit != visit:
            view = blend.page(turn.visit)
            painted |= {
                parts.memory: blend.remember(turn.visit, memory),
                parts.prompt.instruction: "" if view.conversations else view.instruction,
                parts.prompt.input: "" if view.conversations else view.input,
            }
        return painted

    asked = [parts.visit, past.search]
    past.fold.expand(draw, asked, past.rounds, **at_once("blend_past"))
    past.search.submit(search, asked, past.rounds, **at_once("blend_past_search"))
    shown = [*page_outputs(parts), parts.memory, parts.prompt.instruction, parts.prompt.input]
    pressed = past.rounds.select(
        press,
        [parts.visit, parts.memory, past.search],
        [*shown, past.said, past.rounds],
        trigger_mode="once",
        **at_once("blend_past_press"),
    )
    return wire_results(parts, blend, results, pressed, "blend_past_results")

"""The events of choosing members, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from blender_ui.ui.asking.choosing.painting import paint_plan, plan_outputs
from blender_ui.ui.asking.choosing.planning import Plan
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.layout import BlendParts
from blender_ui.ui.asking.painting import Update, column_outputs, page_outputs, paint_column, paint_turn
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.streams.wiring import N_STREAMS, at_least_once, queued, wire_results, wire_settled
from blender_ui.ui.asking.views import Visit
from blender_ui.ui.events import at_once
from blender_ui.ui.prose import GrowingProse


def wire_late(parts: BlendParts, blend: Blend, results: Results) -> Any:
    """Ask one member more, after the answers. Gives what draws the results with its answer."""

    def ask_also(visit: Visit, name: str | None) -> Update:
        return paint_turn(parts, blend, visit, blend.ask_also(visit, name))

    def stream_last(visit: Visit) -> Iterator[Update]:
        number = len(visit.columns) - 1
        views, prose = blend.stream(visit, number), GrowingProse()
        if 0 <= number < len(parts.columns):
            column = parts.columns[number]
            yield from at_least_once((paint_column(column, view, prose) for view in views), column.head)
        else:
            yield {parts.prompt.notice: gr.skip()}

    late = parts.late
    begun = late.ask.click(
        ask_also,
        [parts.visit, late.name],
        page_outputs(parts),
        trigger_mode="once",
        **at_once("blend_ask_also"),
    )
    every = [part for column in parts.columns for part in column_outputs(column)]
    streamed = begun.success(
        stream_last, parts.visit, [*every, parts.prompt.notice], **queued("blend_also_stream", N_STREAMS)
    )
    settled = wire_settled(parts, blend, streamed, "blend_also_settle")
    return wire_results(parts, blend, results, settled, "blend_also_results")


def wire_choosing(parts: BlendParts, blend: Blend) -> None:
    """Say who would be asked, after a pause in typing."""
    choosing, prompt = parts.choosing, parts.prompt

    def look(
        visit: Visit,
        way: str,
        ticked: list[str],
        instruction: str | None,
        text: str | None,
        shown: Plan | None,
    ) -> Update:
        plan = blend.plan(visit, way, ticked, (instruction or "", text or ""), shown)
        return paint_plan(choosing, plan, keeps=True)

    gr.on(
        [choosing.look.click, choosing.way.input, choosing.names.input],
        look,
        [parts.visit, choosing.way, choosing.names, prompt.instruction, prompt.input, choosing.plan],
        plan_outputs(choosing),
        trigger_mode="always_last",
        **at_once("blend_choose"),
    )

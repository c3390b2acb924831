"""How answers stream into columns, and how the ranking and the fused answer follow them.

Every stream is a listener of its own, so that no column waits for another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.layout import BlendParts
from blender_ui.ui.asking.painting import (
    Update,
    column_outputs,
    page_outputs,
    paint_column,
    paint_page,
    paint_result,
    result_outputs,
)
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.views import Visit
from blender_ui.ui.events import at_once
from blender_ui.ui.prose import GrowingProse

N_STREAMS = 32
"""How many answers of one column are written at once, over all visitors."""
N_RESULTS = 8
"""How many visitors' answers are ranked and fused at once."""


def wire_stream(parts: BlendParts, blend: Blend, number: int, begun: Any, name: str) -> Any:
    """After ``begun``, stream one column and, once it ends, see whether all have."""
    column = parts.columns[number]

    def stream(visit: Visit) -> Iterator[Update]:
        views, prose = blend.stream(visit, number), GrowingProse()
        yield from at_least_once((paint_column(column, view, prose) for view in views), column.head)

    streamed = begun.success(stream, parts.visit, column_outputs(column), **queued(name, N_STREAMS))
    return wire_settled(parts, blend, streamed, f"{name}_settle")


def wire_settled(parts: BlendParts, blend: Blend, streamed: Any, name: str) -> Any:
    """After a stream, see whether all have ended."""

    def settle(visit: Visit) -> Update:
        settled = blend.settle_once(visit) or blend.pair_early(visit)
        if settled is None:
            return {parts.visit: gr.skip()}
        return paint_page(parts, settled, blend.page(settled))

    return streamed.then(settle, parts.visit, page_outputs(parts), **at_once(name))


def wire_results(parts: BlendParts, blend: Blend, results: Results, begun: Any, name: str) -> Any:
    """After ``begun``, rank while the person reads, or show rank and fusion once names are known."""

    def follow(visit: Visit) -> Iterator[Update]:
        views, text = results.follow(visit), GrowingProse()
        yield from at_least_once((paint_result(parts, view, text) for view in views), parts.results.ranking)

    def offer(visit: Visit) -> Any:
        # The fused answer may have come. No value: the person may have chosen one since this was sent.
        return gr.update(choices=[*blend.offer(visit).choices])

    followed = begun.success(follow, parts.visit, result_outputs(parts), **queued(name, N_RESULTS))
    followed.then(offer, parts.visit, parts.go_on.way, **at_once(f"{name}_offer"))
    return followed


def queued(name: str, limit: int) -> dict[str, Any]:
    """Options of a listener that takes its time, ``limit`` visitors at once."""
    return {
        "concurrency_limit": limit,
        "show_progress": "hidden",
        "api_name": name,
        "api_visibility": "private",
    }


def at_least_once(updates: Iterator[Update], component: Any) -> Iterator[Update]:
    """Leave everything as it is where there is no update: Gradio empties the outputs of a generator
    that ends without having yielded."""
    is_empty = True
    for update in updates:
        is_empty = False
        yield update
    if is_empty:
        yield {component: gr.skip()}

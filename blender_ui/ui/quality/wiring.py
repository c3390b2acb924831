"""The quality page's events: which handler a component calls and what its views change."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui import markup
from blender_ui.ui.drift import OF_PEOPLE, draw_drifts
from blender_ui.ui.events import at_once
from blender_ui.ui.plots import agreement_plot
from blender_ui.ui.quality import drawing
from blender_ui.ui.quality.handlers import QualityHandlers, RulingQueue
from blender_ui.ui.quality.layout import QualityParts, RulingParts
from blender_ui.ui.workspace import find_project

Update = dict[Any, Any]
"""New values or properties by component."""


def build_quality(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = QualityHandlers(
        services.quality,
        services.labeling,
        find_project=lambda: find_project(services.access, services.workspaces),
    )
    parts = QualityParts()

    def watch() -> str:
        return draw_drifts(services.drifts.find(), OF_PEOPLE)

    page.load(watch, None, parts.drift, **at_once("quality_drift"))
    _wire_looking(page, parts, handlers)
    _wire_ruling(parts, handlers)


def _wire_looking(page: gr.Blocks, parts: QualityParts, handlers: QualityHandlers) -> None:
    def open_page() -> Update:
        return {**_paint(parts, handlers), **_paint_disagreement(parts.ruling, handlers.next_disagreement())}

    def look_again(passed_over: list[int]) -> Update:
        return {
            **_paint(parts, handlers),
            **_paint_disagreement(parts.ruling, handlers.next_disagreement(passed_over)),
        }

    def figures() -> dict[str, Any]:
        return drawing.list_figures(handlers.view())

    parts.look.click(figures, None, parts.figures, queue=False, api_name="quality_figures")
    outputs = [parts.overall, parts.curve, parts.annotators, parts.pairs, *_ruling_outputs(parts.ruling)]
    page.load(open_page, None, outputs, **at_once("quality_open"))
    parts.refresh.click(look_again, parts.ruling.passed_over, outputs, **at_once("quality_refresh"))


def _wire_ruling(parts: QualityParts, handlers: QualityHandlers) -> None:
    ruling = parts.ruling

    def rule(
        memory: object, comparison_id: int | None, outcome: str | None, reason: str, passed_over: list[int]
    ) -> Update:
        problem = handlers.rule(memory, comparison_id=comparison_id, outcome=outcome, reason=reason)
        if problem:
            return {ruling.notice: markup.notice(problem, tone="warning")}
        said = markup.notice("The ruling is stored and counts from now on.", tone="good")
        return {**_paint_disagreement(ruling, handlers.next_disagreement(passed_over)), ruling.notice: said}

    def pass_over(comparison_id: int | None, passed_over: list[int]) -> Update:
        passed = [*passed_over, *([comparison_id] if comparison_id is not None else [])]
        return {
            **_paint_disagreement(ruling, handlers.next_disagreement(passed)),
            ruling.passed_over: passed,
            ruling.notice: "",
        }

    given = [parts.memory, ruling.comparison_id, ruling.outcome, ruling.reason, ruling.passed_over]
    outputs = [*_ruling_outputs(ruling), ruling.notice]
    ruling.rule.click(rule, given, outputs, **at_once("quality_rule"))
    ruling.pass_over.click(
        pass_over,
        [ruling.comparison_id, ruling.passed_over],
        [*outputs, ruling.passed_over],
        **at_once("quality_pass"),
    )


def _ruling_outputs(ruling: RulingParts) -> list[Any]:
    return [
        ruling.pair,
        ruling.comparison_id,
        ruling.outcome,
        ruling.reason,
        ruling.rule,
        ruling.pass_over,
    ]


def _paint(parts: QualityParts, handlers: QualityHandlers) -> Update:
    view = handlers.view()
    has_curve = len(view.windows) > 1
    return {
        parts.overall: drawing.draw_overall(view),
        parts.curve: gr.update(value=agreement_plot(view.windows) if has_curve else None, visible=has_curve),
        parts.annotators: drawing.draw_annotators(view.annotators),
        parts.pairs: drawing.draw_pairs(view.pairs),
    }


def _paint_disagreement(ruling: RulingParts, waiting: RulingQueue) -> Update:
    is_open = waiting.shown is not None
    return {
        ruling.pair: drawing.draw_next(waiting),
        ruling.comparison_id: waiting.shown.comparison_id if waiting.shown is not None else None,
        ruling.outcome: gr.update(value=None, interactive=is_open),
        ruling.reason: gr.update(value="", interactive=is_open),
        ruling.rule: gr.update(interactive=is_open),
        ruling.pass_over: gr.update(interactive=is_open),
    }

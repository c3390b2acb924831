"""What each view of the Blend page changes in its components. No events, no decisions."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.language import tr
from blender_ui.ui.asking import drawing, result_drawing
from blender_ui.ui.asking.choosing.painting import paint_late
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.layout import BlendParts, ColumnParts
from blender_ui.ui.asking.picking.drawing import draw_picks
from blender_ui.ui.asking.results import compare, first_to_compare, shown_text
from blender_ui.ui.asking.reveal.drawing import draw_card
from blender_ui.ui.asking.views import ColumnView, PageView, Progress, ResultView, Turn, Visit
from blender_ui.ui.marked import differences
from blender_ui.ui.prose import GrowingProse

Update = dict[Any, Any]
"""New values or properties by component."""


def column_outputs(column: ColumnParts) -> list[Any]:
    """What a column's view changes."""
    return [column.head, column.fold, column.thinking, column.text, column.foot, column.stop, column.retry]


def page_outputs(parts: BlendParts) -> list[Any]:
    """What the page's view changes."""
    prompt, vote = parts.prompt, parts.vote
    columns = [part for column in parts.columns for part in (column.box, *column_outputs(column))]
    own = [parts.visit, prompt.ask, prompt.stop, prompt.notice, parts.results.box, parts.conversation]
    own.append(parts.results.card)
    own += [parts.go_on.box, parts.go_on.way]
    own += [parts.late.box, parts.late.name, parts.late.ask, parts.late.notice]
    bar = [vote.bar, vote.question, vote.picks, vote.choices, vote.first, vote.second]
    return [*own, *columns, *bar, vote.skip, vote.show, vote.undo, vote.reason]


def result_outputs(parts: BlendParts) -> list[Any]:
    """What a result's view changes."""
    shown = parts.results
    drawn: list[Any] = [shown.card, shown.ranking, shown.title, shown.fused_notice, shown.fused, shown.record]
    drawn += [shown.again, shown.shares, shown.attributed, shown.below_tab, shown.below]
    return [parts.result, *drawn, shown.member, shown.differences]


def paint_turn(parts: BlendParts, blend: Blend, before: Visit, turn: Turn) -> Update:
    """The page after a step; only its notice where nothing was done."""
    if turn.visit == before:
        return {parts.prompt.notice: drawing.draw_notice(turn.notice)}
    return paint_page(parts, turn.visit, blend.page(turn.visit, notice=turn.notice))


def paint_page(parts: BlendParts, visit: Visit, view: PageView) -> Update:
    """The page's view."""
    has_results = view.is_revealed and view.are_compared
    painted: Update = {
        parts.visit: visit,
        parts.prompt.ask: gr.update(interactive=not view.is_asking),
        parts.prompt.stop: gr.update(visible=view.is_asking),
        parts.prompt.notice: drawing.draw_notice(view.notice),
        parts.results.box: gr.update(visible=has_results),
        parts.results.card: draw_card(view.card),
        parts.conversation: drawing.draw_conversations(view),
        parts.go_on.box: gr.update(visible=bool(view.ways.choices)),
        parts.go_on.way: gr.update(choices=[*view.ways.choices], value=view.ways.chosen),
        **_paint_vote(parts, view),
        **paint_late(parts.late, view),
    }
    for number, column in enumerate(parts.columns):
        painted[column.box] = gr.update(visible=number < len(view.columns))
        if number < len(view.columns):
            painted |= paint_column(column, view.columns[number])
    return painted


def paint_column(column: ColumnParts, view: ColumnView, growing: GrowingProse | None = None) -> Update:
    """One column; ``growing`` where its answer is being written."""
    return {
        column.head: drawing.draw_column_head(view),
        column.fold: gr.update(visible=bool(view.thinking)),
        column.thinking: drawing.draw_thinking(view),
        column.text: drawing.draw_text(view.text, growing if view.progress is Progress.WRITING else None),
        column.foot: drawing.draw_column_foot(view),
        column.stop: gr.update(visible=view.progress in (Progress.WAITING, Progress.WRITING)),
        column.retry: gr.update(visible=view.progress is Progress.FAILED),
    }


def _paint_vote(parts: BlendParts, view: PageView) -> Update:
    pair, vote = view.pair, parts.vote
    first, second = (pair.first + 1, pair.second + 1) if pair else (1, 2)
    return {
        vote.bar: gr.update(visible=pair is not None or view.can_reveal or view.can_undo),
        vote.question: drawing.draw_question(view),
        vote.picks: draw_picks(view.picks),
        vote.choices: gr.update(visible=pair is not None),
        vote.first: gr.update(value=tr("Answer {first}", first=first)),
        vote.second: gr.update(value=tr("Answer {second}", second=second)),
        vote.skip: gr.update(visible=pair is not None),
        vote.show: gr.update(visible=view.can_reveal),
        vote.undo: gr.update(visible=view.can_undo),
        vote.reason: gr.update(visible=pair is not None),
    }


def paint_result(parts: BlendParts, view: ResultView, growing: GrowingProse) -> Update:
    """The ranking and the fused answer, as far as they are."""
    shown = parts.results
    below = result_drawing.draw_below(view.fusion)
    painted: Update = {
        shown.ranking: result_drawing.draw_ranking(view),
        shown.title: result_drawing.draw_title(view.fusion),
        shown.fused_notice: result_drawing.draw_fusion_notice(view),
        shown.fused: drawing.draw_text(shown_text(view), None if view.is_done else growing),
        shown.record: result_drawing.draw_record(view.fusion),
        shown.again: gr.update(visible=view.is_done and view.fusion is not None),
        shown.shares: result_drawing.draw_shares(view.fusion),
        shown.attributed: result_drawing.draw_attributed(view.fusion),
        shown.below_tab: gr.update(visible=bool(below)),
        shown.below: below,
        shown.differences: differences(compare(view, first_to_compare(view))),
    }
    if view.card is not None:
        painted[shown.card] = draw_card(view.card)
    if view.is_done:
        members = [source.member for source in view.fusion.sources] if view.fusion else []
        painted[parts.result] = view
        painted[shown.member] = gr.update(choices=members, value=first_to_compare(view))
    return painted

"""The Blend page's events: which handler a component calls and what its views change.

Every listener has a function of its own, so that no two share a queue, and a name. Work on the
store runs outside the queue; answers, ranking and fusing run in it, many visitors at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui.asking import drawing, result_drawing
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.layout import BlendParts, ColumnParts, draw_blend
from blender_ui.ui.asking.results import Results, compare, first_to_compare, shown_text
from blender_ui.ui.asking.views import Choice, ColumnView, PageView, Progress, ResultView, Turn, Visit
from blender_ui.ui.events import at_once
from blender_ui.ui.marked import differences
from blender_ui.ui.prose import GrowingProse

N_STREAMS = 32
"""How many answers of one column are written at once, over all visitors."""
N_RESULTS = 8
"""How many visitors' answers are ranked and fused at once."""

Update = dict[Any, Any]
"""New values or properties by component."""

VOTE_ENDED = "() => { document.dispatchEvent(new Event('blend-vote-ended')); }"
"""Tells ``assets/page.js`` that a vote or skip is over, whatever came of it."""
SHOW_CONVERSATION = """() => {
  document.querySelector("#blend-conversation")?.scrollIntoView({block: "start"});
}"""
"""The answers to the next question stand where those before stood, above the box it is written in."""


def build_blend(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context."""
    blend = Blend(services)
    results = Results(services)
    parts = draw_blend(blend.n_places, n_members=blend.n_columns)
    shown = [
        _wire_open(page, parts, blend, results),
        *_wire_voting(parts, blend, results),
        *_wire_retries(parts, blend, results),
        _wire_again(parts, results),
    ]
    _wire_asking(parts, blend, results, cancels=shown)
    _wire_comparison(parts)


def _wire_open(page: gr.Blocks, parts: BlendParts, blend: Blend, results: Results) -> Any:
    def open_page(memory: object) -> Update:
        opened = blend.open(memory)
        view = blend.page(opened.visit)
        painted = {**_paint_page(parts, opened.visit, view), parts.memory: opened.memory}
        if opened.visit.prompt_id is not None:  # else something may have been typed already
            # A later question stands below its conversation: asked above, it would begin another one.
            is_first = not view.conversations
            painted |= {
                parts.prompt.instruction: view.instruction if is_first else "",
                parts.prompt.input: view.input if is_first else "",
            }
        return painted

    def await_others(visit: Visit) -> Update:
        if not visit.is_asking:
            return {parts.visit: visit}
        settled = blend.await_others(visit)
        return _paint_page(parts, settled, blend.page(settled))

    outputs = [*_page_outputs(parts), parts.memory, parts.prompt.instruction, parts.prompt.input]
    opened = page.load(open_page, parts.memory, outputs, **at_once("blend_open"))
    waited = opened.success(
        await_others, parts.visit, _page_outputs(parts), **_queued("blend_open_wait", N_STREAMS)
    )
    return _wire_results(parts, blend, results, waited, "blend_open_results")


def _wire_asking(parts: BlendParts, blend: Blend, results: Results, *, cancels: list[Any]) -> None:
    prompt, going = parts.prompt, parts.go_on

    def ask(visit: Visit, memory: object, instruction: str | None, text: str | None) -> Update:
        turn = blend.ask(visit, instruction or "", text or "", memory)
        return {**_paint_turn(parts, blend, visit, turn), parts.memory: blend.remember(turn.visit, memory)}

    def go_on(visit: Visit, memory: object, way: str | None, question: str | None) -> Update:
        turn = blend.go_on(visit, way, question or "", memory)
        kept = gr.skip() if turn.notice else ""
        painted = {**_paint_turn(parts, blend, visit, turn), parts.memory: blend.remember(turn.visit, memory)}
        return {**painted, going.question: kept}

    def stop(visit: Visit) -> None:
        blend.stop(visit)

    asked = gr.on(
        [prompt.ask.click, prompt.instruction.submit],
        ask,
        [parts.visit, parts.memory, prompt.instruction, prompt.input],
        [*_page_outputs(parts), parts.memory],
        trigger_mode="once",
        cancels=cancels,
        **at_once("blend_ask"),
    )
    went = gr.on(
        [going.ask.click, going.question.submit],
        go_on,
        [parts.visit, parts.memory, going.way, going.question],
        [*_page_outputs(parts), parts.memory, going.question],
        trigger_mode="once",
        cancels=cancels,
        **at_once("blend_go_on"),
    )
    went.success(None, js=SHOW_CONVERSATION, api_visibility="private")
    own = []
    for begun, name in ((asked, "blend_stream"), (went, "blend_go_on_stream")):
        for number in range(len(parts.columns)):
            settled = _wire_stream(parts, blend, number, begun, f"{name}_{number}")
            own.append(_wire_results(parts, blend, results, settled, f"{name}_{number}_results"))
    for begins in (
        [prompt.ask.click, prompt.instruction.submit],
        [going.ask.click, going.question.submit],
    ):
        gr.on(begins, None, cancels=own, api_visibility="private")
    prompt.stop.click(stop, parts.visit, None, **at_once("blend_stop"))


def _wire_retries(parts: BlendParts, blend: Blend, results: Results) -> Iterator[Any]:
    for number, column in enumerate(parts.columns):

        def retry(visit: Visit, number: int = number) -> Update:
            return _paint_turn(parts, blend, visit, blend.retry(visit, number))

        name = f"blend_retry_{number}"
        outputs = _page_outputs(parts)
        retried = column.retry.click(retry, parts.visit, outputs, trigger_mode="once", **at_once(name))
        settled = _wire_stream(parts, blend, number, retried, f"{name}_stream")
        yield _wire_results(parts, blend, results, settled, f"{name}_results")


def _wire_stream(parts: BlendParts, blend: Blend, number: int, begun: Any, name: str) -> Any:
    """After ``begun``, stream one column and, once it ends, see whether all have."""
    column = parts.columns[number]

    def stream(visit: Visit) -> Iterator[Update]:
        views, prose = blend.stream(visit, number), GrowingProse()
        yield from _at_least_once((_paint_column(column, view, prose) for view in views), column.head)

    def settle(visit: Visit) -> Update:
        settled = blend.settle_once(visit)
        if settled is None:
            return {parts.visit: gr.skip()}
        return _paint_page(parts, settled, blend.page(settled))

    streamed = begun.success(stream, parts.visit, _column_outputs(column), **_queued(name, N_STREAMS))
    return streamed.then(settle, parts.visit, _page_outputs(parts), **at_once(f"{name}_settle"))


def _wire_voting(parts: BlendParts, blend: Blend, results: Results) -> Iterator[Any]:
    vote = parts.vote
    for button, choice in (
        (vote.first, Choice.FIRST),
        (vote.tie, Choice.TIE),
        (vote.both_bad, Choice.BOTH_BAD),
        (vote.second, Choice.SECOND),
    ):

        def take(visit: Visit, reason: str, choice: Choice = choice) -> Turn:
            return blend.vote(visit, choice, reason)

        name = f"blend_vote_{choice.value}"
        voted = _wire_step(parts, blend, button, name, take)
        _wire_vote_end(voted)
        yield _wire_results(parts, blend, results, voted, f"{name}_results")
    shown = _wire_step(parts, blend, vote.show, "blend_show", lambda visit, _reason: blend.reveal(visit))
    yield _wire_results(parts, blend, results, shown, "blend_show_results")
    _wire_vote_end(
        _wire_step(parts, blend, vote.skip, "blend_skip", lambda visit, _reason: blend.skip(visit))
    )
    _wire_step(parts, blend, vote.undo, "blend_undo", lambda visit, _reason: blend.undo(visit))


def _wire_step(
    parts: BlendParts, blend: Blend, button: gr.Button, name: str, take: Callable[[Visit, str], Turn]
) -> Any:
    def step(visit: Visit, memory: object, reason: str | None) -> Update:
        turn = take(visit, reason or "")
        return {**_paint_turn(parts, blend, visit, turn), parts.memory: blend.remember(turn.visit, memory)}

    return button.click(
        step,
        [parts.visit, parts.memory, parts.vote.reason],
        [*_page_outputs(parts), parts.memory],
        trigger_mode="once",
        **at_once(name),
    )


def _wire_vote_end(step: Any) -> None:
    for ended in (step.success, step.failure):  # ``then`` does not follow a failure in Gradio 6.31
        ended(None, js=VOTE_ENDED, api_visibility="private")


def _wire_results(parts: BlendParts, blend: Blend, results: Results, begun: Any, name: str) -> Any:
    """After ``begun``, rank while the person reads, or show rank and fusion once names are known."""

    def follow(visit: Visit) -> Iterator[Update]:
        views, text = results.follow(visit), GrowingProse()
        yield from _at_least_once((_paint_result(parts, view, text) for view in views), parts.results.ranking)

    def offer(visit: Visit, chosen: str | None) -> Any:
        ways = blend.offer(visit, chosen)  # the fused answer may have come
        return gr.update(choices=[*ways.choices], value=ways.chosen)

    way = parts.go_on.way
    followed = begun.success(follow, parts.visit, _result_outputs(parts), **_queued(name, N_RESULTS))
    followed.then(offer, [parts.visit, way], way, **at_once(f"{name}_offer"))
    return followed


def _wire_again(parts: BlendParts, results: Results) -> Any:
    def fuse_again(visit: Visit) -> Iterator[Update]:
        views, text = results.fuse_again(visit, rounds=2), GrowingProse()
        yield from _at_least_once((_paint_result(parts, view, text) for view in views), parts.results.ranking)

    return parts.results.again.click(
        fuse_again,
        parts.visit,
        _result_outputs(parts),
        trigger_mode="once",
        **_queued("blend_fuse_again", N_RESULTS),
    )


def _wire_comparison(parts: BlendParts) -> None:
    def compare_with(result: ResultView | None, member: str | None) -> str:
        return differences(compare(result, member))

    parts.results.member.change(
        compare_with,
        [parts.result, parts.results.member],
        parts.results.differences,
        **at_once("blend_compare"),
    )


def _queued(name: str, limit: int) -> dict[str, Any]:
    """Options of a listener that takes its time, ``limit`` visitors at once."""
    return {
        "concurrency_limit": limit,
        "show_progress": "hidden",
        "api_name": name,
        "api_visibility": "private",
    }


def _at_least_once(updates: Iterator[Update], component: Any) -> Iterator[Update]:
    """Leave everything as it is where there is no update: Gradio empties the outputs of a generator
    that ends without having yielded."""
    is_empty = True
    for update in updates:
        is_empty = False
        yield update
    if is_empty:
        yield {component: gr.skip()}


def _column_outputs(column: ColumnParts) -> list[Any]:
    return [column.head, column.fold, column.thinking, column.text, column.foot, column.retry]


def _page_outputs(parts: BlendParts) -> list[Any]:
    prompt, vote = parts.prompt, parts.vote
    columns = [part for column in parts.columns for part in (column.box, *_column_outputs(column))]
    own = [parts.visit, prompt.ask, prompt.stop, prompt.notice, parts.results.box, parts.conversation]
    own += [parts.go_on.box, parts.go_on.way]
    bar = [vote.bar, vote.question, vote.choices, vote.first, vote.second]
    return [*own, *columns, *bar, vote.skip, vote.show, vote.undo, vote.reason]


def _result_outputs(parts: BlendParts) -> list[Any]:
    shown = parts.results
    drawn: list[Any] = [shown.ranking, shown.title, shown.fused_notice, shown.fused, shown.record]
    drawn += [shown.again, shown.shares, shown.attributed, shown.below_tab, shown.below]
    return [parts.result, *drawn, shown.member, shown.differences]


def _paint_turn(parts: BlendParts, blend: Blend, before: Visit, turn: Turn) -> Update:
    if turn.visit == before:
        return {parts.prompt.notice: drawing.draw_notice(turn.notice)}
    return _paint_page(parts, turn.visit, blend.page(turn.visit, notice=turn.notice))


def _paint_page(parts: BlendParts, visit: Visit, view: PageView) -> Update:
    painted: Update = {
        parts.visit: visit,
        parts.prompt.ask: gr.update(interactive=not view.is_asking),
        parts.prompt.stop: gr.update(visible=view.is_asking),
        parts.prompt.notice: drawing.draw_notice(view.notice),
        parts.results.box: gr.update(visible=view.is_revealed and view.are_compared),
        parts.conversation: drawing.draw_conversations(view),
        parts.go_on.box: gr.update(visible=bool(view.ways.choices)),
        parts.go_on.way: gr.update(choices=[*view.ways.choices], value=view.ways.chosen),
        **_paint_vote(parts, view),
    }
    for number, column in enumerate(parts.columns):
        painted[column.box] = gr.update(visible=number < len(view.columns))
        if number < len(view.columns):
            painted |= _paint_column(column, view.columns[number])
    return painted


def _paint_column(column: ColumnParts, view: ColumnView, growing: GrowingProse | None = None) -> Update:
    return {
        column.head: drawing.draw_column_head(view),
        column.fold: gr.update(visible=bool(view.thinking)),
        column.thinking: drawing.draw_thinking(view),
        column.text: drawing.draw_text(view.text, growing if view.progress is Progress.WRITING else None),
        column.foot: drawing.draw_column_foot(view),
        column.retry: gr.update(visible=view.progress is Progress.FAILED),
    }


def _paint_vote(parts: BlendParts, view: PageView) -> Update:
    pair, vote = view.pair, parts.vote
    first, second = (pair.first + 1, pair.second + 1) if pair else (1, 2)
    return {
        vote.bar: gr.update(visible=pair is not None or view.can_reveal or view.can_undo),
        vote.question: drawing.draw_question(pair, can_reveal=view.can_reveal, can_undo=view.can_undo),
        vote.choices: gr.update(visible=pair is not None),
        vote.first: gr.update(value=f"Answer {first}"),
        vote.second: gr.update(value=f"Answer {second}"),
        vote.skip: gr.update(visible=pair is not None),
        vote.show: gr.update(visible=view.can_reveal),
        vote.undo: gr.update(visible=view.can_undo),
        vote.reason: gr.update(visible=pair is not None),
    }


def _paint_result(parts: BlendParts, view: ResultView, growing: GrowingProse) -> Update:
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
    if view.is_done:
        members = [source.member for source in view.fusion.sources] if view.fusion else []
        painted[parts.result] = view
        painted[shown.member] = gr.update(choices=members, value=first_to_compare(view))
    return painted

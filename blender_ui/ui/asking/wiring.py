"""The Blend page's events: which handler a component calls and what its views change.

Every listener has a function of its own, so that no two share a queue, and a name. Work on the
store runs outside the queue; answers, ranking and fusing run in it, many visitors at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.services.people.access import Mode
from blender_ui.ui.asking.asks.wiring import ask_triggers, wire_asks
from blender_ui.ui.asking.choosing.painting import opened_outputs, paint_offer
from blender_ui.ui.asking.choosing.wiring import wire_choosing
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.layout import BlendParts, draw_blend
from blender_ui.ui.asking.painting import (
    Update,
    page_outputs,
    paint_column,
    paint_page,
    paint_result,
    paint_turn,
    result_outputs,
)
from blender_ui.ui.asking.past.wiring import wire_past
from blender_ui.ui.asking.results import Results, compare
from blender_ui.ui.asking.streams.wiring import (
    N_RESULTS,
    N_STREAMS,
    at_least_once,
    queued,
    wire_results,
    wire_stream,
)
from blender_ui.ui.asking.views import Choice, ResultView, Turn, Visit
from blender_ui.ui.events import at_once
from blender_ui.ui.marked import differences
from blender_ui.ui.prose import GrowingProse
from blender_ui.ui.shell import NOT_PRESSED

OPENED = "() => { document.body.dataset.blendOpen = 'yes'; }"
WHEN_OPEN = """async (...given) => {
  const until = Date.now() + 15000;
  while (!document.body.dataset.blendOpen && Date.now() < until) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return given;
}"""
"""A round that was pressed before the page knew its visitor is opened as soon as it does."""
NOT_YOURS = "This address leads to a round that is not one of yours. Ask who sent it for a link to share."
VOTE_ENDED = "() => { document.dispatchEvent(new Event('blend-vote-ended')); }"
"""Tells ``assets/page.js`` that a vote or skip is over, whatever came of it."""
SHOW_REVEAL = """() => {
  const reveal = document.querySelector("#blend-reveal");
  if (reveal?.offsetParent) reveal.scrollIntoView({block: "start"});
}"""
"""The card and the fused answer stand in one view, with the answers and their names below them."""


def build_blend(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context."""
    blend = Blend(services)
    results = Results(services)
    recorded = [one.instruction for one in services.recorded.examples()]
    is_demo = services.access.mode is Mode.DEMO
    parts = draw_blend(blend.n_places, n_members=blend.n_columns, recorded=recorded, is_demo=is_demo)
    drawing = [
        _wire_open(page, parts, blend, results),
        *_wire_voting(parts, blend, results),
        *_wire_retries(parts, blend, results),
        _wire_again(parts, results),
        *wire_asks(parts, blend, results),
        wire_past(services, parts, blend, results),
    ]
    begins = [*ask_triggers(parts), [parts.late.ask.click], [parts.past.rounds.select]]
    if parts.prompt.examples is not None:
        drawing.append(_wire_recorded(parts, parts.prompt.examples, blend, results))
        begins.append([parts.prompt.examples.click])
    for triggers in begins:  # what still draws the round before would draw over the one that begins
        gr.on(triggers, None, cancels=drawing, api_visibility="private")
    _wire_comparison(parts)
    wire_choosing(parts, blend)


def read_round(parameters: Mapping[str, str] | None) -> int | None:
    """The round that an address asks for; None where it asks for none."""
    value = (parameters or {}).get("round", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _wire_open(page: gr.Blocks, parts: BlendParts, blend: Blend, results: Results) -> Any:
    def open_page(memory: object, request: gr.Request | None = None) -> Update:
        wished = read_round(None if request is None else request.query_params)
        opened = blend.open(memory, wished=wished)
        is_there = wished is None or opened.visit.prompt_id == wished
        view = blend.page(opened.visit, notice="" if is_there else NOT_YOURS)
        painted = {
            **paint_page(parts, opened.visit, view),
            **paint_offer(parts.choosing, blend.planning.offer(opened.visit.prompt_id)),
            parts.memory: opened.memory,
        }
        if opened.visit.prompt_id is not None:  # else something may have been typed already
            # A later question stands below its conversation: asked above, it would begin another one.
            is_first = not view.conversations
            painted |= {
                parts.prompt.instruction: view.instruction if is_first else "",
                parts.prompt.input: view.input if is_first else "",
            }
        return painted

    def watch(visit: Visit) -> Iterator[Update]:
        if not visit.is_asking:
            yield {parts.visit: gr.skip()}
            return
        prose = [GrowingProse() for _ in parts.columns]
        for view in blend.watch(visit):
            yield paint_column(parts.columns[view.number], view, prose[view.number])
        settled = blend.settle(visit)
        yield paint_page(parts, settled, blend.page(settled))

    outputs = [*page_outputs(parts), parts.memory, parts.prompt.instruction, parts.prompt.input]
    outputs += opened_outputs(parts.choosing)
    opened = page.load(open_page, parts.memory, outputs, **at_once("blend_open"))
    opened.success(None, js=OPENED, api_visibility="private")
    waited = opened.success(watch, parts.visit, page_outputs(parts), **queued("blend_open_wait", N_STREAMS))
    return wire_results(parts, blend, results, waited, "blend_open_results")


def _wire_recorded(parts: BlendParts, examples: gr.Dataset, blend: Blend, results: Results) -> Any:
    prompt = parts.prompt

    def open_example(visit: Visit, memory: object, number: int) -> Update:
        turn = blend.open_example(visit, number, memory)
        painted = {
            **paint_turn(parts, blend, visit, turn),
            parts.memory: blend.remember(turn.visit, memory),
        }
        if turn.visit.prompt_id is not None and turn.visit != visit:
            view = blend.page(turn.visit)
            painted |= {prompt.instruction: view.instruction, prompt.input: view.input}
        return painted

    opened = examples.click(
        open_example,
        [parts.visit, parts.memory, examples],
        [*page_outputs(parts), parts.memory, prompt.instruction, prompt.input],
        js=WHEN_OPEN,
        trigger_mode="once",
        **at_once("blend_example"),
    )
    return wire_results(parts, blend, results, opened, "blend_example_results")


def _wire_retries(parts: BlendParts, blend: Blend, results: Results) -> Iterator[Any]:
    for number, column in enumerate(parts.columns):

        def retry(visit: Visit, number: int = number) -> Update:
            return paint_turn(parts, blend, visit, blend.retry(visit, number))

        name = f"blend_retry_{number}"
        outputs = page_outputs(parts)
        retried = column.retry.click(retry, parts.visit, outputs, trigger_mode="once", **at_once(name))
        settled = wire_stream(parts, blend, number, retried, f"{name}_stream")
        yield wire_results(parts, blend, results, settled, f"{name}_results")


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
        voted.success(None, js=SHOW_REVEAL, api_visibility="private")
        yield wire_results(parts, blend, results, voted, f"{name}_results")
    yield _wire_picks(parts, blend, results)
    shown = _wire_step(parts, blend, vote.show, "blend_show", lambda visit, _reason: blend.reveal(visit))
    shown.success(None, js=SHOW_REVEAL, api_visibility="private")
    yield wire_results(parts, blend, results, shown, "blend_show_results")
    skipped = _wire_step(parts, blend, vote.skip, "blend_skip", lambda visit, _reason: blend.skip(visit))
    _wire_vote_end(skipped)
    yield wire_results(parts, blend, results, skipped, "blend_skip_results")
    _wire_step(parts, blend, vote.undo, "blend_undo", lambda visit, _reason: blend.undo(visit))


def _wire_picks(parts: BlendParts, blend: Blend, results: Results) -> Any:
    def pick(visit: Visit, memory: object, reason: str | None, event: gr.EventData = NOT_PRESSED) -> Update:
        turn = blend.pick(visit, event, reason or "")
        return {**paint_turn(parts, blend, visit, turn), parts.memory: blend.remember(turn.visit, memory)}

    picked = parts.vote.picks.select(
        pick,
        [parts.visit, parts.memory, parts.vote.reason],
        [*page_outputs(parts), parts.memory],
        trigger_mode="once",
        **at_once("blend_pick"),
    )
    _wire_vote_end(picked)
    picked.success(None, js=SHOW_REVEAL, api_visibility="private")
    return wire_results(parts, blend, results, picked, "blend_pick_results")


def _wire_step(
    parts: BlendParts, blend: Blend, button: gr.Button, name: str, take: Callable[[Visit, str], Turn]
) -> Any:
    def step(visit: Visit, memory: object, reason: str | None) -> Update:
        turn = take(visit, reason or "")
        return {**paint_turn(parts, blend, visit, turn), parts.memory: blend.remember(turn.visit, memory)}

    return button.click(
        step,
        [parts.visit, parts.memory, parts.vote.reason],
        [*page_outputs(parts), parts.memory],
        trigger_mode="once",
        **at_once(name),
    )


def _wire_vote_end(step: Any) -> None:
    for ended in (step.success, step.failure):  # ``then`` does not follow a failure in Gradio 6.31
        ended(None, js=VOTE_ENDED, api_visibility="private")


def _wire_again(parts: BlendParts, results: Results) -> Any:
    def fuse_again(visit: Visit) -> Iterator[Update]:
        views, text = results.fuse_again(visit, rounds=2), GrowingProse()
        yield from at_least_once((paint_result(parts, view, text) for view in views), parts.results.ranking)

    return parts.results.again.click(
        fuse_again,
        parts.visit,
        result_outputs(parts),
        trigger_mode="once",
        **queued("blend_fuse_again", N_RESULTS),
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

"""The inspect page's events: which handler a component calls and what its views change.

Reading the store runs past the queue; ranking runs in it, because it may wait for the reader.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.ui import markup
from blender_ui.ui.inspect import drawing
from blender_ui.ui.inspect.handlers import Decision, InspectHandlers
from blender_ui.ui.inspect.layout import DecisionParts, MembersParts, draw_inspect
from blender_ui.ui.plots import logits_plot, ratings_plot

N_RANKINGS = 4
"""How many visitors' prompts are ranked at once."""
Update = dict[Any, Any]
"""New values or properties by component."""


def build_inspect(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = InspectHandlers(services.inspection, services.ranking)
    parts = draw_inspect()
    _wire_decision(page, parts.decision, handlers)
    _wire_members(parts.members, handlers)


def _wire_decision(page: gr.Blocks, parts: DecisionParts, handlers: InspectHandlers) -> None:
    def open_page(request: gr.Request) -> Update:
        wanted = request.query_params.get("prompt", "") if request is not None else ""
        entries = handlers.find_prompts(f"#{wanted}" if wanted else "")
        return _paint_choices(parts, handlers, entries)

    def search(text: str) -> Update:
        return _paint_choices(parts, handlers, handlers.find_prompts(text))

    def choose_prompt(prompt_id: int) -> Update:
        return _paint(parts, handlers, prompt_id, None)

    def choose_ranking(prompt_id: int, ranking_id: int) -> Update:
        return _paint(parts, handlers, prompt_id, ranking_id)

    def rank(prompt_id: int) -> Update:
        ranked = handlers.rank(prompt_id)
        if ranked.ranking_id is None:
            return {parts.notice: markup.notice(ranked.notice, tone="warning")}
        return _paint(parts, handlers, prompt_id, ranked.ranking_id)

    shown = [
        parts.ranking, parts.notice, parts.texts, parts.ranks, parts.heat, parts.logits, parts.votes,
        parts.failures,
    ]  # fmt: skip
    page.load(open_page, None, [parts.prompt, *shown], **_at_once("inspect_open"))
    parts.search.submit(search, parts.search, [parts.prompt, *shown], **_at_once("inspect_search"))
    parts.prompt.input(choose_prompt, parts.prompt, shown, **_at_once("inspect_prompt"))
    parts.ranking.input(choose_ranking, [parts.prompt, parts.ranking], shown, **_at_once("inspect_ranking"))
    parts.rank.click(
        rank,
        parts.prompt,
        shown,
        concurrency_limit=N_RANKINGS,
        show_progress_on=parts.rank,
        api_name="inspect_rank",
        api_visibility="private",
    )


def _wire_members(parts: MembersParts, handlers: InspectHandlers) -> None:
    def show_members() -> Update:
        view = handlers.rate_members()
        plot = ratings_plot(
            [one.member for one in view.members],
            [one.rating for one in view.members],
            [one.low for one in view.members],
            [one.high for one in view.members],
        )
        return {
            parts.ratings: drawing.draw_ratings(view),
            parts.plot: gr.update(value=plot, visible=bool(view.members)),
            parts.wins: drawing.draw_wins(view),
        }

    parts.tab.select(
        show_members, None, [parts.ratings, parts.plot, parts.wins], **_at_once("inspect_members")
    )


def _paint_choices(parts: DecisionParts, handlers: InspectHandlers, entries: Any) -> Update:
    choices = [(drawing.say_prompt(entry), entry.prompt_id) for entry in entries]
    first = entries[0].prompt_id if entries else None
    prompt = gr.update(choices=choices, value=first)
    if first is None:
        said = markup.notice("No prompt has these words.", tone="warning")
        return {parts.prompt: prompt, parts.notice: said}
    return {parts.prompt: prompt, **_paint(parts, handlers, first, None)}


def _paint(parts: DecisionParts, handlers: InspectHandlers, prompt_id: object, ranking_id: object) -> Update:
    try:
        decision = handlers.get_decision(prompt_id, ranking_id)
    except BlenderError as error:
        return {parts.notice: markup.notice(str(error), tone="warning")}
    return {
        parts.notice: "",
        parts.ranking: _paint_rankings(decision),
        parts.texts: drawing.draw_prompt(decision),
        parts.ranks: drawing.draw_ranks(decision),
        parts.heat: _paint_heat(decision),
        parts.logits: drawing.draw_logits(decision.ranking),
        parts.votes: drawing.draw_votes(decision),
        parts.failures: drawing.draw_failures(decision),
    }


def _paint_rankings(decision: Decision) -> Any:
    choices = [(drawing.say_ranking(entry), entry.ranking_id) for entry in decision.prompt.rankings]
    return gr.update(choices=choices, value=decision.ranking.ranking_id if decision.ranking else None)


def _paint_heat(decision: Decision) -> Any:
    ranking = decision.ranking
    if ranking is None or len(ranking.entries) < 2:
        return gr.update(visible=False)
    names = [f"{entry.member} ({entry.candidate_id})" for entry in ranking.entries]
    return gr.update(value=logits_plot(names, ranking.logits), visible=True)


def _at_once(name: str) -> dict[str, Any]:
    return {"queue": False, "show_progress": "hidden", "api_name": name, "api_visibility": "private"}

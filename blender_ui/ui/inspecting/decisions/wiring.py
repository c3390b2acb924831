"""The inspect page's events: which handler a component calls and what its views change.

Reading the store runs past the queue; ranking runs in it, because it may wait for the reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.services.monitoring.queue_health import measure_queue
from blender_ui.services.people.access import Access
from blender_ui.ui import markup
from blender_ui.ui.events import at_once
from blender_ui.ui.identity import open_links
from blender_ui.ui.inspecting.choosing.drawing import draw_asked
from blender_ui.ui.inspecting.choosing.wiring import wire_choosing
from blender_ui.ui.inspecting.decisions import answers, drawing
from blender_ui.ui.inspecting.decisions.address import Address, asked_of, read_address, write_address
from blender_ui.ui.inspecting.decisions.handlers import Decision, InspectHandlers, type_first_two
from blender_ui.ui.inspecting.decisions.layout import DecisionParts, PeopleParts, draw_inspect
from blender_ui.ui.inspecting.members.wiring import wire_members
from blender_ui.ui.inspecting.versions.drawing import say_version
from blender_ui.ui.inspecting.versions.wiring import wire_versions
from blender_ui.ui.inspecting.what_if.drawing import say_waiting, say_whether_complete
from blender_ui.ui.inspecting.what_if.handlers import WhatIfHandlers
from blender_ui.ui.inspecting.what_if.wiring import explain_meanwhile, make_handlers, wire_what_if
from blender_ui.ui.plots import logits_plot
from blender_ui.ui.workspace import find_project

NOW = "now"
"""Stands for the active version as it has learnt up to now."""
N_RANKINGS = 4
"""How many visitors' prompts are ranked at once."""
COLOURS = "Green and underlined: the answer does better with it. Orange: it does better without."
Update = dict[Any, Any]
"""New values or properties by component."""


def build_inspect(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = InspectHandlers(
        services.inspection,
        services.ranking,
        explaining=services.explaining,
        access=services.access,
        find_project=lambda: find_project(services.access, services.workspaces),
    )
    parts = draw_inspect()

    def open_tab(request: gr.Request) -> Any:
        tab = read_address(request.query_params if request is not None else None).tab
        # The first tab is open already: to select it once more would undo a click that was quicker.
        return gr.skip() if tab == Address().tab else gr.Tabs(selected=tab)

    page.load(open_tab, None, parts.tabs, **at_once("inspect_tab"))
    _wire_decision(page, parts.decision, handlers, services)
    what_if = make_handlers(services)
    _wire_words(parts.decision, handlers, what_if)
    _wire_editing(parts.decision, handlers, what_if)
    wire_what_if(services, page, parts.what_if)
    wire_versions(services, page, parts.version, parts.contrast)
    wire_members(services, page, parts.members)
    wire_choosing(services, page, parts.choosing)
    _wire_people(page, parts.people, services)


def _wire_decision(
    page: gr.Blocks, parts: DecisionParts, handlers: InspectHandlers, services: Services
) -> None:
    def open_page(request: gr.Request) -> Update:
        address = asked_of(request, "decision")
        versions = services.versions.list_versions()
        choices = gr.update(
            choices=[
                (tr("the active version, as it is now"), NOW),
                *((say_version(one), one.id) for one in versions),
            ],
            value=NOW,
        )
        prompt_id = address.prompt
        entries = handlers.find_prompts("") if prompt_id is None else handlers.find_prompt(prompt_id)
        painted: Update = {parts.version: choices}
        ranking_id = address.ranking
        if prompt_id is not None and address.version is not None and entries and ranking_id is None:
            ranked = handlers.rank(prompt_id, address.version)
            ranking_id = ranked.ranking_id
            painted |= {parts.notice: markup.notice(ranked.notice, tone="warning")} if ranked.notice else {}
        return _paint_choices(parts, handlers, entries, services.access, ranking_id) | painted

    def search(text: str) -> Update:
        return _paint_choices(parts, handlers, handlers.find_prompts(text), services.access)

    def choose_prompt(prompt_id: int) -> Update:
        return _paint(parts, handlers, prompt_id, None)

    def choose_ranking(prompt_id: int, ranking_id: int) -> Update:
        return _paint(parts, handlers, prompt_id, ranking_id)

    def rank(prompt_id: int, version_id: int | str) -> Update:
        ranked = handlers.rank(prompt_id, None if version_id == NOW else version_id)
        if ranked.ranking_id is None:
            return {parts.notice: markup.notice(ranked.notice, tone="warning")}
        return _paint(parts, handlers, prompt_id, ranked.ranking_id)

    shown = [
        parts.ranking, parts.notice, parts.texts, parts.colour, parts.edit, parts.first, parts.second,
        parts.edited, parts.ranks, parts.heat, parts.logits, parts.doubts, parts.votes, parts.failures,
        parts.asked,
    ]  # fmt: skip
    page.load(open_page, None, [parts.prompt, parts.version, *shown], **at_once("inspect_open"))
    parts.search.submit(search, parts.search, [parts.prompt, *shown], **at_once("inspect_search"))
    parts.prompt.input(choose_prompt, parts.prompt, shown, **at_once("inspect_prompt"))
    parts.ranking.input(choose_ranking, [parts.prompt, parts.ranking], shown, **at_once("inspect_ranking"))
    parts.rank.click(
        rank,
        [parts.prompt, parts.version],
        shown,
        concurrency_limit=N_RANKINGS,
        show_progress_on=parts.rank,
        api_name="inspect_rank",
        api_visibility="private",
    )


def _wire_words(parts: DecisionParts, handlers: InspectHandlers, what_if: WhatIfHandlers) -> None:
    """What each word of the first two answers added."""

    def wait() -> Update:
        return {parts.notice: markup.notice(say_waiting(0), tone="busy")}

    def colour(prompt_id: int, ranking_id: int) -> Iterator[Update]:
        try:
            decision = handlers.get_decision(prompt_id, ranking_id)
        except BlenderError as error:
            yield {parts.notice: markup.notice(str(error), tone="warning")}
            return
        typed = type_first_two(decision)
        for said in explain_meanwhile(what_if, typed) if typed is not None else ():
            if isinstance(said, str):
                yield {parts.notice: markup.notice(said, tone="busy")}
            elif said.attribution is None:
                yield {parts.notice: markup.notice(said.notice, tone="warning")}
            else:
                told = f"{tr(COLOURS)} {say_whether_complete(said.attribution)}"
                drawn = answers.draw_texts(decision, found=said.attribution)
                yield {parts.notice: markup.notice(told) + _link(decision), parts.texts: drawn}

    parts.colour.click(wait, None, parts.notice, **at_once("inspect_colour_wait")).then(
        colour,
        [parts.prompt, parts.ranking],
        [parts.notice, parts.texts],
        concurrency_limit=N_RANKINGS,
        show_progress="hidden",
        api_name="inspect_colour",
        api_visibility="private",
    )


def _wire_editing(parts: DecisionParts, handlers: InspectHandlers, what_if: WhatIfHandlers) -> None:
    """What would become of the first two answers with other texts."""

    def edit(prompt_id: int, ranking_id: int, first: str, second: str) -> str:
        try:
            typed = type_first_two(handlers.get_decision(prompt_id, ranking_id), (first, second))
        except BlenderError as error:
            return markup.notice(str(error), tone="warning")
        if typed is None:
            return ""
        said = what_if.compare(typed)
        if said.opinion is None:
            return markup.notice(said.notice, tone="warning")
        return answers.draw_edited(said.opinion, typed.first_member)

    gr.on(
        [parts.first.input, parts.second.input, parts.first.blur, parts.second.blur],
        edit,
        [parts.prompt, parts.ranking, parts.first, parts.second],
        parts.edited,
        trigger_mode="always_last",
        concurrency_limit=N_RANKINGS,
        show_progress="hidden",
        api_name="inspect_edit",
        api_visibility="private",
    )


def _wire_people(page: gr.Blocks, parts: PeopleParts, services: Services) -> None:
    def draw() -> str:
        project_id = find_project(services.access, services.workspaces)
        queue = measure_queue(services.engine, services.preference_table, project_id=project_id)
        more = open_links(services.access, [("Agreement between annotators", "./quality")])
        links = open_links(services.access, [("Data", "./data")])
        return drawing.draw_queue(queue, links=links) + markup.view_link(
            write_address(Address(tab="people")), more=more
        )

    def open_page(request: gr.Request) -> Any:
        address = read_address(request.query_params if request is not None else None)
        return draw() if address.tab == "people" else gr.skip()

    def open_tab() -> str:
        return draw()

    page.load(open_page, None, parts.queue, **at_once("inspect_people_open"))
    parts.tab.select(open_tab, None, parts.queue, **at_once("inspect_people"))


def _paint_choices(
    parts: DecisionParts,
    handlers: InspectHandlers,
    entries: Any,
    access: Access,
    ranking_id: int | None = None,
) -> Update:
    choices = [(drawing.say_prompt(entry), entry.prompt_id) for entry in entries]
    first = entries[0].prompt_id if entries else None
    prompt = gr.update(choices=choices, value=first)
    if first is None:
        said = markup.notice(
            "No prompt was found. Search for other words, or bring prompts in first.",
            links=open_links(access, [("Ask on Blend", "./"), ("Import on Data", "./data")]),
        )
        return {parts.prompt: prompt, **_blank(parts), parts.notice: said}
    return {parts.prompt: prompt, **_paint(parts, handlers, first, ranking_id)}


def _blank(parts: DecisionParts) -> Update:
    texts = [parts.texts, parts.ranks, parts.logits, parts.doubts, parts.votes, parts.failures, parts.asked]
    return {
        **dict.fromkeys(texts, ""),
        **_close_editing(parts),
        parts.ranking: gr.update(choices=[], value=None),
        parts.heat: gr.update(visible=False),
    }


def _paint(parts: DecisionParts, handlers: InspectHandlers, prompt_id: object, ranking_id: object) -> Update:
    try:
        decision = handlers.get_decision(prompt_id, ranking_id)
    except BlenderError as error:
        return {parts.notice: markup.notice(str(error), tone="warning")}
    return {
        parts.notice: _link(decision),
        parts.ranking: _paint_rankings(decision),
        parts.texts: answers.draw_texts(decision),
        **_paint_editing(parts, decision),
        parts.ranks: drawing.draw_ranks(decision),
        parts.heat: _paint_heat(decision),
        parts.logits: drawing.draw_logits(decision.ranking),
        parts.doubts: drawing.draw_doubts(decision),
        parts.votes: drawing.draw_votes(decision),
        parts.failures: drawing.draw_failures(decision),
        parts.asked: draw_asked(decision.prompt.choice),
    }


def _link(decision: Decision) -> str:
    """The address of the decision, and where its texts can be changed, by the version that decided."""
    ranking, prompt_id = decision.ranking, decision.prompt.prompt_id
    here = Address(tab="decision", prompt=prompt_id)
    there = Address(tab="what-if", prompt=prompt_id)
    if ranking is not None:
        here = here._replace(ranking=ranking.ranking_id)
        first, second = ([one.candidate_id for one in ranking.entries] + [None, None])[:2]
        there = there._replace(version=ranking.version.id, first=first, second=second)
    return markup.view_link(
        write_address(here), more=[("What if these texts were others?", write_address(there))]
    )


def _paint_editing(parts: DecisionParts, decision: Decision) -> Update:
    typed = type_first_two(decision)
    if typed is None:
        return _close_editing(parts)
    boxes = (
        (parts.first, typed.first_member, typed.first),
        (parts.second, typed.second_member, typed.second),
    )
    painted = {
        box: gr.update(label=tr("Text of {member}", member=member), value=text) for box, member, text in boxes
    }
    shown = {parts.colour: gr.update(visible=True), parts.edit: gr.update(visible=True)}
    return painted | shown | {parts.edited: gr.update(value="")}


def _close_editing(parts: DecisionParts) -> Update:
    hidden = gr.update(visible=False)
    emptied = {box: gr.update(value="") for box in (parts.first, parts.second, parts.edited)}
    return {parts.colour: hidden, parts.edit: hidden, **emptied}


def _paint_rankings(decision: Decision) -> Any:
    choices = [(drawing.say_ranking(entry), entry.ranking_id) for entry in decision.prompt.rankings]
    return gr.update(choices=choices, value=decision.ranking.ranking_id if decision.ranking else None)


def _paint_heat(decision: Decision) -> Any:
    ranking = decision.ranking
    if ranking is None or len(ranking.entries) < 2:
        return gr.update(visible=False)
    names = [f"{entry.member} ({entry.candidate_id})" for entry in ranking.entries]
    return gr.update(value=logits_plot(names, ranking.logits), visible=True)

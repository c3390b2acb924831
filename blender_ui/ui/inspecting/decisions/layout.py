"""Draws the inspect page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.inspecting.choosing.layout import ChoosingParts, draw_choosing
from blender_ui.ui.inspecting.members.layout import MembersParts, draw_members
from blender_ui.ui.inspecting.versions.layout import ContrastParts, VersionParts, draw_contrast, draw_version
from blender_ui.ui.inspecting.what_if.layout import WhatIfParts, draw_what_if
from blender_ui.ui.shell import browser_memory

TITLE = "Why did it decide that?"
SENTENCE = (
    "One decision beside what people said, texts changed to see what moves it, versions judged on votes that "
    "none learnt from, members rated. Every figure has its interval, its table and its rows."
)


@dataclass(frozen=True, kw_only=True)
class DecisionParts:
    """One prompt and one ranking of it."""

    search: gr.Textbox
    prompt: gr.Dropdown
    ranking: gr.Dropdown
    version: gr.Dropdown
    rank: gr.Button
    notice: gr.HTML
    texts: gr.HTML
    colour: gr.Button
    edit: gr.Accordion
    first: gr.Textbox
    second: gr.Textbox
    edited: gr.HTML
    ranks: gr.HTML
    heat: gr.Plot
    logits: gr.HTML
    doubts: gr.HTML
    votes: gr.HTML
    failures: gr.HTML
    asked: gr.HTML


@dataclass(frozen=True, kw_only=True)
class PeopleParts:
    """The label queue."""

    tab: gr.Tab
    queue: gr.HTML


@dataclass(frozen=True, kw_only=True)
class InspectParts:
    """Everything on the page."""

    tabs: gr.Tabs
    decision: DecisionParts
    what_if: WhatIfParts
    version: VersionParts
    contrast: ContrastParts
    members: MembersParts
    choosing: ChoosingParts
    people: PeopleParts


def draw_inspect() -> InspectParts:
    """Draw the page inside its Blocks."""
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    memory = browser_memory()
    with gr.Tabs(elem_id="inspect-tabs") as tabs:
        with gr.Tab("One decision", id="decision", elem_id="inspect-decision"):
            decision = _draw_decision()
        with gr.Tab("What if", id="what-if", elem_id="inspect-what-if") as tab:
            what_if = draw_what_if(tab)
        with gr.Tab("One version", id="version", elem_id="inspect-version") as tab:
            version = draw_version(tab)
        with gr.Tab("Two versions", id="versions", elem_id="inspect-versions") as tab:
            contrast = draw_contrast(tab, memory)
        with gr.Tab("The members", id="members", elem_id="inspect-members") as tab:
            members = draw_members(tab)
        with gr.Tab("Member choice", id="choosing", elem_id="inspect-choosing") as tab:
            choosing = draw_choosing(tab)
        with gr.Tab("The people", id="people", elem_id="inspect-people") as tab:
            people = _draw_people(tab)
    return InspectParts(
        tabs=tabs,
        decision=decision,
        what_if=what_if,
        version=version,
        contrast=contrast,
        members=members,
        choosing=choosing,
        people=people,
    )


def _draw_decision() -> DecisionParts:
    with gr.Row():
        search = gr.Textbox(
            label="Search",
            placeholder="words of a prompt, or its number; Enter",
            scale=1,
            min_width=240,
            elem_id="inspect-search",
        )
        prompt = gr.Dropdown(
            [], label="Prompt", filterable=False, scale=3, min_width=280, elem_id="inspect-prompt"
        )
    with gr.Row():
        ranking = gr.Dropdown(
            [], label="Ranking", filterable=False, scale=3, min_width=280, elem_id="inspect-ranking"
        )
        version = gr.Dropdown(
            [], label="Rank with", filterable=False, scale=2, min_width=240, elem_id="inspect-rank-version"
        )
        rank = gr.Button("Rank", scale=1, min_width=140, elem_id="inspect-rank")
    notice = gr.HTML("", padding=False, elem_id="inspect-notice")
    texts = gr.HTML("", padding=False, elem_id="inspect-texts")
    colour = gr.Button("Which words moved it?", visible=False, min_width=200, elem_id="inspect-colour")
    with gr.Accordion("Change a text and see what becomes of it", open=False, visible=False) as edit:
        with gr.Row():
            first = gr.Textbox(lines=6, max_lines=16, min_width=280, elem_id="inspect-first")
            second = gr.Textbox(lines=6, max_lines=16, min_width=280, elem_id="inspect-second")
        edited = gr.HTML("", padding=False, elem_id="inspect-edited")
    with gr.Column(elem_classes="bu-panel"):
        ranks = gr.HTML("", padding=False, elem_id="inspect-ranks")
        heat = gr.Plot(visible=False, show_label=False, container=False, elem_id="inspect-heat")
        logits = gr.HTML("", padding=False, elem_id="inspect-logits")
    doubts = _draw_panel(markup.section("Where votes contradict one another"), elem_id="inspect-doubts")
    votes = _draw_panel(markup.section("What people said"), elem_id="inspect-votes")
    failures = _draw_panel(markup.section("Failures"), elem_id="inspect-failures")
    asked = _draw_panel(markup.section("Why these members were asked"), elem_id="inspect-asked")
    return DecisionParts(
        search=search,
        prompt=prompt,
        ranking=ranking,
        version=version,
        rank=rank,
        notice=notice,
        texts=texts,
        colour=colour,
        edit=edit,
        first=first,
        second=second,
        edited=edited,
        ranks=ranks,
        heat=heat,
        logits=logits,
        doubts=doubts,
        votes=votes,
        failures=failures,
        asked=asked,
    )


def _draw_panel(head: str, *, elem_id: str) -> gr.HTML:
    """A panel with a heading; gives what stands below it."""
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(head, padding=False)
        return gr.HTML("", padding=False, elem_id=elem_id)


def _draw_people(tab: gr.Tab) -> PeopleParts:
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("The label queue"), padding=False)
        queue = gr.HTML("", padding=False, elem_id="inspect-queue")
    return PeopleParts(tab=tab, queue=queue)

"""Draws the inspect page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup

TITLE = "Why did it decide that?"
SENTENCE = (
    "One prompt: the ranker's logits in both orders, its ranks, and what people said of the same pairs. "
    "All members: their ratings by people, with intervals. Every figure names its rows."
)


@dataclass(frozen=True, kw_only=True)
class DecisionParts:
    """One prompt and one ranking of it."""

    search: gr.Textbox
    prompt: gr.Dropdown
    ranking: gr.Dropdown
    rank: gr.Button
    notice: gr.HTML
    texts: gr.HTML
    ranks: gr.HTML
    heat: gr.Plot
    logits: gr.HTML
    votes: gr.HTML
    failures: gr.HTML


@dataclass(frozen=True, kw_only=True)
class MembersParts:
    """The members' ratings."""

    tab: gr.Tab
    ratings: gr.HTML
    plot: gr.Plot
    wins: gr.HTML


@dataclass(frozen=True, kw_only=True)
class InspectParts:
    """Everything on the page."""

    decision: DecisionParts
    members: MembersParts


def draw_inspect() -> InspectParts:
    """Draw the page inside its Blocks."""
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Tabs():
        with gr.Tab("One decision"):
            decision = _draw_decision()
        with gr.Tab("The members", elem_id="inspect-members") as tab:
            members = _draw_members(tab)
    return InspectParts(decision=decision, members=members)


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
    with gr.Row(equal_height=True):
        ranking = gr.Dropdown(
            [], label="Ranking", filterable=False, scale=3, min_width=280, elem_id="inspect-ranking"
        )
        rank = gr.Button("Rank with the active version", scale=1, min_width=240, elem_id="inspect-rank")
    notice = gr.HTML("", padding=False, elem_id="inspect-notice")
    texts = gr.HTML("", padding=False, elem_id="inspect-texts")
    with gr.Column(elem_classes="bu-panel"):
        ranks = gr.HTML("", padding=False, elem_id="inspect-ranks")
        heat = gr.Plot(visible=False, show_label=False, container=False, elem_id="inspect-heat")
        logits = gr.HTML("", padding=False, elem_id="inspect-logits")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("What people said"), padding=False)
        votes = gr.HTML("", padding=False, elem_id="inspect-votes")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Failures"), padding=False)
        failures = gr.HTML("", padding=False, elem_id="inspect-failures")
    return DecisionParts(
        search=search,
        prompt=prompt,
        ranking=ranking,
        rank=rank,
        notice=notice,
        texts=texts,
        ranks=ranks,
        heat=heat,
        logits=logits,
        votes=votes,
        failures=failures,
    )


def _draw_members(tab: gr.Tab) -> MembersParts:
    with gr.Column(elem_classes="bu-panel"):
        ratings = gr.HTML("", padding=False, elem_id="inspect-ratings")
        plot = gr.Plot(visible=False, show_label=False, container=False, elem_id="inspect-ratings-plot")
    with gr.Column(elem_classes="bu-panel"):
        wins = gr.HTML("", padding=False, elem_id="inspect-wins")
    return MembersParts(tab=tab, ratings=ratings, plot=plot, wins=wins)

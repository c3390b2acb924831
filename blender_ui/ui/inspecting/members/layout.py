"""Draws the members' tab and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup

ALL_KINDS = "all kinds of task"
OUTCOME = "the answer as a whole"


@dataclass(frozen=True, kw_only=True)
class MembersParts:
    """The members' ratings, in the order in which they are read."""

    tab: gr.Tab
    kind: gr.Dropdown
    style: gr.Checkbox
    best: gr.Checkbox
    criterion: gr.Dropdown
    strength: gr.Checkbox
    version: gr.Dropdown
    notice: gr.HTML
    plot: gr.Plot
    ratings: gr.HTML
    wins_plot: gr.Plot
    wins: gr.HTML
    time_plot: gr.Plot
    time: gr.HTML
    kinds_plot: gr.Plot
    kinds: gr.HTML
    criteria_plot: gr.Plot
    criteria: gr.HTML
    ranker_plot: gr.Plot
    ranker: gr.HTML


def draw_members(tab: gr.Tab) -> MembersParts:
    """Draw inside the tab."""
    with gr.Row():
        kind = gr.Dropdown(
            [ALL_KINDS],
            value=ALL_KINDS,
            label="Kind of task",
            filterable=False,
            min_width=200,
            elem_id="members-kind",
        )
        version = gr.Dropdown([], label="Version beside people", filterable=False, min_width=200,
                              elem_id="members-version")  # fmt: skip
        style = gr.Checkbox(label="Hold length and markup equal", min_width=220, elem_id="members-style")
        best = gr.Checkbox(label="Best-ranked answer as a member", min_width=220, elem_id="members-best")
    with gr.Row():
        criterion = gr.Dropdown([OUTCOME], value=OUTCOME, label="Better in", filterable=False, min_width=200,
                                elem_id="members-criterion")  # fmt: skip
        strength = gr.Checkbox(label="A slight win counts less", min_width=220, elem_id="members-strength")
    notice = gr.HTML("", padding=False, elem_id="members-notice")
    parts = {}
    for name, title in (
        ("ratings", "Ratings by people"),
        ("wins", "Pairwise preferences"),
        ("time", "Ratings as preferences came in"),
        ("kinds", "Ratings by kind of task"),
        ("criteria", "Ratings by criterion"),
        ("ranker", "The version's ratings beside people's"),
    ):
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section(title), padding=False)
            plot = gr.Plot(visible=False, show_label=False, container=False, elem_id=f"members-{name}-plot")
            table = gr.HTML("", padding=False, elem_id=f"members-{name}")
        parts[name] = (plot, table)
    return MembersParts(
        tab=tab, kind=kind, style=style, best=best, criterion=criterion, strength=strength, version=version,
        notice=notice,
        plot=parts["ratings"][0], ratings=parts["ratings"][1],
        wins_plot=parts["wins"][0], wins=parts["wins"][1],
        time_plot=parts["time"][0], time=parts["time"][1],
        kinds_plot=parts["kinds"][0], kinds=parts["kinds"][1],
        criteria_plot=parts["criteria"][0], criteria=parts["criteria"][1],
        ranker_plot=parts["ranker"][0], ranker=parts["ranker"][1],
    )  # fmt: skip

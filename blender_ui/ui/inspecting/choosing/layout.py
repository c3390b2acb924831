"""Draws the tab of choosers and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup


@dataclass(frozen=True, kw_only=True)
class ChoosingParts:
    """What a chooser learnt, in the order in which it is read."""

    tab: gr.Tab
    version: gr.Dropdown
    notice: gr.HTML
    summary: gr.HTML
    curve_plot: gr.Plot
    curve: gr.HTML
    kinds_plot: gr.Plot
    kinds: gr.HTML
    map_plot: gr.Plot
    map: gr.HTML


def draw_choosing(tab: gr.Tab) -> ChoosingParts:
    """Draw inside the tab."""
    version = gr.Dropdown([], label="Chooser", filterable=False, min_width=240, elem_id="choosing-version")
    notice = gr.HTML("", padding=False, elem_id="choosing-notice")
    with gr.Column(elem_classes="bu-panel"):
        summary = gr.HTML("", padding=False, elem_id="choosing-summary")
    parts = {}
    for name, title in (
        ("curve", "Quality by how many are asked, on held-out prompts"),
        ("kinds", "Members by kind of task"),
        ("map", "The prompts, alike ones side by side"),
    ):
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section(title), padding=False)
            plot = gr.Plot(visible=False, show_label=False, container=False, elem_id=f"choosing-{name}-plot")
            parts[name] = (plot, gr.HTML("", padding=False, elem_id=f"choosing-{name}"))
    return ChoosingParts(
        tab=tab, version=version, notice=notice, summary=summary,
        curve_plot=parts["curve"][0], curve=parts["curve"][1],
        kinds_plot=parts["kinds"][0], kinds=parts["kinds"][1],
        map_plot=parts["map"][0], map=parts["map"][1],
    )  # fmt: skip

"""Draws the tabs of one version and of two, and gives their components by name. No events."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup


@dataclass(frozen=True, kw_only=True)
class VersionParts:
    """One version."""

    tab: gr.Tab
    version: gr.Dropdown
    extend: gr.Button
    notice: gr.HTML
    summary: gr.HTML
    reliability: gr.Plot
    bins: gr.HTML
    kinds_plot: gr.Plot
    kinds: gr.HTML
    length_plot: gr.Plot
    lengths: gr.HTML
    agreement_plot: gr.Plot
    agreement: gr.HTML
    pairs_plot: gr.Plot
    pairs: gr.HTML
    mistakes: gr.HTML
    learning: gr.Plot
    learnt: gr.HTML
    curve: gr.Plot
    curve_saved: gr.HTML
    lineage: gr.HTML


@dataclass(frozen=True, kw_only=True)
class ContrastParts:
    """Two versions."""

    tab: gr.Tab
    first: gr.Dropdown
    second: gr.Dropdown
    notice: gr.HTML
    summary: gr.HTML
    plot: gr.Plot
    changes: gr.HTML
    memory: gr.BrowserState
    reason: gr.Textbox
    promote: gr.Button
    said: gr.HTML


def draw_version(tab: gr.Tab) -> VersionParts:
    """Draw the tab of one version."""
    with gr.Row(equal_height=True):
        version = gr.Dropdown([], label="Version", filterable=False, scale=3, min_width=240,
                              elem_id="version-chosen")  # fmt: skip
        extend = gr.Button("Read more held-out pairs", visible=False, scale=1, min_width=220,
                           elem_id="version-extend")  # fmt: skip
    notice = gr.HTML("", padding=False, elem_id="version-notice")
    with gr.Column(elem_classes="bu-panel"):
        summary = gr.HTML("", padding=False, elem_id="version-summary")
    plots = {}
    for name, title in (
        ("reliability", "Calibration of its probabilities"),
        ("kinds", "Accuracy by kind of task"),
        ("lengths", "Accuracy by how much longer the longer answer is"),
        ("agreement", "Accuracy by how people agree"),
        ("pairs", "Accuracy by pair of members"),
        ("mistakes", "The surest mistakes"),
        ("learning", "Learning curve: every version, by what it learnt from"),
        ("curve", "Training curve"),
        ("lineage", "Where it comes from"),
    ):
        with gr.Column(elem_classes=["bu-panel", "bu-tall"]):
            gr.HTML(markup.section(title), padding=False)
            plot = gr.Plot(visible=False, show_label=False, container=False, elem_id=f"version-{name}-plot")
            plots[name] = (plot, gr.HTML("", padding=False, elem_id=f"version-{name}"))
    return VersionParts(
        tab=tab, version=version, extend=extend, notice=notice, summary=summary,
        reliability=plots["reliability"][0], bins=plots["reliability"][1],
        kinds_plot=plots["kinds"][0], kinds=plots["kinds"][1],
        length_plot=plots["lengths"][0], lengths=plots["lengths"][1],
        agreement_plot=plots["agreement"][0], agreement=plots["agreement"][1],
        pairs_plot=plots["pairs"][0], pairs=plots["pairs"][1],
        mistakes=plots["mistakes"][1],
        learning=plots["learning"][0], learnt=plots["learning"][1],
        curve=plots["curve"][0], curve_saved=plots["curve"][1], lineage=plots["lineage"][1],
    )  # fmt: skip


def draw_contrast(tab: gr.Tab, memory: gr.BrowserState) -> ContrastParts:
    """Draw the tab of two versions."""
    with gr.Row():
        first = gr.Dropdown([], label="From", filterable=False, min_width=200, elem_id="contrast-first")
        second = gr.Dropdown([], label="To", filterable=False, min_width=200, elem_id="contrast-second")
    notice = gr.HTML("", padding=False, elem_id="contrast-notice")
    with gr.Column(elem_classes="bu-panel"):
        summary = gr.HTML("", padding=False, elem_id="contrast-summary")
        plot = gr.Plot(visible=False, show_label=False, container=False, elem_id="contrast-plot")
    # Before the changed decisions, whose hundred links the keyboard would have to pass.
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Promote, or roll back"), padding=False)
        with gr.Row(equal_height=True):
            reason = gr.Textbox(label="Why", max_lines=1, scale=3, min_width=240, elem_id="contrast-reason")
            promote = gr.Button("Let the version under “To” rank", scale=1, min_width=220,
                                elem_id="contrast-promote")  # fmt: skip
        said = gr.HTML("", padding=False, elem_id="contrast-said")
    with gr.Column(elem_classes=["bu-panel", "bu-tall"]):
        gr.HTML(markup.section("Decisions that changed"), padding=False)
        changes = gr.HTML("", padding=False, elem_id="contrast-changes")
    return ContrastParts(
        tab=tab, first=first, second=second, notice=notice, summary=summary, plot=plot, changes=changes,
        memory=memory, reason=reason, promote=promote, said=said,
    )  # fmt: skip

"""Draws the what-if tab and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup

N_LINES = 8


@dataclass(frozen=True, kw_only=True)
class WhatIfParts:
    """Two texts, a version, and what it says of them."""

    tab: gr.Tab
    prompt_id: gr.Textbox
    first_id: gr.Dropdown
    second_id: gr.Dropdown
    version: gr.Dropdown
    members: gr.Checkbox
    instruction: gr.Textbox
    input: gr.Textbox
    first: gr.Textbox
    second: gr.Textbox
    swap: gr.Button
    sentences: gr.Button
    tokens: gr.Button
    notice: gr.HTML
    history: gr.HTML
    opinion: gr.HTML
    groups: gr.Plot
    groups_table: gr.HTML
    dropped: gr.HTML
    attributed: gr.HTML


def draw_what_if(tab: gr.Tab) -> WhatIfParts:
    """Draw inside the tab."""
    with gr.Row():
        prompt_id = gr.Textbox(label="Prompt", placeholder="its number; Enter", max_lines=1, min_width=120,
                               scale=1, elem_id="what-if-prompt")  # fmt: skip
        first_id = gr.Dropdown([], label="First answer", filterable=False, scale=2, min_width=200,
                               elem_id="what-if-first-id")  # fmt: skip
        second_id = gr.Dropdown([], label="Second answer", filterable=False, scale=2, min_width=200,
                                elem_id="what-if-second-id")  # fmt: skip
        version = gr.Dropdown([], label="Version", filterable=False, scale=2, min_width=200,
                              elem_id="what-if-version")  # fmt: skip
    notice = gr.HTML("", padding=False, elem_id="what-if-notice")
    with gr.Column(elem_classes="bu-panel"):
        opinion = gr.HTML("", padding=False, elem_id="what-if-opinion")
        groups = gr.Plot(visible=False, show_label=False, container=False, elem_id="what-if-groups")
        groups_table = gr.HTML("", padding=False, elem_id="what-if-groups-table")
    history = gr.HTML("", padding=False, elem_id="what-if-history")
    with gr.Row():
        instruction = gr.Textbox(label="Prompt's text", lines=2, max_lines=N_LINES, min_width=280, scale=2,
                                 elem_id="what-if-instruction")  # fmt: skip
        input_ = gr.Textbox(label="Prompt's input", lines=2, max_lines=N_LINES, min_width=280, scale=1,
                            elem_id="what-if-input")  # fmt: skip
    with gr.Row():
        first = gr.Textbox(label="First answer's text", lines=N_LINES, max_lines=20, min_width=280,
                           elem_id="what-if-first")  # fmt: skip
        second = gr.Textbox(label="Second answer's text", lines=N_LINES, max_lines=20, min_width=280,
                            elem_id="what-if-second")  # fmt: skip
    with gr.Row(equal_height=True):
        swap = gr.Button("Swap sides", min_width=140, elem_id="what-if-swap")
        sentences = gr.Button("Which sentence carried it?", min_width=200, elem_id="what-if-sentences")
        tokens = gr.Button("Which tokens carried it?", min_width=200, elem_id="what-if-tokens")
        members = gr.Checkbox(
            label="Who wrote it counts", value=True, min_width=160, elem_id="what-if-members"
        )
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Each sentence left out in turn"), padding=False)
        dropped = gr.HTML("", padding=False, elem_id="what-if-dropped")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("What each token adds"), padding=False)
        attributed = gr.HTML("", padding=False, elem_id="what-if-attributed")
    return WhatIfParts(
        tab=tab, prompt_id=prompt_id, first_id=first_id, second_id=second_id, version=version,
        members=members, instruction=instruction, input=input_, first=first, second=second, swap=swap,
        sentences=sentences, tokens=tokens, notice=notice, history=history, opinion=opinion, groups=groups,
        groups_table=groups_table, dropped=dropped, attributed=attributed,
    )  # fmt: skip

"""Draws the quality page and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.quality.drawing import WORDS
from blender_ui.ui.shell import browser_memory

TITLE = "How good are the labels?"
SENTENCE = (
    "How far people agree beyond chance, each annotator beside the others, and the pairs on which a "
    "researcher's ruling should count."
)
RULING_HELP = (
    "A ruling counts in training and in DPO exports in place of the majority. Labels stay as they were given."
)


class RulingParts:
    """Where a disagreement is ruled on."""

    def __init__(self) -> None:
        self.pair = gr.HTML("", padding=False, elem_id="quality-pair")
        self.comparison_id, self.passed_over = gr.State(None), gr.State([])
        self.outcome = gr.Radio(
            [(words, outcome.value) for outcome, words in WORDS.items()],
            label="What counts",
            elem_id="quality-outcome",
            interactive=False,
        )
        self.reason = gr.Textbox(
            label="Why", lines=2, max_length=2000, elem_id="quality-reason", interactive=False
        )
        with gr.Row(elem_classes="bu-acts"):
            self.rule = gr.Button(
                "This is what counts", variant="primary", interactive=False, elem_id="quality-rule"
            )
            self.pass_over = gr.Button("Leave it for now", interactive=False, elem_id="quality-pass")
        self.notice = gr.HTML("", padding=False, elem_id="quality-notice")


class QualityParts:
    """Everything on the page."""

    def __init__(self) -> None:
        self.memory = browser_memory()
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        self.drift = gr.HTML("", padding=False, elem_id="quality-drift")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Agreement"), padding=False)
            self.overall = gr.HTML(
                markup.remark("Reading the preferences."),
                padding=False,
                min_height=60,
                elem_id="quality-overall",
            )
            self.curve = gr.Plot(visible=False, label="Agreement over time", elem_id="quality-curve")
            with gr.Row(elem_classes="bu-acts"):
                self.refresh = gr.Button("Look again", size="sm", elem_id="quality-refresh")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Annotators"), padding=False)
            self.annotators = gr.HTML("", padding=False, elem_id="quality-annotators")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Agreement between annotators"), padding=False)
            self.pairs = gr.HTML("", padding=False, elem_id="quality-pairs")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Disagreements", RULING_HELP), padding=False)
            self.ruling = RulingParts()
        self.look = gr.Button(visible=False)
        self.figures = gr.JSON(visible=False)

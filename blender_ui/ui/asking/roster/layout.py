"""Draws the Members page and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.shell import draw_rows

TITLE = "Members"
SENTENCE = (
    "The models that answer: whether each can be asked now, how fast it is, what fails and what it costs. "
    "A change here is written into members.toml and counts at once."
)
ADDING = (
    "Any OpenAI-compatible endpoint. A key is never entered here: name the environment variable that holds "
    "it where the app runs. docs/members.md explains everything else that members.toml can say."
)


class RosterParts:
    """Everything on the page."""

    def __init__(self) -> None:
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        self.drift = gr.HTML("", padding=False, elem_id="ensemble-drift")
        with gr.Column(elem_classes="bu-panel"):
            self.members = draw_rows("ensemble-members")
            with gr.Row(elem_classes="bu-acts"):
                self.refresh = gr.Button("Look again", elem_id="ensemble-refresh")
            self.said = gr.HTML("", padding=False, elem_id="ensemble-said")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Add an endpoint", ADDING), padding=False)
            with gr.Row():
                self.name = gr.Textbox(label="Name that people see", max_length=128, elem_id="ensemble-name")
                self.model = gr.Textbox(
                    label="Model at the endpoint", max_length=512, elem_id="ensemble-model"
                )
                self.base_url = gr.Textbox(
                    label="Address",
                    placeholder="http://127.0.0.1:8000/v1",
                    max_length=512,
                    elem_id="ensemble-url",
                )
            with gr.Row():
                self.key_env = gr.Textbox(
                    label="Variable of its key (optional)",
                    placeholder="EXAMPLE_API_KEY",
                    max_length=128,
                    elem_id="ensemble-key-env",
                )
                # Texts: a number's field that nobody fills says 0, and 0 is a price.
                self.input_price = gr.Textbox(
                    label="Price of a million tokens in (optional)", placeholder="such as 0.25", max_length=16
                )
                self.output_price = gr.Textbox(
                    label="Price of a million tokens out (optional)",
                    placeholder="such as 1.50",
                    max_length=16,
                )
            with gr.Row(elem_classes="bu-acts"):
                self.add = gr.Button("Add", variant="primary", elem_id="ensemble-add")
            self.added = gr.HTML("", padding=False, elem_id="ensemble-added")

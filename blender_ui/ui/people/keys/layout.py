"""Draws the panel of keys and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.services.people.keys import REQUESTS_A_MINUTE, TOKENS_A_DAY
from blender_ui.ui import markup
from blender_ui.ui.shell import draw_rows
from db.enums import Role

ROLES = [
    ("annotator: asks the blend, ranks, votes; is told no member's name", Role.ANNOTATOR.value),
    ("researcher: members by name, data, versions", Role.RESEARCHER.value),
    ("admin: all of it", Role.ADMIN.value),
]
ABOUT = "A program sends its key as the header Authorization: Bearer KEY. v1/docs lists what it may ask."


class KeyParts:
    """Everything in the panel."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Keys of programs", ABOUT), padding=False)
            self.keys = draw_rows("people-keys")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("A new key"), padding=False)
            with gr.Row(elem_classes="bu-form"):
                self.name = gr.Textbox(
                    "", label="What to call the key", max_length=128, elem_id="people-key-name"
                )
                self.role = gr.Dropdown(ROLES, value=Role.ANNOTATOR.value, label="Role of the key")
                self.project = gr.Dropdown([], label="Project; none for every one")
            with gr.Row(elem_classes="bu-form bu-line"):
                self.requests_a_minute = gr.Number(
                    REQUESTS_A_MINUTE, precision=0, minimum=1, label="Requests a minute"
                )
                self.tokens_a_day = gr.Number(TOKENS_A_DAY, precision=0, minimum=1, label="Tokens a day")
                self.make = gr.Button(
                    "Make a key", variant="primary", scale=0, min_width=130, elem_id="people-key-make"
                )
            self.said = gr.HTML("", padding=False, elem_id="people-key-said")
            self.secret = gr.Textbox(
                "",
                label="Key",
                buttons=["copy"],
                interactive=False,
                visible=False,
                elem_id="people-key-secret",
            )

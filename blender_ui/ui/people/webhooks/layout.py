"""Draws the panel of webhooks and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.services.notifying.posting import LONGEST_URL
from blender_ui.ui import markup
from blender_ui.ui.shell import draw_rows
from db.enums import WebhookEvent

EVENTS = [
    ("a version began to serve", WebhookEvent.VERSION_PROMOTED.value),
    ("a project's queue is empty", WebhookEvent.QUEUE_EMPTY.value),
    ("a member keeps failing", WebhookEvent.MEMBER_FAILING.value),
    ("members, people or the ranker do otherwise than before", WebhookEvent.DRIFT_FOUND.value),
]
ABOUT = (
    "An address that is told by POST when something happens. Messages are signed as Standard Webhooks says, "
    "and tried again for two days until they arrive."
)


class WebhookParts:
    """Everything in the panel."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Webhooks", ABOUT), padding=False)
            self.webhooks = draw_rows("people-webhooks")
            self.done = gr.HTML("", padding=False, elem_id="people-webhook-done")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("A new webhook"), padding=False)
            with gr.Row(elem_classes="bu-form bu-line"):
                self.url = gr.Textbox(
                    "",
                    label="Address",
                    placeholder="https://example.org/hook",
                    max_length=LONGEST_URL,
                    scale=3,
                    elem_id="people-webhook-url",
                )
                self.make = gr.Button(
                    "Make a webhook",
                    variant="primary",
                    scale=0,
                    min_width=190,
                    elem_id="people-webhook-make",
                )
            self.events = gr.CheckboxGroup(EVENTS, value=[value for _, value in EVENTS], label="Tell it when")
            self.said = gr.HTML("", padding=False, elem_id="people-webhook-said")
            self.secret = gr.Textbox(
                "",
                label="Secret of the signatures",
                buttons=["copy"],
                interactive=False,
                visible=False,
                elem_id="people-webhook-secret",
            )
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Log", "The latest 20 messages."), padding=False)
            self.messages = gr.HTML("", padding=False, elem_id="people-webhook-log")

"""Draws the panel of keys and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.services.people.keys import REQUESTS_A_MINUTE, TOKENS_A_DAY
from blender_ui.ui import markup
from db.enums import Role

ROLES = [
    ("annotator: asks the blend, ranks, votes; is told no member's name", Role.ANNOTATOR.value),
    ("researcher: members by name, data, versions", Role.RESEARCHER.value),
    ("admin: all of it", Role.ADMIN.value),
]


@dataclass(frozen=True, kw_only=True)
class KeyParts:
    """Everything in the panel."""

    keys: gr.HTML
    name: gr.Textbox
    role: gr.Radio
    project: gr.Dropdown
    requests_a_minute: gr.Number
    tokens_a_day: gr.Number
    make: gr.Button
    said: gr.HTML
    secret: gr.Textbox
    key: gr.Dropdown
    revoke: gr.Button


def draw_keys_panel() -> KeyParts:
    """Draw the panel inside its Blocks."""
    with gr.Column(elem_classes="bu-panel"):
        about = (
            "A program sends its key as the header Authorization: Bearer KEY. v1/docs lists what it may ask."
        )
        gr.HTML(markup.section("Keys of programs", about), padding=False)
        keys = gr.HTML("", padding=False, elem_id="people-keys")
        with gr.Row():
            name = gr.Textbox("", label="What to call the key", max_length=128, elem_id="people-key-name")
            role = gr.Radio(ROLES, value=Role.ANNOTATOR.value, label="Role of the key")
        with gr.Row():
            project = gr.Dropdown([], label="Project; none for every one")
            requests_a_minute = gr.Number(
                REQUESTS_A_MINUTE, precision=0, minimum=1, label="Requests a minute"
            )
            tokens_a_day = gr.Number(TOKENS_A_DAY, precision=0, minimum=1, label="Tokens a day")
        make = gr.Button("Make a key", variant="primary", elem_id="people-key-make")
        said = gr.HTML("", padding=False, elem_id="people-key-said")
        secret = gr.Textbox("", label="Key", buttons=["copy"], interactive=False, visible=False)
        with gr.Row(elem_classes="bu-beside"):
            key = gr.Dropdown([], label="Key in use")
            revoke = gr.Button("Revoke it")
    return KeyParts(
        keys=keys,
        name=name,
        role=role,
        project=project,
        requests_a_minute=requests_a_minute,
        tokens_a_day=tokens_a_day,
        make=make,
        said=said,
        secret=secret,
        key=key,
        revoke=revoke,
    )

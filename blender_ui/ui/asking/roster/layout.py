"""Draws the Members page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup

TITLE = "Members"
SENTENCE = (
    "The models that answer: whether each can be asked now, how fast it is, what fails and what it costs. "
    "A change here is written into members.toml and counts at once."
)
ADDING = (
    "Any OpenAI-compatible endpoint. A key is never entered here: name the environment variable that holds "
    "it where the app runs. docs/members.md explains everything else that members.toml can say."
)


@dataclass(frozen=True, kw_only=True)
class RosterParts:
    """Everything on the page."""

    members: gr.HTML
    member: gr.Dropdown
    test: gr.Button
    enable: gr.Button
    disable: gr.Button
    refresh: gr.Button
    said: gr.HTML
    name: gr.Textbox
    model: gr.Textbox
    base_url: gr.Textbox
    key_env: gr.Textbox
    input_price: gr.Number
    output_price: gr.Number
    add: gr.Button
    added: gr.HTML


def draw_roster() -> RosterParts:
    """Draw the page inside its Blocks."""
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Column(elem_classes="bu-panel"):
        members = gr.HTML("", padding=False, elem_id="ensemble-members")
        with gr.Row():
            member = gr.Dropdown([], label="Member", elem_id="ensemble-member", scale=3)
            test = gr.Button("Ask it a small question", variant="primary", elem_id="ensemble-test")
            enable = gr.Button("Enable", elem_id="ensemble-enable")
            disable = gr.Button("Disable", elem_id="ensemble-disable")
            refresh = gr.Button("Look again", elem_id="ensemble-refresh")
        said = gr.HTML("", padding=False, elem_id="ensemble-said")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Add an endpoint", ADDING), padding=False)
        with gr.Row():
            name = gr.Textbox(label="Name that people see", max_length=128, elem_id="ensemble-name")
            model = gr.Textbox(label="Model at the endpoint", max_length=512, elem_id="ensemble-model")
            base_url = gr.Textbox(
                label="Address",
                placeholder="http://127.0.0.1:8000/v1",
                max_length=512,
                elem_id="ensemble-url",
            )
        with gr.Row():
            key_env = gr.Textbox(
                label="Variable of its key (optional)",
                placeholder="EXAMPLE_API_KEY",
                max_length=128,
                elem_id="ensemble-key-env",
            )
            input_price = gr.Number(None, label="Price of a million tokens in (optional)", minimum=0)
            output_price = gr.Number(None, label="Price of a million tokens out (optional)", minimum=0)
        add = gr.Button("Add", variant="primary", elem_id="ensemble-add")
        added = gr.HTML("", padding=False, elem_id="ensemble-added")
    return RosterParts(
        members=members,
        member=member,
        test=test,
        enable=enable,
        disable=disable,
        refresh=refresh,
        said=said,
        name=name,
        model=model,
        base_url=base_url,
        key_env=key_env,
        input_price=input_price,
        output_price=output_price,
        add=add,
        added=added,
    )

"""Draws the people page and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from db.enums import Role

TITLE = "People"
SENTENCE = "Who may sign in and what they may do, invitation links, and every change that somebody made."
ROLES = [
    ("annotator: labels", Role.ANNOTATOR.value),
    ("researcher: projects, data, training, statistics", Role.RESEARCHER.value),
    ("admin: people as well", Role.ADMIN.value),
]


class PeopleParts:
    """Everything on the page."""

    def __init__(self) -> None:
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Accounts"), padding=False)
            self.people = gr.HTML("", padding=False, elem_id="people-accounts")
            with gr.Row():
                self.person = gr.Dropdown([], label="Account", elem_id="people-person")
                self.role = gr.Radio(ROLES, value=Role.ANNOTATOR.value, label="Role")
            with gr.Row():
                self.give_role = gr.Button("Give this role", variant="primary", elem_id="people-give-role")
                self.lock_out = gr.Button("Lock out", elem_id="people-lock-out")
                self.let_in = gr.Button("Let in again")
            self.said = gr.HTML("", padding=False, elem_id="people-said")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(
                markup.section("Invite", "The person who opens the link chooses a name and a password."),
                padding=False,
            )
            with gr.Row():
                self.invited_role = gr.Radio(ROLES, value=Role.ANNOTATOR.value, label="Role of the invited")
                self.n_accounts = gr.Number(
                    1, precision=0, minimum=1, maximum=1000, label="Accounts it may make"
                )
            self.invite = gr.Button("Make a link", variant="primary", elem_id="people-invite")
            self.invited = gr.HTML("", padding=False, elem_id="people-invited")
            self.link = gr.Textbox("", label="Link", buttons=["copy"], interactive=False, visible=False)
            self.invitations = gr.HTML("", padding=False, elem_id="people-invitations")
            with gr.Row(elem_classes="bu-beside"):
                self.invitation = gr.Dropdown([], label="Open link")
                self.withdraw = gr.Button("Withdraw it")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(
                markup.section("Audit trail", "The latest 100 changes. Votes keep their own history."),
                padding=False,
            )
            self.events = gr.HTML("", padding=False, elem_id="people-events")

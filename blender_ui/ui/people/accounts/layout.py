"""Draws the people page and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.people.keys.layout import KeyParts
from blender_ui.ui.people.webhooks.layout import WebhookParts
from blender_ui.ui.shell import draw_rows
from db.enums import Role

TITLE = "People"
SENTENCE = "Who may sign in and what they may do, and every change that somebody made."
ROLES = [
    ("annotator: labels", Role.ANNOTATOR.value),
    ("researcher: projects, data, training, statistics", Role.RESEARCHER.value),
    ("admin: people as well", Role.ADMIN.value),
]


class AccountsParts:
    """Who has an account, and how one gets one."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="bu-panel"):
            self.people = draw_rows("people-accounts")
            self.said = gr.HTML("", padding=False, elem_id="people-said")
            self.reset = gr.Textbox(
                "",
                label="Link for a new password",
                info="Send it to this person only. It works once, within a day.",
                buttons=["copy"],
                interactive=False,
                visible=False,
                elem_id="people-reset-link",
            )
        with gr.Column(elem_classes="bu-panel"):
            text = "Whoever opens the link chooses a name and a password."
            gr.HTML(markup.section("Invite", text), padding=False)
            with gr.Row(elem_classes="bu-form bu-line"):
                self.invited_role = gr.Dropdown(
                    ROLES, value=Role.ANNOTATOR.value, label="Role of the invited", scale=3
                )
                self.n_accounts = gr.Number(
                    1, precision=0, minimum=1, maximum=1000, label="Accounts it may make", scale=1
                )
                self.invite = gr.Button(
                    "Make a link", variant="primary", scale=0, min_width=130, elem_id="people-invite"
                )
            self.invited = gr.HTML("", padding=False, elem_id="people-invited")
            self.link = gr.Textbox("", label="Link", buttons=["copy"], interactive=False, visible=False)
            self.invitations = draw_rows("people-invitations")


class TrailParts:
    """The audit trail."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(
                markup.section("Audit trail", "The latest changes. Votes keep their own history."),
                padding=False,
            )
            with gr.Row(elem_classes="bu-form bu-line"):
                self.containing = gr.Textbox(
                    "",
                    label="Search",
                    placeholder="a name, a kind of change such as import, or a text in what changed",
                    max_length=200,
                    scale=3,
                    elem_id="people-search",
                )
                self.find = gr.Button("Search", scale=0, min_width=110, elem_id="people-find")
            self.events = gr.HTML("", padding=False, elem_id="people-events")


class PeopleParts:
    """Everything on the page."""

    def __init__(self) -> None:
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        with gr.Tabs():
            with gr.Tab("Accounts"):
                self.accounts = AccountsParts()
            with gr.Tab("Keys of programs"):
                self.keys = KeyParts()
            with gr.Tab("Webhooks"):
                self.webhooks = WebhookParts()
            with gr.Tab("Audit trail"):
                self.trail = TrailParts()

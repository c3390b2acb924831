"""Draws the people page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class PeopleParts:
    """Everything on the page."""

    people: gr.HTML
    person: gr.Dropdown
    role: gr.Radio
    give_role: gr.Button
    lock_out: gr.Button
    let_in: gr.Button
    said: gr.HTML
    invited_role: gr.Radio
    n_accounts: gr.Number
    invite: gr.Button
    link: gr.Textbox
    invited: gr.HTML
    invitations: gr.HTML
    invitation: gr.Dropdown
    withdraw: gr.Button
    events: gr.HTML


def draw_people_page() -> PeopleParts:
    """Draw the page inside its Blocks."""
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Accounts"), padding=False)
        people = gr.HTML("", padding=False, elem_id="people-accounts")
        with gr.Row():
            person = gr.Dropdown([], label="Account", elem_id="people-person")
            role = gr.Radio(ROLES, value=Role.ANNOTATOR.value, label="Role")
        with gr.Row():
            give_role = gr.Button("Give this role", variant="primary", elem_id="people-give-role")
            lock_out = gr.Button("Lock out", elem_id="people-lock-out")
            let_in = gr.Button("Let in again")
        said = gr.HTML("", padding=False, elem_id="people-said")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(
            markup.section("Invite", "The person who opens the link chooses a name and a password."),
            padding=False,
        )
        with gr.Row():
            invited_role = gr.Radio(ROLES, value=Role.ANNOTATOR.value, label="Role of the invited")
            n_accounts = gr.Number(1, precision=0, minimum=1, maximum=1000, label="Accounts it may make")
        invite = gr.Button("Make a link", variant="primary", elem_id="people-invite")
        invited = gr.HTML("", padding=False, elem_id="people-invited")
        link = gr.Textbox("", label="Link", buttons=["copy"], interactive=False, visible=False)
        invitations = gr.HTML("", padding=False, elem_id="people-invitations")
        with gr.Row(elem_classes="bu-beside"):
            invitation = gr.Dropdown([], label="Open link")
            withdraw = gr.Button("Withdraw it")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(
            markup.section("Audit trail", "The latest 100 changes. Votes keep their own history."),
            padding=False,
        )
        events = gr.HTML("", padding=False, elem_id="people-events")
    return PeopleParts(
        people=people,
        person=person,
        role=role,
        give_role=give_role,
        lock_out=lock_out,
        let_in=let_in,
        said=said,
        invited_role=invited_role,
        n_accounts=n_accounts,
        invite=invite,
        link=link,
        invited=invited,
        invitations=invitations,
        invitation=invitation,
        withdraw=withdraw,
        events=events,
    )

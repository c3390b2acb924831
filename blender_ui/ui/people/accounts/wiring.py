"""The people page's events: which handler a component calls and what its views change."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui import markup
from blender_ui.ui.events import at_once
from blender_ui.ui.people.accounts import drawing
from blender_ui.ui.people.accounts.handlers import PeopleHandlers, PeoplePage
from blender_ui.ui.people.accounts.layout import PeopleParts
from blender_ui.ui.people.keys.wiring import build_keys
from blender_ui.ui.shell import WITH_ADDRESS

Update = dict[Any, Any]


def build_people(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = PeopleHandlers(services.labeling, services.accounts, services.invitations, services.auditing)
    parts = PeopleParts()
    shown = [parts.people, parts.person, parts.invitations, parts.invitation, parts.events]

    def open_page() -> Update:
        return _paint(parts, handlers.page())

    def give_role(annotator_id: int | None, role: str) -> Update:
        said = handlers.set_role(annotator_id, role)
        return {**_paint(parts, handlers.page()), parts.said: markup.notice(said)}

    def lock_out(annotator_id: int | None) -> Update:
        said = handlers.set_disabled(annotator_id, True)
        return {**_paint(parts, handlers.page()), parts.said: markup.notice(said)}

    def let_in(annotator_id: int | None) -> Update:
        said = handlers.set_disabled(annotator_id, False)
        return {**_paint(parts, handlers.page()), parts.said: markup.notice(said)}

    def invite(role: str, n_accounts: float) -> Update:
        token, said = handlers.invite(role, n_accounts)
        return {
            **_paint(parts, handlers.page()),
            parts.invited: markup.notice(said, tone="info" if token else "warning"),
            parts.link: gr.update(value=token, visible=bool(token)),
        }

    def withdraw(invitation_id: int | None) -> Update:
        said = handlers.withdraw(invitation_id)
        return {**_paint(parts, handlers.page()), parts.invited: markup.notice(said)}

    page.load(open_page, None, shown, **at_once("people_open"))
    parts.give_role.click(
        give_role, [parts.person, parts.role], [*shown, parts.said], **at_once("people_role")
    )
    parts.lock_out.click(lock_out, parts.person, [*shown, parts.said], **at_once("people_lock_out"))
    parts.let_in.click(let_in, parts.person, [*shown, parts.said], **at_once("people_let_in"))
    parts.invite.click(
        invite,
        [parts.invited_role, parts.n_accounts],
        [*shown, parts.invited, parts.link],
        **at_once("people_invite"),
    ).then(None, parts.link, parts.link, js=WITH_ADDRESS, api_visibility="private")
    parts.withdraw.click(withdraw, parts.invitation, [*shown, parts.invited], **at_once("people_withdraw"))
    build_keys(services, page)


def _paint(parts: PeopleParts, page: PeoplePage) -> Update:
    return {
        parts.people: drawing.draw_people(page.people),
        parts.person: gr.update(choices=[(one.username, one.annotator_id) for one in page.people]),
        parts.invitations: drawing.draw_invitations(page.invitations),
        parts.invitation: gr.update(choices=[(f"link {one.id}", one.id) for one in page.invitations]),
        parts.events: drawing.draw_events(page.events),
    }

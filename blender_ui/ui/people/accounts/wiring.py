"""The people page's events: which handler a component calls and what its views change."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui import markup
from blender_ui.ui.events import at_once, of_each_row
from blender_ui.ui.people.accounts import drawing
from blender_ui.ui.people.accounts.handlers import Link, PeopleHandlers, PeoplePage
from blender_ui.ui.people.accounts.layout import PeopleParts
from blender_ui.ui.people.keys.wiring import wire_keys
from blender_ui.ui.people.webhooks.wiring import wire_webhooks
from blender_ui.ui.rows import read_act
from blender_ui.ui.shell import NOT_PRESSED, WITH_ADDRESS, WITH_RESET_ADDRESS

Update = dict[Any, Any]


def build_people(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = PeopleHandlers(services)
    parts = PeopleParts()
    _wire_accounts(page, parts, handlers)
    _wire_trail(parts, handlers)
    wire_keys(services, page, parts.keys)
    wire_webhooks(services, page, parts.webhooks)


def _wire_accounts(page: gr.Blocks, parts: PeopleParts, handlers: PeopleHandlers) -> None:
    drawn = parts.accounts
    shown = [drawn.people, drawn.invitations, parts.trail.events]

    def open_page() -> Update:
        return _paint(parts, handlers.page())

    def act_on_person(event: gr.EventData = NOT_PRESSED) -> Update:
        link = handlers.act_on_person(read_act(event))
        return {
            **_paint(parts, handlers.page()),
            drawn.said: _notice(link),
            drawn.reset: gr.update(value=link.token, visible=bool(link.token)),
        }

    def act_on_link(event: gr.EventData = NOT_PRESSED) -> Update:
        said = handlers.act_on_link(read_act(event))
        hidden = gr.update(value="", visible=False)
        return {**_paint(parts, handlers.page()), drawn.invited: _notice(said), drawn.link: hidden}

    def invite(role: str, n_accounts: float) -> Update:
        link = handlers.invite(role, n_accounts)
        return {
            **_paint(parts, handlers.page()),
            drawn.invited: _notice(link),
            drawn.link: gr.update(value=link.token, visible=bool(link.token)),
        }

    page.load(open_page, None, shown, **at_once("people_open"))
    drawn.people.select(
        act_on_person, None, [*shown, drawn.said, drawn.reset], **of_each_row("people_act")
    ).then(None, drawn.reset, drawn.reset, js=WITH_RESET_ADDRESS, api_visibility="private")
    drawn.invitations.select(
        act_on_link, None, [*shown, drawn.invited, drawn.link], **of_each_row("people_act_on_link")
    )
    drawn.invite.click(
        invite,
        [drawn.invited_role, drawn.n_accounts],
        [*shown, drawn.invited, drawn.link],
        **at_once("people_invite"),
    ).then(None, drawn.link, drawn.link, js=WITH_ADDRESS, api_visibility="private")


def _wire_trail(parts: PeopleParts, handlers: PeopleHandlers) -> None:
    trail = parts.trail

    def find(containing: str) -> str:
        return drawing.draw_events(handlers.find_events(containing), containing=containing)

    gr.on(
        [trail.find.click, trail.containing.submit],
        find,
        trail.containing,
        trail.events,
        **at_once("people_find"),
    )


def _paint(parts: PeopleParts, page: PeoplePage) -> Update:
    return {
        parts.accounts.people: drawing.draw_people(page.people),
        parts.accounts.invitations: drawing.draw_invitations(page.invitations),
        parts.trail.events: drawing.draw_events(page.events),
    }


def _notice(link: Link) -> str:
    return markup.notice(link.said, tone="good" if link.is_good else "warning")

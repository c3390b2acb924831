"""The panel's events: which handler a component calls and what its views change."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui import markup
from blender_ui.ui.events import at_once, of_each_row
from blender_ui.ui.people.webhooks.drawing import draw_messages, draw_webhooks
from blender_ui.ui.people.webhooks.handlers import WebhookHandlers, WebhooksPanel
from blender_ui.ui.people.webhooks.layout import WebhookParts
from blender_ui.ui.rows import read_act
from blender_ui.ui.shell import NOT_PRESSED

Update = dict[Any, Any]


def wire_webhooks(services: Services, page: gr.Blocks, parts: WebhookParts) -> None:
    """Wire the panel's events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
        parts: The panel, as it was drawn.
    """
    handlers = WebhookHandlers(services.labeling, services.webhooks, services.delivering)
    shown = [parts.webhooks, parts.messages]

    def open_panel() -> Update:
        return _paint(parts, handlers.panel())

    def make(url: str, events: list[str]) -> Update:
        made = handlers.make(url, events)
        return {
            **_paint(parts, handlers.panel()),
            parts.said: markup.notice(made.said, tone="info" if made.secret else "warning"),
            parts.secret: gr.update(value=made.secret, visible=bool(made.secret)),
            parts.url: "" if made.secret else gr.skip(),
        }

    def act(event: gr.EventData = NOT_PRESSED) -> Update:
        acted = read_act(event)
        done = handlers.act(acted)
        told = {
            **_paint(parts, handlers.panel()),
            parts.done: markup.notice(done.said, tone="info" if done.is_well else "warning"),
        }
        if acted.name == "test":
            return told  # the secret of a new webhook stays, which its receiver may need for the test
        return {**told, parts.said: "", parts.secret: gr.update(value="", visible=False)}

    page.load(open_panel, None, shown, **at_once("people_webhooks"))
    parts.make.click(
        make,
        [parts.url, parts.events],
        [*shown, parts.said, parts.secret, parts.url],
        **at_once("people_make_webhook"),
    )
    parts.webhooks.select(
        act, None, [*shown, parts.done, parts.said, parts.secret], **of_each_row("people_act_on_webhook")
    )


def _paint(parts: WebhookParts, panel: WebhooksPanel) -> Update:
    return {
        parts.webhooks: draw_webhooks(panel.webhooks),
        parts.messages: draw_messages(panel.messages),
    }

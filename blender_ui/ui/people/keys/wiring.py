"""The panel's events: which handler a component calls and what its views change."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui import markup
from blender_ui.ui.events import at_once, of_each_row
from blender_ui.ui.people.keys.drawing import draw_keys
from blender_ui.ui.people.keys.handlers import KeyHandlers, KeysPanel
from blender_ui.ui.people.keys.layout import KeyParts
from blender_ui.ui.rows import read_act
from blender_ui.ui.shell import NOT_PRESSED

Update = dict[Any, Any]


def wire_keys(services: Services, page: gr.Blocks, parts: KeyParts) -> None:
    """Wire the panel's events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
        parts: The panel, as it was drawn.
    """
    handlers = KeyHandlers(services.labeling, services.keys, services.projects)
    shown = [parts.keys, parts.project]

    def open_panel() -> Update:
        return _paint(parts, handlers.panel())

    def make(name: str, role: str, project_id: int | None, requests: float, tokens: float) -> Update:
        made = handlers.make(name, role, project_id, requests, tokens)
        return {
            **_paint(parts, handlers.panel()),
            parts.said: markup.notice(made.said, tone="info" if made.secret else "warning"),
            parts.secret: gr.update(value=made.secret, visible=bool(made.secret)),
        }

    def act(event: gr.EventData = NOT_PRESSED) -> Update:
        said = handlers.revoke(read_act(event).row)
        hidden = gr.update(value="", visible=False)
        return {**_paint(parts, handlers.panel()), parts.said: markup.notice(said), parts.secret: hidden}

    page.load(open_panel, None, shown, **at_once("people_keys"))
    parts.make.click(
        make,
        [parts.name, parts.role, parts.project, parts.requests_a_minute, parts.tokens_a_day],
        [*shown, parts.said, parts.secret],
        **at_once("people_make_key"),
    )
    parts.keys.select(act, None, [*shown, parts.said, parts.secret], **of_each_row("people_revoke_key"))


def _paint(parts: KeyParts, panel: KeysPanel) -> Update:
    return {
        parts.keys: draw_keys(panel.keys),
        parts.project: gr.update(choices=list(panel.projects)),
    }

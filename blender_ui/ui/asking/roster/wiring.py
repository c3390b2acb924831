"""The Members page's events: which handler a component calls and what its views change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui import markup
from blender_ui.ui.asking.roster import drawing
from blender_ui.ui.asking.roster.handlers import RosterHandlers
from blender_ui.ui.asking.roster.layout import RosterParts
from blender_ui.ui.drift import OF_MEMBERS, draw_drifts
from blender_ui.ui.events import at_once
from blender_ui.ui.rows import read_act
from blender_ui.ui.shell import NOT_PRESSED

Update = dict[Any, Any]
N_AT_ONCE = 8
"""Questions to members at the same time, over all visitors."""


def build_roster(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = RosterHandlers(services.labeling, services.member_list)
    parts = RosterParts()

    def open_page() -> str:
        return drawing.draw_members(handlers.page())

    def watch() -> str:
        return draw_drifts(services.drifts.find(), OF_MEMBERS)

    def act(event: gr.EventData = NOT_PRESSED) -> Iterator[Update]:
        for said in handlers.act(read_act(event)):
            yield {parts.members: open_page(), parts.said: markup.notice(said)}

    page.load(open_page, None, parts.members, **at_once("ensemble_open"))
    page.load(watch, None, parts.drift, **at_once("ensemble_drift"))
    parts.refresh.click(open_page, None, parts.members, **at_once("ensemble_look"))
    parts.members.select(
        act,
        None,
        [parts.members, parts.said],
        trigger_mode="multiple",
        show_progress="hidden",
        concurrency_limit=N_AT_ONCE,
        api_name="ensemble_act",
        api_visibility="private",
    )
    _wire_adding(parts, handlers)


def _wire_adding(parts: RosterParts, handlers: RosterHandlers) -> None:
    def add(
        name: str, model: str, base_url: str, key_env: str, input_price: str, output_price: str
    ) -> Iterator[Update]:
        for said in handlers.add(name, model, base_url, key_env, (input_price, output_price)):
            yield {
                parts.members: drawing.draw_members(handlers.page()),
                parts.added: markup.notice(said),
            }

    fields = [parts.name, parts.model, parts.base_url, parts.key_env, parts.input_price, parts.output_price]
    parts.add.click(
        add,
        fields,
        [parts.members, parts.added],
        concurrency_limit=N_AT_ONCE,
        api_name="ensemble_add",
        api_visibility="private",
    )

"""The Members page's events: which handler a component calls and what its views change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.ui import markup
from blender_ui.ui.asking.roster import drawing
from blender_ui.ui.asking.roster.handlers import RosterHandlers, RosterPage
from blender_ui.ui.asking.roster.layout import RosterParts
from blender_ui.ui.drift import OF_MEMBERS, draw_drifts
from blender_ui.ui.events import at_once

Update = dict[Any, Any]
N_TESTS = 8
"""Tests at the same time, over all visitors."""


def build_roster(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = RosterHandlers(services.labeling, services.member_list)
    parts = RosterParts()
    shown = [parts.members, parts.member]

    def open_page() -> Update:
        return _paint(parts, handlers.page())

    def watch() -> str:
        return draw_drifts(services.drifts.find(), OF_MEMBERS)

    def look_again() -> Update:
        return _paint(parts, handlers.page())

    def tell(said: str) -> Update:
        return {**_paint(parts, handlers.page()), parts.said: markup.notice(said)}

    def test(name: str | None) -> Update:
        return tell(handlers.test(name))

    def enable(name: str | None) -> Update:
        return tell(handlers.set_enabled(name, True))

    def disable(name: str | None) -> Update:
        return tell(handlers.set_enabled(name, False))

    def set_samples(name: str | None, samples: float | None) -> Update:
        return tell(handlers.set_samples(name, samples))

    page.load(open_page, None, shown, **at_once("ensemble_open"))
    page.load(watch, None, parts.drift, **at_once("ensemble_drift"))
    parts.refresh.click(look_again, None, shown, **at_once("ensemble_look"))
    parts.test.click(
        test,
        parts.member,
        [*shown, parts.said],
        concurrency_limit=N_TESTS,
        api_name="ensemble_test",
        api_visibility="private",
    )
    parts.enable.click(enable, parts.member, [*shown, parts.said], **at_once("ensemble_enable"))
    parts.disable.click(disable, parts.member, [*shown, parts.said], **at_once("ensemble_disable"))
    parts.set_samples.click(
        set_samples, [parts.member, parts.samples], [*shown, parts.said], **at_once("ensemble_samples")
    )
    _wire_adding(parts, handlers)


def _wire_adding(parts: RosterParts, handlers: RosterHandlers) -> None:
    def add(
        name: str, model: str, base_url: str, key_env: str, input_price: str, output_price: str
    ) -> Iterator[Update]:
        for said in handlers.add(name, model, base_url, key_env, (input_price, output_price)):
            yield {**_paint(parts, handlers.page()), parts.added: markup.notice(said)}

    fields = [parts.name, parts.model, parts.base_url, parts.key_env, parts.input_price, parts.output_price]
    parts.add.click(
        add,
        fields,
        [parts.members, parts.member, parts.added],
        concurrency_limit=N_TESTS,
        api_name="ensemble_add",
        api_visibility="private",
    )


def _paint(parts: RosterParts, page: RosterPage) -> Update:
    return {
        parts.members: drawing.draw_members(page),
        parts.member: gr.update(choices=[one.config.name for one in page.members]),
    }

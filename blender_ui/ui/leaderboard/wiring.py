"""The leaderboard's events: which handler a component calls and what its views change."""

from __future__ import annotations

from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.language import tr
from blender_ui.ui.events import at_once
from blender_ui.ui.leaderboard import drawing
from blender_ui.ui.leaderboard.handlers import LeaderboardHandlers, LeaderboardPage
from blender_ui.ui.leaderboard.layout import ALL_KINDS, LeaderboardParts
from blender_ui.ui.workspace import find_project

Update = dict[Any, Any]
"""New values or properties by component."""


def build_leaderboard(services: Services, page: gr.Blocks) -> None:
    """Draw the page and wire its events, inside the page's Blocks context.

    Args:
        services: Shared by every visitor.
        page: The Blocks whose load event belongs to this page.
    """
    handlers = LeaderboardHandlers(
        services.leaderboard,
        labeling=services.labeling,
        access=services.access,
        find_project=lambda: find_project(services.access, services.workspaces),
    )
    parts = LeaderboardParts()

    def open_page(memory: object) -> Update:
        return _paint(parts, handlers.page(memory))

    def choose(memory: object, kind: str | None) -> Update:
        return _paint(parts, handlers.page(memory, kind))

    outputs = [parts.contribution, parts.lists, parts.kind]
    page.load(open_page, parts.memory, outputs, **at_once("leaderboard_open"))
    parts.kind.input(choose, [parts.memory, parts.kind], outputs, **at_once("leaderboard_choose"))


def _paint(parts: LeaderboardParts, view: LeaderboardPage) -> Update:
    kinds = [(tr(ALL_KINDS), ""), *((one, one) for one in view.kinds)]
    return {
        parts.contribution: drawing.draw_contribution(view.contribution),
        parts.lists: drawing.draw_lists(view),
        parts.kind: gr.update(choices=kinds, visible=len(view.kinds) > 1),
    }

"""The app's table of contents: which page is drawn where."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gradio as gr

from blender_ui.api.app import Api
from blender_ui.bootstrap import Services
from blender_ui.ui.asking.past.shared import SharedRounds
from blender_ui.ui.asking.roster.wiring import build_roster
from blender_ui.ui.asking.wiring import build_blend
from blender_ui.ui.closed import close_controls, draw_only_shown
from blender_ui.ui.data.wiring import build_data
from blender_ui.ui.inspecting.decisions.wiring import build_inspect
from blender_ui.ui.labeling.wiring import build_label
from blender_ui.ui.leaderboard.wiring import build_leaderboard
from blender_ui.ui.people.account.wiring import build_account
from blender_ui.ui.people.accounts.wiring import build_people
from blender_ui.ui.people.projects.wiring import build_projects
from blender_ui.ui.quality.wiring import build_quality
from blender_ui.ui.serving.guard import GuardedBlocks, guard_handlers
from blender_ui.ui.shell import ACCOUNT, PAGES, Page, draw_header
from blender_ui.ui.training.wiring import build_train

Builder = Callable[[Services, gr.Blocks], None]
"""Draws one page and wires its events, inside the page's Blocks context."""

CACHE_SECONDS = (3600, 24 * 3600)
"""Every hour, files that were sent or exported a day ago are deleted: they hold names and answers."""

HOME, LABEL, LEADERBOARD, TRAIN, INSPECT, QUALITY, DATA, PROJECTS, MEMBERS, PEOPLE = PAGES
BUILDERS: dict[Page, Builder] = {
    HOME: build_blend,
    LABEL: build_label,
    LEADERBOARD: build_leaderboard,
    TRAIN: build_train,
    INSPECT: build_inspect,
    QUALITY: build_quality,
    DATA: build_data,
    PROJECTS: build_projects,
    MEMBERS: build_roster,
    PEOPLE: build_people,
    ACCOUNT: build_account,
}


def build_app(services: Services, *, builders: Mapping[Page, Builder] = BUILDERS) -> GuardedBlocks:
    """Draw and wire the pages.

    Args:
        services: From ``build_services``; shared by every visitor.
        builders: Of the pages; a test draws few, because all of them take a second.

    Returns:
        The app, with the routes for programs; ``blender_ui.ui.serving.web.open_pages`` serves it.
    """
    app = GuardedBlocks(
        services.access, title="Blender UI", analytics_enabled=False, delete_cache=CACHE_SECONDS
    )
    app.api = Api(services)
    app.add_shared = SharedRounds(services).add_to
    with app:
        for page, build in builders.items():
            if page is not HOME:
                app.begin_page(page.title, page.path)
            draw_header(page)
            said, before = draw_only_shown(), set(app.fns)
            build(services, app)
            own = [event for number, event in app.fns.items() if number not in before]
            close_controls(app, page, services.access, events=own, said=said)
    guard_handlers(app, services.access, n_proxies=services.settings.trusted_proxies)
    return app

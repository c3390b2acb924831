"""Closes, on a page that a role may only look at, the controls that it may not use.

Invariant: such a control cannot be used before the page knows whose it is, and afterwards only by who
may call what it calls. The guard decides all the same; this keeps people from pressing in vain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

from blender_ui.services.people.access import Access, Mode
from blender_ui.ui import markup
from blender_ui.ui.identity import may_call, opening, presented_key, required_role
from blender_ui.ui.shell import ACCOUNT, Page
from db.enums import Role

ONLY_LOOKED_AT = "A demo shows what is there. What is greyed out here needs an account with a higher role."


def draw_only_shown() -> gr.HTML:
    """Where a page says that it is only shown; empty for who may use it."""
    return gr.HTML("", padding=False, elem_classes="bu-only-shown")


def close_controls(
    app: gr.Blocks, page: Page, access: Access, *, events: Iterable[Any], said: gr.HTML
) -> None:
    """Close controls inside the page's Blocks context, once its events are wired.

    Args:
        app: The app.
        page: The page.
        access: Says who may call what.
        events: The page's, from ``app.fns``.
        said: From ``draw_only_shown``.
    """
    endpoints = _find_closed(app, events, access.mode)
    if not endpoints or required_role(opening(page.path), mode=access.mode) is not Role.ANNOTATOR:
        return
    controls = [app.blocks[component_id] for component_id in endpoints]
    for control in controls:
        control.interactive = False  # type: ignore[attr-defined]

    def open_own() -> dict[Any, Any]:
        key = presented_key.get()
        may = {one: may_call(access, endpoints[one._id], key) for one in controls}
        links = [] if access.identify(key).has_account else [("Sign in", f"./{ACCOUNT.path}")]
        sentence = "" if all(may.values()) else markup.notice(ONLY_LOOKED_AT, links=links)
        return {said: sentence, **{one: gr.update(interactive=allowed) for one, allowed in may.items()}}

    app.load(
        open_own,
        None,
        [said, *controls],
        api_name=f"{page.path or 'blend'}_controls",
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )


def _find_closed(app: gr.Blocks, events: Iterable[Any], mode: Mode) -> dict[int, str]:
    """Ids of the components that call an endpoint which not everybody here may call, and the endpoint."""
    return {
        component_id: str(event.api_name)
        for event in events
        if event.fn is not None
        and required_role(str(event.api_name), mode=mode) not in (None, Role.ANNOTATOR)
        for component_id, _ in event.targets
        if hasattr(app.blocks.get(component_id), "interactive")
    }

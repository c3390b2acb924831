"""Ties the label page's requests to its handlers.

The page's script calls the endpoints by their names, past the queue, because a vote is two short
transactions and a person waits for the next pair. Each is callable by anybody who can reach the
app; the key in each decides whose pair it is about.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.events import api

from blender_ui.bootstrap import Services
from blender_ui.ui.labeling.handlers import LabelHandlers
from blender_ui.ui.labeling.layout import draw_label
from db.enums import DEFAULT_PROJECT_ID

KEEPS_PER_LEASE = 4
"""So that a lost request or two does not lose the lease."""


class _Endpoints:
    """The handlers as Gradio calls them: plain JSON in and out; ``guard`` makes a reply of an error."""

    def __init__(self, handlers: LabelHandlers) -> None:
        self._handlers = handlers

    def open(self, key: str, project_id: int | None = None) -> dict[str, Any]:
        return asdict(self._handlers.open(key, project_id))

    def ahead(self, key: str, project_id: int, shown: int) -> dict[str, Any]:
        return asdict(self._handlers.ahead(key, project_id, shown))

    def vote(self, key: str, vote: dict[str, Any]) -> dict[str, Any]:
        return asdict(self._handlers.vote(key, vote))

    def skip(self, key: str, lease_id: int, place: dict[str, Any] | None = None) -> dict[str, Any]:
        return asdict(self._handlers.skip(key, lease_id, place))

    def begin(self, key: str, project_id: int = DEFAULT_PROJECT_ID) -> dict[str, Any]:
        return asdict(self._handlers.begin(key, project_id))

    def written(self, key: str, lease_id: int) -> dict[str, Any]:
        return asdict(self._handlers.written(key, lease_id))

    def undo(self, key: str, project_id: int = DEFAULT_PROJECT_ID) -> dict[str, Any]:
        return asdict(self._handlers.undo(key, project_id))

    def keep(self, key: str, lease_id: int) -> dict[str, Any]:
        return {"is_kept": self._handlers.keep(key, lease_id)}

    def progress(self, key: str, project_id: int = DEFAULT_PROJECT_ID) -> dict[str, Any]:
        return asdict(self._handlers.progress(key, project_id)) | {"warning": self._handlers.warning(key)}

    def rename(self, key: str, name: str) -> dict[str, Any]:
        return {"name": self._handlers.rename(key, name)}

    def mine(self, key: str, project_id: int, before_id: int | None = None) -> dict[str, Any]:
        return {"answers": [asdict(one) for one in self._handlers.mine(key, project_id, before_id)]}

    def relabel(self, key: str, preference_id: int, outcome: str, token: str) -> dict[str, Any]:
        return {"preference_id": self._handlers.relabel(key, preference_id, outcome, token)}


def build_label(services: Services, page: gr.Blocks) -> None:
    """Draw and wire the label page.

    Args:
        services: Shared by every visitor.
        page: The Blocks that the page belongs to.
    """
    settings = services.settings
    has_visitors = services.access.visitors is not None
    shortest = min(settings.lease_seconds, settings.visitor_lease_seconds if has_visitors else math.inf)
    draw_label(keep_seconds=shortest / KEEPS_PER_LEASE)
    endpoints = _Endpoints(
        LabelHandlers(
            services.labeling,
            relabeling=services.relabeling,
            projects=services.projects,
            workspaces=services.workspaces,
            access=services.access,
            warn=lambda annotator_id: services.quality.warn(annotator_id=annotator_id),
        )
    )
    api(endpoints.open, api_name="label_open", queue=False)
    api(endpoints.ahead, api_name="label_ahead", queue=False)
    api(endpoints.vote, api_name="label_vote", queue=False)
    api(endpoints.skip, api_name="label_skip", queue=False)
    api(endpoints.begin, api_name="label_begin", queue=False)
    api(endpoints.written, api_name="label_written", queue=False)
    api(endpoints.undo, api_name="label_undo", queue=False)
    api(endpoints.keep, api_name="label_keep", queue=False)
    api(endpoints.progress, api_name="label_progress", queue=False)
    api(endpoints.rename, api_name="label_rename", queue=False)
    api(endpoints.mine, api_name="label_mine", queue=False)
    api(endpoints.relabel, api_name="label_relabel", queue=False)

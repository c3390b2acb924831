"""Which project a request is about: its address' one, else the one in which the person works.

Every request of a page carries the project of the page's address in a header. Invariant: a project that
is not open to the person is never given. Non-goal: remembering a choice, which the account endpoints do.
"""

from __future__ import annotations

from contextvars import ContextVar

from blender_ui.services.people.access import Access, Mode
from blender_ui.services.projects.workspaces import Workspaces, WorkspaceView
from blender_ui.ui.identity import presented_key

PROJECT_HEADER = "x-blender-project"
LONGEST = 20

presented_project: ContextVar[str | None] = ContextVar("presented_project", default=None)
"""The project of the page that sent the request which is being handled; None where its address has none."""


def find_workspace(access: Access, workspaces: Workspaces, key: str | None = None) -> WorkspaceView:
    """Where the sender of the request that is being handled works.

    Args:
        access: Recognises keys.
        workspaces: Knows what they chose.
        key: Theirs; None for the one that came with the request.
    """
    visitor = access.identify(key or presented_key.get())
    is_stranger = access.mode is Mode.DEMO and not visitor.has_account
    return workspaces.find(visitor.annotator, presented_project.get(), is_shown_all=is_stranger)


def find_project(access: Access, workspaces: Workspaces) -> int | None:
    """The project that the request is about; None for all of them."""
    return find_workspace(access, workspaces).project_id


def read_project(value: str | None) -> str | None:
    """An address' project as it came in a header; None where it cannot be one."""
    return value if value and len(value) <= LONGEST and value.isascii() else None

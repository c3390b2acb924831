"""The project that a person works in: what the pages show them, until they choose another one.

Invariant: nobody works in a project that is not open to them; who may see all projects works in all of them
until they choose. Non-goal: what a page makes of it; a page gives the project's id to its services.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from blender_ui.errors import NotPermitted
from blender_ui.services.people.signing_in import AnnotatorView
from blender_ui.services.projects.projects import ProjectBrief, Projects
from db.engine import transaction
from db.models import Role
from db.queries import projects as queries
from db.queries import queue

ALL = "all"
"""As an address says all projects at once."""


@dataclass(frozen=True, kw_only=True)
class WorkspaceView:
    """Where somebody works.

    Attributes:
        project_id: None for all projects at once.
        projects: Those that they may choose, the oldest first.
        sees_all: Whether they may choose all at once.
    """

    project_id: int | None
    projects: tuple[ProjectBrief, ...]
    sees_all: bool

    def get(self, project_id: int | None) -> ProjectBrief | None:
        """One of the projects; None where it is not among them."""
        return next((one for one in self.projects if one.id == project_id), None)


class Workspaces:
    """Where the people of one store work.

    Args:
        engine: From ``db.engine.create_store``.
        projects: Says which are open to whom.
        clock: Gives the present time, with its zone.
    """

    def __init__(self, engine: Engine, *, projects: Projects, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._projects = projects
        self._clock = clock

    def find(
        self, person: AnnotatorView | None, asked: str | None = None, *, is_shown_all: bool = False
    ) -> WorkspaceView:
        """Where somebody works: what is asked for, else what they chose last, else all or the first.

        Args:
            person: Who; None for a stranger to a demo.
            asked: An address' project, a number or ``ALL``; what is not open to them counts as nothing.
            is_shown_all: Whether they may look at all projects at once, whatever their role.
        """
        annotator_id = 0 if person is None else person.id
        is_researcher = person is not None and person.role is not Role.ANNOTATOR
        mine = self._projects.list_open_to(annotator_id=annotator_id, sees_all=is_researcher)
        sees_all = is_researcher or is_shown_all
        allowed: list[int | None] = [one.id for one in mine]
        if sees_all:
            allowed.append(None)
        wishes: list[int | None] = []
        if asked is not None and (asked == ALL or asked.isdecimal()):
            wishes.append(None if asked == ALL else int(asked))
        with transaction(self._engine) as session:
            chosen = queries.find_workspace(session, annotator_id=annotator_id)
            if chosen is not None:
                wishes.append(chosen.project_id)
            wishes += [] if sees_all else [queries.find_last_joined(session, annotator_id=annotator_id)]
        first = None if sees_all or not mine else self.find_busy(mine).id
        project_id = next((one for one in wishes if one in allowed), first)
        return WorkspaceView(project_id=project_id, projects=tuple(mine), sees_all=sees_all)

    def find_busy(self, mine: Sequence[ProjectBrief]) -> ProjectBrief:
        """The first of some projects, one at least, in which pairs wait for people; else the first."""
        with transaction(self._engine) as session:
            return next((one for one in mine if queue.count_places(session, project_id=one.id)), mine[0])

    def choose(self, person: AnnotatorView, project_id: int | None) -> None:
        """Remember where somebody works; None for all projects.

        Raises:
            NotPermitted: If it is not open to them.
        """
        is_researcher = person.role is not Role.ANNOTATOR
        mine = self._projects.list_open_to(annotator_id=person.id, sees_all=is_researcher)
        is_open = is_researcher if project_id is None else any(one.id == project_id for one in mine)
        if not is_open:
            raise NotPermitted("This project is not open to you. Ask a researcher for an invitation link.")
        with transaction(self._engine) as session:
            known = queries.find_workspace(session, annotator_id=person.id)
            if known is not None and known.project_id == project_id:
                return  # as on every page that a link of the project opens: nobody waits for the writer
        with transaction(self._engine, immediate=True) as session:
            queries.set_workspace(session, annotator_id=person.id, project_id=project_id, now=self._clock())

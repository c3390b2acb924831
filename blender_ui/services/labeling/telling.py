"""Whether a project tells a person which members wrote what they judged.

Invariant: names leave the label loop, one's own list, exports and the API only where this says so. Non-goals:
Blend, where people see the names behind their own questions, and the pages of researchers.
"""

from __future__ import annotations

from sqlmodel import Session

from blender_ui.services.labeling.answers import Told
from blender_ui.services.labeling.lending import has_open
from db.models import Reveal
from db.queries import leases, projects, queue
from db.queries.queue import Scope


def is_told(session: Session, told: Told, annotator_id: int) -> bool:
    """Whether a person is told now who wrote what they judged in a project."""
    match told.reveal:
        case Reveal.VOTE:
            return True
        case Reveal.END:
            return is_over(session, project_id=told.project_id, annotator_id=annotator_id)
        case Reveal.NEVER:
            return False


def is_over(session: Session, *, project_id: int, annotator_id: int) -> bool:
    """Whether a person holds nothing of a project, and nothing of it is open to them."""
    if leases.list_active(session, annotator_id=annotator_id, scope=Scope(project_id)):
        return False
    return not has_open(session, annotator_id=annotator_id, project_id=project_id)


def list_untold(session: Session) -> set[int]:
    """The projects whose names leave the app by no export and by no API now.

    Those that never tell, and those that tell at the end while people are still asked something.
    """
    return {
        project.id or 0
        for project in projects.list_projects(session, with_archived=True)
        if project.reveal is Reveal.NEVER
        or (project.reveal is Reveal.END and queue.has_places(session, project_id=project.id or 0))
    }

"""What is in the store, a page at a time, for programs.

Invariant: a page goes on after the last id of the one before, so nothing is listed twice, whatever is written
meanwhile. Non-goal: who may look.
"""

from __future__ import annotations

from sqlalchemy import Engine

from blender_ui.services.labeling.blinding import Blinding
from db.engine import transaction
from db.queries import pages
from db.queries.pages import CandidateRow as CandidateRow
from db.queries.pages import PreferenceRow as PreferenceRow
from db.queries.pages import PromptRow as PromptRow
from db.queries.prompts import projects_by_id


class Listing:
    """Lists the rows of one store by ascending id.

    Args:
        engine: The store.
        secret: Decides what a member is called where its project does not tell its name now.
    """

    def __init__(self, engine: Engine, *, secret: int = 0) -> None:
        self._engine = engine
        self._secret = secret

    def prompts(self, *, project_id: int | None, after_id: int, limit: int) -> list[PromptRow]:
        """Prompts of one project, or of all."""
        with transaction(self._engine) as session:
            return pages.list_prompts(session, project_id=project_id, after_id=after_id, limit=limit)

    def candidates(
        self, *, project_id: int | None, prompt_id: int | None, after_id: int, limit: int
    ) -> list[CandidateRow]:
        """Answers of one project or prompt, or of all; the fused ones have the backend ``fusion``."""
        with transaction(self._engine) as session:
            rows = pages.list_candidates(
                session, project_id=project_id, prompt_id=prompt_id, after_id=after_id, limit=limit
            )
            blinding = Blinding(session, secret=self._secret)
            of = projects_by_id(session, prompt_ids=[row.prompt_id for row in rows])
            return [
                row._replace(member=blinding.name(row.member, project_id=of[row.prompt_id])) for row in rows
            ]

    def preferences(self, *, project_id: int | None, after_id: int, limit: int) -> list[PreferenceRow]:
        """Preferences that stand, of people and of programs."""
        with transaction(self._engine) as session:
            return pages.list_preferences(session, project_id=project_id, after_id=after_id, limit=limit)

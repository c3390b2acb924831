"""Prompts that a researcher types into a project.

Invariant: the same question is in a project once. Non-goal: answers to them, which an import or a
generation brings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Engine

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.language import tr
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.values import RankingPrompt
from db.engine import transaction
from db.models import Project, Prompt
from db.queries import prompts

MOST_AT_ONCE = 2000
LONGEST_PROMPT = 20_000


def split_prompts(text: str) -> list[str]:
    """The prompts of a typed text: paragraphs, parted by blank lines."""
    paragraphs: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            paragraphs[-1].append(line.rstrip())
        elif paragraphs[-1]:
            paragraphs.append([])
    return ["\n".join(lines) for lines in paragraphs if lines]


class ProjectPrompts:
    """Adds prompts to the projects of one store."""

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def add(self, project_id: int, *, instructions: Sequence[str], by: int) -> int:
        """Add prompts; say how many were new.

        Raises:
            NotFound: If there is no such project.
            MalformedInput: If there are none, or too many, or one is too long.
        """
        if not 0 < len(instructions) <= MOST_AT_ONCE:
            raise MalformedInput(
                tr(
                    "expected 1 to {most_at_once} prompts at once, came {n_instructions}",
                    most_at_once=MOST_AT_ONCE,
                    n_instructions=len(instructions),
                )
            )
        longest = max(len(instruction) for instruction in instructions)
        if longest > LONGEST_PROMPT:
            raise MalformedInput(
                tr(
                    "a prompt has at most {longest_prompt} characters, one has {longest}",
                    longest_prompt=LONGEST_PROMPT,
                    longest=longest,
                )
            )
        now = self._clock()
        by_fingerprint = {RankingPrompt(instruction=text).fingerprint: text for text in instructions}
        with transaction(self._engine, immediate=True) as session:
            if session.get(Project, project_id) is None:
                raise NotFound(tr("there is no project {project_id}", project_id=project_id))
            known = prompts.list_known(session, project_id=project_id, fingerprints=by_fingerprint)
            fresh = {key: text for key, text in by_fingerprint.items() if key not in known}
            session.add_all(
                Prompt(
                    project_id=project_id, instruction=text, fingerprint=key, asked_by_id=by, created_at=now
                )
                for key, text in fresh.items()
            )
            if fresh:
                change = Change(
                    by=by, action="project.prompts", object_id=project_id, after={"n_prompts": len(fresh)}
                )
                record_change(session, change, now=now)
        return len(fresh)

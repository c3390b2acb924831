"""Prompts: what people asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session, col

from db.models import (
    Annotator,
    Audience,
    Candidate,
    Continuation,
    Member,
    Project,
    ProjectMember,
    Prompt,
    SharedRound,
)
from db.queries.bulk import portions


class Question(NamedTuple):
    """The text of a prompt."""

    instruction: str
    input: str
    history: list[dict[str, str]]


def select_first_turn() -> ColumnElement[str]:
    """The fingerprint of a prompt's first turn, by which data is split."""
    return func.coalesce(col(Prompt.first_turn_fingerprint), col(Prompt.fingerprint))


def questions_by_id(session: Session, *, prompt_ids: Sequence[int]) -> dict[int, Question]:
    """The texts of some prompts."""
    query = select(col(Prompt.id), col(Prompt.instruction), col(Prompt.input), col(Prompt.history))
    return {
        row[0]: Question(*row[1:])
        for ids in portions(prompt_ids)
        for row in session.execute(query.where(col(Prompt.id).in_(ids)))
    }


def projects_by_id(session: Session, *, prompt_ids: Sequence[int]) -> dict[int, int]:
    """The project of some prompts."""
    query = select(col(Prompt.id), col(Prompt.project_id))
    return {
        row[0]: row[1]
        for ids in portions(prompt_ids)
        for row in session.execute(query.where(col(Prompt.id).in_(ids)))
    }


def find_parent_member(session: Session, *, prompt_id: int) -> str | None:
    """Who wrote the answer that a prompt goes on from; None where it goes on from none."""
    query = (
        select(col(Member.name))
        .join(Candidate, col(Candidate.member_id) == col(Member.id))
        .join(Continuation, col(Continuation.candidate_id) == col(Candidate.id))
        .where(col(Continuation.prompt_id) == prompt_id)
    )
    return session.scalars(query).first()


def find_containing(
    session: Session, *, text: str, limit: int, project_id: int | None = None, by: int | None = None
) -> Sequence[Prompt]:
    """The prompt that has a text as its id, then those that hold it, newest first; empty finds all.

    Only those open to an annotator, where one is named in ``by``.
    """
    query = select(Prompt).limit(limit)
    if by is not None:
        query = query.where(_is_open_to(by))
    if project_id is not None:
        query = query.where(col(Prompt.project_id) == project_id)
    if text:
        number = text.removeprefix("#")
        is_it = col(Prompt.id) == (int(number) if number.isdecimal() and len(number) < 19 else -1)
        holds_it = (
            column.icontains(text, autoescape=True) for column in (col(Prompt.instruction), col(Prompt.input))
        )
        query = query.where(or_(*holds_it, is_it)).order_by(is_it.desc())
    return session.scalars(query.order_by(col(Prompt.id).desc())).all()


def is_open_to(session: Session, *, prompt_id: int, annotator_id: int) -> bool:
    """Whether an annotator asked a prompt, or may label its project."""
    query = select(col(Prompt.id)).where(col(Prompt.id) == prompt_id, _is_open_to(annotator_id))
    return session.scalars(query).first() is not None


def list_asked(session: Session, *, annotator_id: int, text: str, limit: int) -> Sequence[Prompt]:
    """What somebody asked here, the latest first; only what has a text in it, unless it is empty."""
    query = select(Prompt).where(col(Prompt.asked_by_id) == annotator_id)
    if text:
        said = (col(Prompt.instruction), col(Prompt.input))
        query = query.where(or_(*(one.icontains(text, autoescape=True) for one in said)))
    return session.scalars(query.order_by(col(Prompt.id).desc()).limit(limit)).all()


class Shared(NamedTuple):
    """A round to which a link opens, with its asker's name."""

    prompt_id: int
    instruction: str
    asker: str
    shared_at: datetime


def list_shared(session: Session) -> list[Shared]:
    """The rounds to which a link opens, the latest first."""
    rows = session.execute(
        select(col(Prompt.id), col(Prompt.instruction), col(Annotator.name), col(SharedRound.shared_at))
        .join(SharedRound, col(SharedRound.prompt_id) == col(Prompt.id))
        .join(Annotator, col(Annotator.id) == col(Prompt.asked_by_id))
        .where(col(SharedRound.revoked_at).is_(None))
        .order_by(col(SharedRound.shared_at).desc())
    )
    return [Shared(id_ or 0, said, name, at) for id_, said, name, at in rows]


def _is_open_to(annotator_id: int) -> ColumnElement[bool]:
    is_for_all = (
        select(col(Project.id))
        .where(col(Project.id) == col(Prompt.project_id), col(Project.audience) == Audience.EVERYBODY)
        .exists()
    )
    is_member = (
        select(col(ProjectMember.project_id))
        .where(
            col(ProjectMember.project_id) == col(Prompt.project_id),
            col(ProjectMember.annotator_id) == annotator_id,
            col(ProjectMember.removed_at).is_(None),
        )
        .exists()
    )
    return or_(col(Prompt.asked_by_id) == annotator_id, is_for_all, is_member)


def list_known(session: Session, *, project_id: int, fingerprints: Collection[str]) -> set[str]:
    """Which of some fingerprints a project has a prompt of."""
    query = select(col(Prompt.fingerprint)).where(
        col(Prompt.project_id) == project_id, col(Prompt.fingerprint).in_(fingerprints)
    )
    return set(session.scalars(query))


def list_external_ids(session: Session, *, project_id: int, source: str) -> set[str]:
    """The ids that a data set's prompts have in it, of those in a project."""
    query = select(col(Prompt.external_id)).where(
        col(Prompt.project_id) == project_id, col(Prompt.source) == source
    )
    return {external_id for external_id in session.scalars(query) if external_id is not None}


def list_open_of_source(session: Session, *, source: str) -> Sequence[Prompt]:
    """The prompts of a data set by ascending id, of the projects that everybody may label."""
    return session.scalars(select(Prompt).where(*_are_open_of(source)).order_by(col(Prompt.id))).all()


def is_open_of_source(session: Session, *, prompt_id: int, source: str) -> bool:
    """Whether a prompt is one of ``list_open_of_source``."""
    query = select(col(Prompt.id)).where(col(Prompt.id) == prompt_id, *_are_open_of(source))
    return session.execute(query).first() is not None


def _are_open_of(source: str) -> tuple[ColumnElement[bool], ...]:
    # Not a join, for which SQLite reads every prompt: this is asked at every start, and each project has an
    # index of its prompts by source.
    is_open = (col(Project.archived_at).is_(None), col(Project.audience) == Audience.EVERYBODY)
    return (col(Prompt.source) == source, col(Prompt.project_id).in_(select(col(Project.id)).where(*is_open)))


def list_all(session: Session, *, project_id: int | None = None) -> Sequence[Prompt]:
    """Every prompt of every project, by ascending id; of one project if asked."""
    query = select(Prompt).order_by(col(Prompt.id))
    if project_id is not None:
        query = query.where(col(Prompt.project_id) == project_id)
    return session.scalars(query).all()


def count(session: Session) -> int:
    """How many there are in all projects."""
    return session.scalar(select(func.count()).select_from(Prompt)) or 0


def list_first_ids(session: Session, *, n: int) -> list[int]:
    """The ids of the n prompts that came first, ascending."""
    query = select(col(Prompt.id)).order_by(col(Prompt.id)).limit(n)
    return [prompt_id for prompt_id in session.scalars(query) if prompt_id is not None]


def get_first_fingerprint(session: Session) -> str:
    """The fingerprint of the prompt that came first, which tells one store from another; "" without one."""
    return session.scalar(select(col(Prompt.fingerprint)).order_by(col(Prompt.id)).limit(1)) or ""


def list_ids(session: Session, *, project_id: int, source: str | None = None) -> list[int]:
    """The ids of a project's prompts, ascending; those of one data set where it is named."""
    query = select(col(Prompt.id)).where(col(Prompt.project_id) == project_id).order_by(col(Prompt.id))
    if source is not None:
        query = query.where(col(Prompt.source) == source)
    return [prompt_id for prompt_id in session.scalars(query) if prompt_id is not None]


def list_answered_since(session: Session, *, project_id: int, since: datetime) -> list[int]:
    """The ids of a project's prompts that got an answer since a time."""
    query = (
        select(col(Candidate.prompt_id))
        .join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
        .where(col(Prompt.project_id) == project_id, col(Candidate.created_at) >= since)
        .distinct()
    )
    return list(session.scalars(query))

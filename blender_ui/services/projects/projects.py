"""Projects: made, changed and archived by researchers, and who may label them.

Invariant: every change is in the audit trail, with what was there before; an archived project keeps
all its rows and lends no pairs. Non-goal: who may ask for these changes, which ``services.people.access``
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import MalformedInput, NotFound, Refused
from blender_ui.language import tr
from blender_ui.outside import check
from blender_ui.pairing.policy import BALANCED_RANDOM, POLICIES
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.projects.questions import Questions, read_questions
from db.columns import row_id
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Ask, Audience, Project, Reveal
from db.queries import projects

MOST_CHECKS = 0.5
MOST_PAY = 10_000.0
FEWEST_ANSWERS, MOST_ANSWERS = 3, 8
"""At once; two are a pair, and more than eight nobody holds in mind."""


def _is_policy(name: str) -> str:
    if name not in POLICIES:
        raise ValueError(tr("a policy among {policies}", policies=", ".join(POLICIES)))
    return name


@dataclass(frozen=True, kw_only=True)
class ProjectTerms:
    """What a researcher sets.

    Attributes:
        guidelines: Markdown; empty for the app's own.
        overlap: How many people are asked each pair.
        gold_share: Share of turns that ask a gold pair, while there are any left for the person.
        attention_share: Likewise of attention checks; both together at most ``MOST_CHECKS``.
        policy: Order of the others, see ``blender_ui.pairing.policy``.
        random_share: Share of turns that stay random under ``most_informative``.
        questions: Asked beside the outcome of a pair.
        ask: What people are asked: pairs, or something of ``n_answers`` at once.
        n_answers: How many those are; ``FEWEST_ANSWERS`` to ``MOST_ANSWERS``.
        audience: Who may label it.
        reveal: When people who label it are told who wrote what they judged.
        pay: What a person gets for a pair; None where nobody said.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", revalidate_instances="always")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
    guidelines: Annotated[str, Field(max_length=50_000)] = ""
    overlap: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    gold_share: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0
    attention_share: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0
    policy: Annotated[str, AfterValidator(_is_policy)] = BALANCED_RANDOM
    random_share: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.2
    questions: Questions = field(default_factory=Questions)
    ask: Ask = Ask.PAIR
    n_answers: Annotated[int, Field(strict=True, ge=FEWEST_ANSWERS, le=MOST_ANSWERS)] = 4
    audience: Audience = Audience.EVERYBODY
    reveal: Reveal = Reveal.VOTE
    pay: Annotated[float, Field(strict=True, ge=0, le=MOST_PAY, allow_inf_nan=False)] | None = None


@dataclass(frozen=True, kw_only=True)
class ProjectView:
    """A project and how far it is.

    Attributes:
        n_pairs: Pairs that people are asked, gold and attention checks aside.
        n_wanted: Answers that these need in all.
        n_taken: Of those, the ones given, and the ones that somebody is being asked now.
        n_answered: Of those, the ones given.
        n_checks: Gold pairs and attention checks.
    """

    id: int
    terms: ProjectTerms
    n_prompts: int
    n_pairs: int
    n_wanted: int
    n_taken: int
    n_answered: int
    n_checks: int
    is_archived: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ProjectBrief:
    """What somebody who labels a project is told of it."""

    id: int
    name: str
    guidelines: str
    questions: Questions
    reveal: Reveal


class Projects:
    """The projects of one store."""

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def create(self, terms: ProjectTerms, *, by: int) -> ProjectView:
        """Make a project.

        Raises:
            MalformedInput: If a term is out of range.
            Refused: If the name is taken.
        """
        terms = check_terms(terms)
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            _keep_name_free(session, terms.name, None)
            project = Project(**_columns(terms), created_by_id=by, created_at=now)
            session.add(project)
            session.flush()
            change = Change(by=by, action="project.create", object_id=row_id(project), after=_told(project))
            record_change(session, change, now=now)
            return _view(session, project)

    def change(self, project_id: int, terms: ProjectTerms, *, by: int) -> ProjectView:
        """Set all terms anew. The overlap holds for pairs that are queued from now on.

        Raises:
            NotFound: If there is no such project.
            MalformedInput: If a term is out of range.
            Refused: If the name is another project's.
        """
        terms = check_terms(terms)
        with transaction(self._engine, immediate=True) as session:
            project = _get(session, project_id)
            _keep_name_free(session, terms.name, project_id)
            before = _told(project)
            for name, value in _columns(terms).items():
                setattr(project, name, value)
            session.flush()
            change = Change(
                by=by, action="project.change", object_id=project_id, before=before, after=_told(project)
            )
            record_change(session, change, now=self._clock())
            return _view(session, project)

    def set_archived(self, project_id: int, *, is_archived: bool, by: int) -> None:
        """Take a project out of labelling, or put it back.

        Raises:
            NotFound: If there is no such project.
            Refused: If it is the default project, to which everything belongs that names no other.
        """
        if project_id == DEFAULT_PROJECT_ID:
            raise Refused("the default project cannot be archived: what is asked on Blend belongs to it")
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            project = _get(session, project_id)
            before = {"is_archived": project.archived_at is not None}
            if before["is_archived"] != is_archived:
                project.archived_at = now if is_archived else None
            action = "project.archive" if is_archived else "project.restore"
            change = Change(
                by=by, action=action, object_id=project_id, before=before, after={"is_archived": is_archived}
            )
            record_change(session, change, now=now)

    def get(self, project_id: int) -> ProjectView:
        """A project and how far it is.

        Raises:
            NotFound: If there is no such project.
        """
        with transaction(self._engine) as session:
            return _view(session, _get(session, project_id))

    def list_projects(self, *, with_archived: bool = False) -> list[ProjectView]:
        """Every project, the oldest first."""
        with transaction(self._engine) as session:
            rows = projects.list_projects(session, with_archived=with_archived)
            return [_view(session, project) for project in rows]

    def list_open_to(self, *, annotator_id: int, sees_all: bool = False) -> list[ProjectBrief]:
        """The projects that somebody may label; all that are not archived where they see all."""
        with transaction(self._engine) as session:
            rows = (
                projects.list_projects(session, with_archived=False)
                if sees_all
                else projects.list_open_to(session, annotator_id=annotator_id)
            )
            return [_brief(project) for project in rows]

    def find_last_joined(self, *, annotator_id: int) -> int | None:
        """The project that somebody became a member of last, and still is; None for none."""
        with transaction(self._engine) as session:
            return projects.find_last_joined(session, annotator_id=annotator_id)

    def list_members(self, project_id: int) -> list[tuple[int, str]]:
        """Id and name of a project's members, by name."""
        with transaction(self._engine) as session:
            return projects.list_members(session, project_id=project_id)


_TERMS = TypeAdapter(ProjectTerms)


def check_terms(terms: object) -> ProjectTerms:
    """Terms whose fields are in range, from terms or from values by name.

    Raises:
        MalformedInput: With what was expected.
    """
    checked = check(_TERMS, terms, "terms")
    if checked.gold_share + checked.attention_share > MOST_CHECKS:
        raise MalformedInput("gold pairs and attention checks together are at most half of all turns")
    return checked


def _columns(terms: ProjectTerms) -> dict[str, Any]:
    return vars(terms) | {"questions": terms.questions.to_json()}


def _told(project: Project) -> Mapping[str, Any]:
    return _columns(_terms(project)) | {
        "audience": project.audience.value,
        "ask": project.ask.value,
        "reveal": project.reveal.value,
    }


def _terms(project: Project) -> ProjectTerms:
    columns = {field.name: getattr(project, field.name) for field in fields(ProjectTerms)}
    return ProjectTerms(**columns | {"questions": read_questions(project.questions)})


def _view(session: Session, project: Project) -> ProjectView:
    size = projects.measure(session, project_id=row_id(project))
    return ProjectView(
        id=row_id(project),
        terms=_terms(project),
        **size._asdict(),
        is_archived=project.archived_at is not None,
        created_at=project.created_at,
    )


def _brief(project: Project) -> ProjectBrief:
    return ProjectBrief(
        id=row_id(project),
        name=project.name,
        guidelines=project.guidelines,
        questions=read_questions(project.questions),
        reveal=project.reveal,
    )


def _get(session: Session, project_id: int) -> Project:
    project = session.get(Project, project_id)
    if project is None:
        raise NotFound(tr("there is no project {project_id}", project_id=project_id))
    return project


def _keep_name_free(session: Session, name: str, own_id: int | None) -> None:
    other = projects.find_by_name(session, name=name)
    if other is not None and other.id != own_id:
        raise Refused(tr("there is a project {name!r} already; choose another name", name=name))

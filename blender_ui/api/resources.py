"""What is in the store, for programs: projects, prompts, candidates, preferences, jobs and versions.

Invariant: a key of one project sees and changes that project alone. Non-goal: files, see ``files``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from blender_ui.errors import NotFound, NotPermitted
from blender_ui.outside import LARGEST_NUMBER, check_values
from blender_ui.services.inspecting.leaderboard import BoardWish, Leaderboard
from blender_ui.services.jobs.views import Jobs, JobView
from blender_ui.services.people.keys import Caller
from blender_ui.services.projects.projects import Projects, ProjectTerms, ProjectView
from blender_ui.services.projects.prompts import ProjectPrompts
from blender_ui.services.serving.listing import Listing
from blender_ui.services.versions.model_versions import Versions, VersionView
from blender_ui.services.versions.standing import describe_standing
from db.enums import Ask, ModelRole

MOST_ROWS = 1000
After = Annotated[int, Query(ge=0, le=LARGEST_NUMBER, description="next_after of the page before")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Id = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]

Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """Rows by ascending id."""

    data: list[Row]
    next_after: int | None = Field(description="after of the next page; null at the end")


class Project(BaseModel):
    """A project and how far it is."""

    id: int
    name: str
    guidelines: str
    overlap: int
    ask: Ask
    n_prompts: int
    n_pairs: int
    n_wanted: int
    n_taken: int
    is_archived: bool


class ProjectRequest(BaseModel):
    """A new project; what is left out is as on the Projects page."""

    model_config = ConfigDict(extra="forbid")

    name: str
    guidelines: str = ""
    overlap: Annotated[int, Field(strict=True)] = 1
    ask: Ask = Ask.PAIR


class Prompt(BaseModel):
    """What was asked."""

    id: int
    project_id: int
    instruction: str
    input: str
    history: list[dict[str, str]]
    source: str | None = Field(description="data set it was imported from; null where it was asked here")
    created_at: datetime


class PromptsRequest(BaseModel):
    """Prompts to add to a project; those that it has already are left out."""

    model_config = ConfigDict(extra="forbid")

    project_id: Id
    instructions: Annotated[list[str], Field(min_length=1)]


class Added(BaseModel):
    """How many were new."""

    n_added: int


class Candidate(BaseModel):
    """An answer."""

    id: int
    prompt_id: int
    member: str
    backend: str = Field(description="fusion for a fused answer, import for one that came with a file")
    text: str
    finish_reason: str | None
    created_at: datetime


class Preference(BaseModel):
    """A vote that stands."""

    id: int
    prompt_id: int
    left_id: int
    right_id: int
    outcome: str
    strength: float | None
    reason: str | None
    annotator_id: int
    kind: str = Field(description="human, or judge for a program or a model")
    policy: str | None = Field(description="how the pair was chosen; null where it was imported")
    propensity: float | None
    created_at: datetime


class Job(BaseModel):
    """A job and how far it is."""

    id: int
    kind: str
    status: str
    phase: str
    progress: float
    error: str | None
    version_id: int | None
    created_at: datetime
    finished_at: datetime | None


class Version(BaseModel):
    """A trained model."""

    id: int
    role: str
    kind: str
    is_active: bool
    n_train: int
    n_held_out: int
    metrics: dict[str, Any]
    standing: str | None
    """Of a ranker: where it stands beside the longer answer and the higher-rated member."""
    created_at: datetime


class BoardEntry(BaseModel):
    """One line of a list; chances are against the list's average entry, with 95 % intervals."""

    place: int
    name: str
    entrant: str
    chance: float
    low: float
    high: float
    n: int
    n_wins: int
    n_losses: int
    n_ties: int


class Leaders(BaseModel):
    """Lists of members; what is in two of them was never compared, directly or through others."""

    lists: list[list[BoardEntry]]
    n_preferences: int


class Rooms(NamedTuple):
    """The services that resources are in."""

    projects: Projects
    prompts: ProjectPrompts
    listing: Listing
    jobs: Jobs
    versions: Versions
    leaderboard: Leaderboard


class Resources:
    """Lists, reads and makes what is in the store.

    Args:
        rooms: Where it is.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def list_projects(self, caller: Caller) -> Page[Project]:
        """Every project of a key."""
        views = self._rooms.projects.list_projects(with_archived=True)
        seen = [one for one in views if caller.project_id in (None, one.id)]
        return Page(data=[_project(one) for one in seen], next_after=None)

    def get_project(self, caller: Caller, project_id: int) -> Project:
        """One project."""
        return _project(self._rooms.projects.get(_own(caller, project_id) or project_id))

    def create_project(self, caller: Caller, asked: ProjectRequest) -> Project:
        """Make a project."""
        if caller.project_id is not None:
            raise NotPermitted("This key works in one project. A key of every project makes others.")
        check_values(asked.model_dump())
        terms = ProjectTerms(
            name=asked.name, guidelines=asked.guidelines, overlap=asked.overlap, ask=asked.ask
        )
        return _project(self._rooms.projects.create(terms, by=caller.annotator_id))

    def list_prompts(self, caller: Caller, project_id: int | None, after: int, limit: int) -> Page[Prompt]:
        """Prompts of a project, or of all."""
        own = _own(caller, project_id)
        return _page(Prompt, self._rooms.listing.prompts, limit, project_id=own, after_id=after)

    def add_prompts(self, caller: Caller, asked: PromptsRequest) -> Added:
        """Add prompts to a project."""
        check_values(asked.instructions)
        n_added = self._rooms.prompts.add(
            _own(caller, asked.project_id) or asked.project_id,
            instructions=asked.instructions,
            by=caller.annotator_id,
        )
        return Added(n_added=n_added)

    def list_candidates(
        self, caller: Caller, project_id: int | None, prompt_id: int | None, after: int, limit: int
    ) -> Page[Candidate]:
        """Answers of a project or prompt, or of all."""
        own = _own(caller, project_id)
        return _page(
            Candidate,
            self._rooms.listing.candidates,
            limit,
            project_id=own,
            prompt_id=prompt_id,
            after_id=after,
        )

    def list_preferences(
        self, caller: Caller, project_id: int | None, after: int, limit: int
    ) -> Page[Preference]:
        """Standing votes of a project, or of all."""
        own = _own(caller, project_id)
        return _page(Preference, self._rooms.listing.preferences, limit, project_id=own, after_id=after)

    def list_jobs(self, caller: Caller, limit: int) -> Page[Job]:
        """The latest trainings, the newest first; of no project, so a key of one project sees none."""
        views = () if caller.project_id is not None else self._rooms.jobs.list_latest(limit=limit)
        return Page(data=[_job(one) for one in views], next_after=None)

    def get_job(self, caller: Caller, job_id: int) -> Job:
        """One job."""
        view = self._rooms.jobs.get(job_id)
        if caller.project_id not in (None, view.project_id):
            raise NotFound(f"there is no job {job_id} of this key's project")
        return _job(view)

    def list_versions(self, role: ModelRole) -> Page[Version]:
        """Every version of a role, the newest first."""
        views = self._rooms.versions.list_versions(role)
        return Page(data=[_version(one) for one in views], next_after=None)

    def read_leaderboard(self, caller: Caller, kind: str, project_id: int | None) -> Leaders:
        """The lists of a kind of task, empty for all, and of a project."""
        wish = BoardWish(kind=kind, project_id=_own(caller, project_id))
        board = self._rooms.leaderboard.board(wish)
        lists = [[BoardEntry(**vars(one)) for one in entries] for entries in board.lists]
        return Leaders(lists=lists, n_preferences=board.n_preferences)


class _Listed(Protocol):
    """A row as ``Listing`` gives it."""

    def _asdict(self) -> dict[str, Any]: ...


Form = TypeVar("Form", bound=BaseModel)


def _page(form: type[Form], read: Callable[..., Sequence[_Listed]], limit: int, **asked: Any) -> Page[Form]:
    """One page, and where the next begins: one row more is read, to know whether there is one."""
    rows = [form(**row._asdict()) for row in read(limit=limit + 1, **asked)]
    more = len(rows) > limit
    last: Any = rows[limit - 1] if more else None
    return Page(data=rows[:limit], next_after=last.id if more else None)


def _own(caller: Caller, project_id: int | None) -> int | None:
    """The project that a key may look at; None for all of them."""
    if caller.project_id is not None and project_id not in (None, caller.project_id):
        raise NotFound(f"there is no project {project_id} for this key")
    return caller.project_id if project_id is None else project_id


def _project(view: ProjectView) -> Project:
    terms = view.terms
    return Project(
        id=view.id,
        name=terms.name,
        guidelines=terms.guidelines,
        overlap=terms.overlap,
        ask=terms.ask,
        n_prompts=view.n_prompts,
        n_pairs=view.n_pairs,
        n_wanted=view.n_wanted,
        n_taken=view.n_taken,
        is_archived=view.is_archived,
    )


def _job(view: JobView) -> Job:
    return Job(**{name: getattr(view, name) for name in Job.model_fields})


def _version(view: VersionView) -> Version:
    told = {name: getattr(view, name) for name in Version.model_fields if name != "standing"}
    standing = describe_standing(view).sentence if view.role is ModelRole.RANKER else None
    return Version(**told | {"metrics": dict(view.metrics), "standing": standing})

"""What the projects page does when asked, without Gradio.

Invariant: the guard has let in researchers only; what a page sent is checked here or by the service,
and a refused change is a sentence. Non-goal: how it looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.language import tr, trn
from blender_ui.outside import read_id
from blender_ui.services.data.import_reports import tell_what_was_not_taken
from blender_ui.services.jobs.views import JobView
from blender_ui.services.monitoring.dashboard import DashboardView
from blender_ui.services.projects.projects import ProjectTerms, ProjectView, check_terms
from blender_ui.services.projects.prompts import split_prompts
from blender_ui.services.quality.checks import KnownPair
from blender_ui.services.recorded.keeping import PROJECT_NAME
from blender_ui.ui.identity import presented_key, recognise
from blender_ui.ui.workspace import find_project
from db.enums import DEFAULT_PROJECT_ID, Outcome, Purpose, Role

MOST_CHECKS_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of a request: the project it leaves chosen, and a sentence."""

    project_id: int | None
    text: str
    is_good: bool = True


class ProjectsHandlers:
    """The projects page's requests."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def list_projects(self) -> list[ProjectView]:
        """Every project, archived ones too."""
        return self._services.projects.list_projects(with_archived=True)

    def find_dashboard(self, project_id: object) -> DashboardView | None:
        """How a project is doing; None where none is chosen."""
        return self._services.dashboards.view(project_id) if isinstance(project_id, int) else None

    def find_own(self) -> int:
        """The project in which the person works; the default one where they work in all."""
        where = find_project(self._services.access, self._services.workspaces)
        return where or DEFAULT_PROJECT_ID

    def choose(self, project_id: object) -> ProjectView:
        """One project; the default one where nothing is chosen."""
        return self._services.projects.get(project_id if isinstance(project_id, int) else DEFAULT_PROJECT_ID)

    def save(self, project_id: object, form: Mapping[str, object]) -> Said:
        """Make a project, or change the one that is chosen."""

        def act() -> Said:
            terms = read_terms(form)
            if isinstance(project_id, int):
                view = self._services.projects.change(project_id, terms, by=self._me())
                return Said(project_id=view.id, text=tr("{terms} is saved.", terms=view.terms.name))
            view = self._services.projects.create(terms, by=self._me())
            return Said(
                project_id=view.id,
                text=tr("{terms} is made. Add prompts to it below.", terms=view.terms.name),
            )

        return _attempt(project_id, act)

    def lacks_sample(self) -> bool:
        """Whether the sample project, the recorded rounds, was never brought in."""
        return self._services.recorded.find_project_id() is None

    def add_sample(self, project_id: object) -> Said:
        """Bring the sample project in, with its pairs ready to label."""

        def act() -> Said:
            n_new = self._services.recorded.keep(only_in_new_store=False, by=self._me())
            return Said(
                project_id=self._services.recorded.find_project_id(),
                text=trn(
                    "{name} is there, with {n} question; its pairs can be labelled. Archive puts it away.",
                    "{name} is there, with {n} questions; their pairs can be labelled. Archive puts it away.",
                    n_new,
                    name=PROJECT_NAME,
                ),
            )

        return _attempt(project_id, act)

    def archive(self, project_id: object) -> Said:
        """Take a project out of labelling, or put it back."""

        def act() -> Said:
            view = self._services.projects.get(read_id(project_id))
            self._services.projects.set_archived(view.id, is_archived=not view.is_archived, by=self._me())
            state = (
                tr("labelled again")
                if view.is_archived
                else tr("archived: it keeps its rows and lends no pairs")
            )
            return Said(
                project_id=view.id, text=tr("{terms} is {state}.", terms=view.terms.name, state=state)
            )

        return _attempt(project_id, act)

    def add_typed(self, project_id: object, text: object) -> Said:
        """Add typed prompts."""

        def act() -> Said:
            prompts = split_prompts(text if isinstance(text, str) else "")
            chosen = read_id(project_id)
            n_new = self._services.project_prompts.add(chosen, instructions=prompts, by=self._me())
            return Said(
                project_id=chosen,
                text=tr(
                    "{n_new} of {n_prompts} prompts are new and were added.",
                    n_new=n_new,
                    n_prompts=len(prompts),
                ),
            )

        return _attempt(project_id, act)

    def add_file(self, project_id: object, path: str | None) -> Said:
        """Import a file's prompts into a project."""

        def act() -> Said:
            if not path:
                raise MalformedInput("choose a file first")
            chosen = read_id(project_id)
            report = self._services.importing.import_file(Path(path), project_id=chosen)
            return Said(
                project_id=chosen,
                text=" ".join(
                    (
                        f"{report.n_prompts:,} prompts and {report.n_queued:,} pairs to label came in; "
                        f"{report.n_already_there:,} prompts were there already.",
                        *tell_what_was_not_taken(report),
                    )
                ),
            )

        return _attempt(project_id, act)

    def generate(self, project_id: object) -> Said:
        """Have the members answer a project's prompts."""

        def act() -> Said:
            job = self._services.generating.request(read_id(project_id), by=self._me())
            return Said(
                project_id=job.project_id,
                text=tr("The worker asks the members for {n_total:,} answers.", n_total=job.n_total),
            )

        return _attempt(project_id, act)

    def stop(self, project_id: object) -> Said:
        """Stop the members after the answer that is being written."""

        def act() -> Said:
            job = self._services.generating.cancel(read_id(project_id), by=self._me())
            return Said(project_id=job.project_id, text="The members stop; what they answered stays.")

        return _attempt(project_id, act)

    def find_job(self, project_id: object) -> JobView | None:
        """The chosen project's latest generation; None where there is none."""
        return self._services.generating.jobs.find_latest(project_id) if isinstance(project_id, int) else None

    def find_cost(self, job: JobView) -> float | None:
        """What a generation has cost so far; None where no member has a price."""
        return self._services.generating.cost(job)

    def invite(self, project_id: object, n_accounts: object) -> tuple[str, Said]:
        """Make a link for annotators of a project; gives its token."""
        token = ""

        def act() -> Said:
            nonlocal token
            n_wanted = int(n_accounts) if isinstance(n_accounts, int | float) else 0
            token = self._services.invitations.invite(
                role=Role.ANNOTATOR, by=self._me(), project_id=read_id(project_id), n_accounts=n_wanted
            )
            return Said(project_id=read_id(project_id), text="Send this link; it is shown only now.")

        said = _attempt(project_id, act)
        return token, said

    def list_checks(self, project_id: object, containing: object = "") -> list[KnownPair]:
        """The gold pairs and attention checks of a project that hold a text."""
        if not isinstance(project_id, int):
            return []
        text = containing if isinstance(containing, str) else ""
        return self._services.checks.list_pairs(
            project_id=project_id, containing=text, checks_only=True, limit=MOST_CHECKS_SHOWN
        )

    def count_checks(self, project_id: object) -> int:
        """How many a project has in all."""
        return (
            sum(self._services.checks.count(project_id=project_id).values())
            if isinstance(project_id, int)
            else 0
        )

    def list_pairs(self, project_id: object, containing: object) -> list[KnownPair]:
        """Pairs of a project to choose a check from, checks first."""
        text = containing if isinstance(containing, str) else ""
        return self._services.checks.list_pairs(project_id=read_id(project_id), containing=text)

    def get_pair(self, comparison_id: object) -> KnownPair | None:
        """The chosen pair; None where none is."""
        return self._services.checks.get(comparison_id) if isinstance(comparison_id, int) else None

    def set_check(
        self, project_id: object, comparison_id: object, purpose: object, outcome: object, reason: object = ""
    ) -> Said:
        """Make a pair a check with its answer, or a pair to label again."""

        def act() -> Said:
            if purpose not in list(Purpose):
                raise MalformedInput(
                    tr(
                        "expected one of {purpose}; came {wanted!r}",
                        purpose=", ".join(Purpose),
                        wanted=purpose,
                    )
                )
            wanted = Purpose(str(purpose))
            known = None if wanted is Purpose.LABEL else _read_outcome(outcome)
            self._services.checks.set_check(
                read_id(comparison_id),
                purpose=wanted,
                outcome=known,
                by=self._me(),
                reason=reason if isinstance(reason, str) else "",
            )
            return Said(
                project_id=read_id(project_id),
                text=tr(
                    "Pair {comparison_id} is set to {wanted}.",
                    comparison_id=comparison_id,
                    wanted=wanted.value,
                ),
            )

        return _attempt(project_id, act)

    def _me(self) -> int:
        return recognise(self._services.labeling, presented_key.get()).id


def read_terms(form: Mapping[str, object]) -> ProjectTerms:
    """The terms that a form says, by the names of ``layout.TermsParts``.

    Raises:
        MalformedInput: If a field has the wrong form or is out of range.
    """
    asks = form["asks"] if isinstance(form["asks"], list) else []
    switches = {name: name in asks for name in ("strength", "reason", "spans")}
    terms = {name: value for name, value in form.items() if name not in ("criteria", "asks")}
    terms["pay"] = terms.get("pay") or None  # an empty field comes as 0
    return check_terms({**terms, "questions": {"criteria": form["criteria"] or [], **switches}})


def _attempt(project_id: object, act: Callable[[], Said]) -> Said:
    try:
        return act()
    except BlenderError as error:
        chosen = project_id if isinstance(project_id, int) else None
        return Said(
            project_id=chosen, text=tr("Nothing was changed: {error}", error=tr(str(error))), is_good=False
        )


def _read_outcome(value: object) -> Outcome:
    if value not in list(Outcome):
        raise MalformedInput("say which answer is right")
    return Outcome(str(value))

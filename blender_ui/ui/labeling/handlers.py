"""What the label page does when asked, without Gradio.

Invariant: every request carries the browser's key, and an outcome or skip names the lease that was
on the screen; the service refuses any other, so nobody votes on a pair they have not seen. Names of
members leave only with an outcome that is in the store. Non-goal: which pair comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blender_ui.errors import LeaseLost, NotPermitted
from blender_ui.language import tr
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.progress import ProgressView
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.people.access import Access
from blender_ui.services.people.signing_in import AnnotatorView
from blender_ui.services.projects.projects import ProjectBrief, Projects
from blender_ui.services.projects.workspaces import Workspaces
from blender_ui.ui.identity import recognise
from blender_ui.ui.labeling.forms import (
    Empty,
    Past,
    Place,
    ProjectChoice,
    Turn,
    Welcome,
    Written,
    draw_lent,
    draw_lesson,
    draw_past,
    draw_reveal,
    read_id,
    read_outcome,
    read_place,
    read_token,
    read_vote,
    write_lent,
)
from blender_ui.ui.labeling.nothing import draw_nothing
from blender_ui.ui.prose import render_prose
from db.enums import DEFAULT_PROJECT_ID, Role

MOST_OTHERS = 20
"""Projects that are looked through for pairs when one has none left."""


class LabelHandlers:
    """The label page's requests.

    Args:
        labeling: The label loop.
        relabeling: Past answers.
        projects: What is labelled.
        workspaces: In which project each person works.
        access: Who may label which.
        warn: A gentle sentence for an annotator whose latest answers look odd, else nothing.
    """

    def __init__(
        self,
        labeling: Labeling,
        *,
        relabeling: Relabeling,
        projects: Projects,
        workspaces: Workspaces,
        access: Access,
        warn: Callable[[int], str] = lambda annotator_id: "",
    ) -> None:
        self._labeling = labeling
        self._relabeling = relabeling
        self._projects = projects
        self._workspaces = workspaces
        self._access = access
        self._warn = warn

    def open(self, key: str, project_id: object = None) -> Welcome:
        """Begin, or go on where the annotator was, in a project of theirs."""
        annotator = recognise(self._labeling, key)
        project = self._find_project(annotator, project_id)
        is_another = project_id is not None and project.project_id != project_id
        notice = (
            tr("The project you asked for is not open to you. This is {project}.", project=project.name)
            if is_another
            else ""
        )
        turn = self._next(annotator, Place(project_id=project.project_id), notice=notice)
        return Welcome(name=annotator.name, project=project, turn=turn)

    def ahead(self, key: str, project_id: int, shown: int) -> Turn:
        """The pair after the one that is on the screen, to be drawn the moment that one is answered."""
        annotator = recognise(self._labeling, key)
        place = self._admit(annotator, Place(project_id=read_id(project_id), shown=read_id(shown)))
        return self._next(annotator, place)

    def vote(self, key: str, sent: Mapping[str, object]) -> Turn:
        """Take an outcome and give the next pair."""
        vote = read_vote(sent)
        annotator = recognise(self._labeling, key)
        place = self._admit(annotator, vote.place)
        told = self._labeling.answer(
            vote.answer, annotator_id=annotator.id, project_id=place.project_id, besides=place.shown
        )
        pair = None if told.pair is None else draw_lent(told.pair)
        empty = self._explain(annotator, place) if pair is None else None
        if told.submitted is None:
            return Turn(pair=pair, empty=empty, notice=tr("Not counted: {refusal}", refusal=told.refusal))
        return Turn(
            pair=pair,
            empty=empty,
            reveal=draw_reveal(told.submitted, is_revealed=told.is_revealed),
            lesson=draw_lesson(told.submitted),
        )

    def begin(self, key: str, project_id: int = DEFAULT_PROJECT_ID) -> Turn:
        """Skip the rest of the practice."""
        annotator = recognise(self._labeling, key)
        place = self._admit(annotator, Place(project_id=read_id(project_id)))
        lent = self._labeling.end_practice(annotator_id=annotator.id, project_id=place.project_id)
        empty = self._explain(annotator, place) if lent is None else None
        return Turn(
            pair=None if lent is None else draw_lent(lent), empty=empty, notice=tr("Practice skipped.")
        )

    def written(self, key: str, lease_id: int) -> Written:
        """The texts on the screen as they were written."""
        annotator = recognise(self._labeling, key)
        return write_lent(self._labeling.read_lent(annotator_id=annotator.id, lease_id=read_id(lease_id)))

    def skip(self, key: str, lease_id: int, place: object = None) -> Turn:
        """Leave a pair to others and give the next one."""
        annotator = recognise(self._labeling, key)
        where = self._admit(annotator, read_place(place or {}))
        try:
            self._labeling.skip(annotator_id=annotator.id, lease_id=read_id(lease_id))
        except LeaseLost as error:
            return self._next(annotator, where, notice=tr("Not skipped: {error}", error=tr(str(error))))
        return self._next(annotator, where, notice=tr("Skipped."))

    def undo(self, key: str, project_id: int = DEFAULT_PROJECT_ID) -> Turn:
        """Take the last outcome or skip back and show its pair again."""
        annotator = recognise(self._labeling, key)
        place = self._admit(annotator, Place(project_id=read_id(project_id)))
        try:
            pair = self._labeling.undo(annotator_id=annotator.id, project_id=place.project_id)
        except LeaseLost as error:
            return self._next(annotator, place, notice=tr("Not undone: {error}", error=tr(str(error))))
        if pair is None:
            return self._next(annotator, place, notice=tr("There is nothing to take back."))
        return Turn(pair=draw_lent(pair), notice=tr("Taken back. Here is that question again."))

    def keep(self, key: str, lease_id: int) -> bool:
        """Keep the annotator's pairs for them; False where the one on the screen is theirs no more."""
        annotator_id = recognise(self._labeling, key).id
        return self._labeling.heartbeat(annotator_id=annotator_id, lease_id=read_id(lease_id))

    def progress(self, key: str, project_id: int = DEFAULT_PROJECT_ID) -> ProgressView:
        """How far the labelling is."""
        annotator = recognise(self._labeling, key)
        return self._labeling.progress(annotator_id=annotator.id, project_id=read_id(project_id))

    def warning(self, key: str) -> str:
        """What the annotator should hear of their latest answers; usually nothing."""
        return self._warn(recognise(self._labeling, key).id)

    def rename(self, key: str, name: str) -> str:
        """Call the annotator by another name; gives back the name that is kept."""
        annotator_id = recognise(self._labeling, key).id
        return self._labeling.rename(annotator_id=annotator_id, name=name).name

    def mine(self, key: str, project_id: int, before_id: object = None) -> list[Past]:
        """The annotator's own answers in a project, the latest first."""
        annotator_id = recognise(self._labeling, key).id
        past = self._relabeling.list_mine(
            annotator_id=annotator_id,
            project_id=read_id(project_id),
            before_id=None if before_id is None else read_id(before_id),
        )
        return [draw_past(answer) for answer in past]

    def relabel(self, key: str, preference_id: int, outcome: str, token: str) -> int:
        """Give one of one's own answers anew; gives its new id."""
        annotator_id = recognise(self._labeling, key).id
        return self._relabeling.relabel(
            annotator_id=annotator_id,
            preference_id=read_id(preference_id),
            outcome=read_outcome(outcome),
            idempotency_key=read_token(token),
        )

    def _find_project(self, annotator: AnnotatorView, wanted: object) -> ProjectChoice:
        """The wanted project, else the one in which they work, else the one that they joined last.

        Who works in all projects at once labels one of them all the same.
        """
        asked = str(wanted) if isinstance(wanted, int) else None
        where = self._workspaces.find(annotator, asked)
        if not where.projects:
            raise NotPermitted("No project is open to you. Ask a researcher for an invitation link.")
        joined = self._projects.find_last_joined(annotator_id=annotator.id)
        chosen = where.get(where.project_id) or where.get(joined)
        chosen = chosen or self._workspaces.find_busy(where.projects)
        return ProjectChoice(
            project_id=chosen.id,
            name=chosen.name,
            guidelines=render_prose(chosen.guidelines) if chosen.guidelines.strip() else "",
            questions=chosen.questions.to_json(),
            reveal=chosen.reveal.value,
        )

    def _admit(self, annotator: AnnotatorView, place: Place) -> Place:
        self._access.require_labelling(annotator, project_id=place.project_id)
        return place

    def _next(self, annotator: AnnotatorView, place: Place, *, notice: str = "") -> Turn:
        pair = self._labeling.next_turn(
            annotator_id=annotator.id, project_id=place.project_id, besides=place.shown
        )
        if pair is None:
            return Turn(pair=None, empty=self._explain(annotator, place), notice=notice)
        return Turn(pair=draw_lent(pair), notice=notice)

    def _explain(self, annotator: AnnotatorView, place: Place) -> Empty | None:
        """Why there is no pair; nothing while one is on the screen, which may be the last."""
        if place.shown is not None:
            return None
        mine = {project.id: project.name for project in self._list_mine(annotator)}
        return draw_nothing(
            self._labeling.leftover(annotator_id=annotator.id, project_id=place.project_id),
            access=self._access,
            project_id=place.project_id,
            project=mine.get(place.project_id, "This project"),
            others=self._list_others(annotator, mine, place),
        )

    def _list_others(self, annotator: AnnotatorView, mine: dict[int, str], place: Place) -> dict[int, str]:
        """Other projects in which something is open to this person, at most ``MOST_OTHERS``; name by id."""
        others = [one for one in mine if one != place.project_id][:MOST_OTHERS]
        left = self._labeling.list_with_pairs(annotator_id=annotator.id, project_ids=others)
        return {one: mine[one] for one in left}

    def _list_mine(self, annotator: AnnotatorView) -> list[ProjectBrief]:
        sees_all = annotator.role is not Role.ANNOTATOR
        return self._projects.list_open_to(annotator_id=annotator.id, sees_all=sees_all)

"""One's own past answers, to read and to change.

Invariant: an answer is never overwritten: the earlier one is retracted and names the one that
superseded it, and nobody sees or changes another's. Non-goal: undo, which gives the pair back blind;
an annotator who changes a past answer has seen the names since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.errors import NotFound, Refused
from blender_ui.language import tr
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.labeling.answers import Told
from blender_ui.services.labeling.telling import is_told
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.values import Message
from db.columns import row_id
from db.engine import transaction
from db.models import Outcome, Preference, Project, Reveal
from db.queries import comparisons, labels, preferences
from db.queries.comparisons import MemberNames


@dataclass(frozen=True, kw_only=True)
class PastAnswer:
    """An answer of one's own that stands.

    Attributes:
        n_earlier: How many answers to the same pair it superseded.
        left_member, right_member: Empty where the project does not tell them, or not yet.
    """

    preference_id: int
    instruction: str
    input: str
    history: tuple[Message, ...]
    left_text: str
    right_text: str
    outcome: Outcome
    reason: str | None
    at: datetime
    n_earlier: int
    left_member: str = ""
    right_member: str = ""


class Relabeling:
    """Past answers of one store.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
        after_vote: Called when an answer was changed.
    """

    def __init__(
        self, engine: Engine, *, clock: Callable[[], datetime], after_vote: AfterVote | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._after_vote = after_vote or AfterVote()

    def list_mine(
        self, *, annotator_id: int, project_id: int, before_id: int | None = None, limit: int = 20
    ) -> list[PastAnswer]:
        """One's own answers that stand, the latest first.

        Args:
            annotator_id: Whose; a page only ever asks for its own visitor's.
            project_id: Of which project.
            before_id: Only earlier ones than this preference, for the next page.
            limit: At most so many.
        """
        with transaction(self._engine) as session:
            answers = preferences.list_own(
                session, annotator_id=annotator_id, project_id=project_id, before_id=before_id, limit=limit
            )
            texts = labels.list_texts(
                session, comparison_ids=[answer.preference.comparison_id for answer in answers]
            )
            reveal = session.get_one(Project, project_id).reveal if answers else Reveal.NEVER
            names = (
                {
                    one.preference.comparison_id: comparisons.get_member_names(
                        session, comparison_id=one.preference.comparison_id
                    )
                    for one in answers
                }
                if is_told(session, Told(project_id, reveal), annotator_id)
                else {}
            )
        return [
            _view(
                answer,
                n_earlier=n_earlier,
                texts=texts[answer.comparison_id],
                names=names.get(answer.comparison_id),
            )
            for answer, n_earlier in answers
        ]

    def relabel(
        self, *, annotator_id: int, preference_id: int, outcome: Outcome, idempotency_key: str
    ) -> int:
        """Give a past answer anew; gives the new preference's id.

        Args:
            annotator_id: Whose answer it must be.
            preference_id: The answer that stands.
            outcome: What they say now.
            idempotency_key: One for each change; the same key again changes nothing.

        Raises:
            NotFound: If there is no such answer of theirs.
            Refused: If it was taken back or changed meanwhile.
        """
        now = self._clock()
        stored_key = f"{annotator_id}:{idempotency_key}"
        with transaction(self._engine, immediate=True, durable=True) as session:
            done = preferences.find_by_key(session, idempotency_key=stored_key)
            if done is not None:
                return done.id
            earlier = self._get_own(session, annotator_id, preference_id)
            earlier.retracted_at = now
            session.flush()
            later = Preference(
                comparison_id=earlier.comparison_id,
                annotator_id=annotator_id,
                lease_id=earlier.lease_id,
                outcome=outcome,
                reason=earlier.reason,
                idempotency_key=stored_key,
                created_at=now,
            )
            session.add(later)
            session.flush()
            earlier.superseded_by_id = later.id
            change = Change(
                by=annotator_id,
                action="preference.relabel",
                object_id=row_id(later),
                before={"preference_id": preference_id, "outcome": earlier.outcome.value},
                after={"preference_id": later.id, "outcome": outcome.value},
            )
            record_change(session, change, now=now)
            later_id = row_id(later)
        self._after_vote()
        return later_id

    @staticmethod
    def _get_own(session: Session, annotator_id: int, preference_id: int) -> Preference:
        preference = session.get(Preference, preference_id, with_for_update=True)
        if preference is None or preference.annotator_id != annotator_id:
            raise NotFound(tr("you gave no answer {preference_id}", preference_id=preference_id))
        if preference.retracted_at is not None:
            raise Refused("this answer was taken back or changed meanwhile; look at the list again")
        if preference.ballot_id is not None:
            raise Refused("this answer is part of an order of several; undo takes the whole of it back")
        return preference


def _view(
    answer: Preference, *, n_earlier: int, texts: labels.ComparedTexts, names: MemberNames | None
) -> PastAnswer:
    return PastAnswer(
        preference_id=row_id(answer),
        instruction=texts.instruction,
        input=texts.input,
        history=read_history(texts.history),
        left_text=texts.left,
        right_text=texts.right,
        outcome=answer.outcome,
        reason=answer.reason,
        at=answer.created_at,
        n_earlier=n_earlier,
        left_member=names.left if names else "",
        right_member=names.right if names else "",
    )

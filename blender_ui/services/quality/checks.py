"""Gold pairs and attention checks: pairs whose answer a researcher knows.

Invariant: a check is lent to each person at most once, like any pair, but to any number of people;
no page can show its outcome before the vote. Every change is in the audit trail.
Non-goal: what answers to checks say about a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.errors import MalformedInput, NotFound
from blender_ui.language import tr
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.values import Message
from db.columns import row_id
from db.engine import transaction
from db.models import Comparison, Outcome, Project, Purpose
from db.queries import checks, labels

LONGEST_REASON = 2_000
EVERYBODY = 1_000_000
"""Places of a check: more than there are people."""


@dataclass(frozen=True, kw_only=True)
class KnownPair:
    """A pair as researchers see it.

    Attributes:
        gold_outcome: The known answer; None for a pair to label.
        gold_reason: Why it is right; empty where nobody said.
        n_answered, n_right: Standing answers of people to a check, and those that are right.
    """

    comparison_id: int
    instruction: str
    input: str
    history: tuple[Message, ...]
    left_text: str
    right_text: str
    purpose: Purpose
    gold_outcome: Outcome | None
    n_taken: int
    gold_reason: str = ""
    n_answered: int = 0
    n_right: int = 0


class Checks:
    """The gold pairs and attention checks of one store.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
        after_vote: Called when a pair became a check or none: votes on checks are not learnt from.
    """

    def __init__(
        self, engine: Engine, *, clock: Callable[[], datetime], after_vote: AfterVote | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._after_vote = after_vote or AfterVote()

    def set_check(
        self, comparison_id: int, *, purpose: Purpose, outcome: Outcome | None, by: int, reason: str = ""
    ) -> KnownPair:
        """Make a pair a check with its answer, or a pair to label again.

        A gold pair with a reason is one of the first pairs of people who begin with the project.

        Raises:
            NotFound: If there is no such pair.
            MalformedInput: If a check comes without an answer, or a pair to label with one; if something else
                than a gold pair comes with a reason, or it is too long.
        """
        reason = reason.strip()
        if len(reason) > LONGEST_REASON:
            raise MalformedInput(
                tr(
                    "a reason has at most {longest_reason} characters, this one {n_reason}",
                    longest_reason=LONGEST_REASON,
                    n_reason=len(reason),
                )
            )
        if reason and purpose is not Purpose.GOLD:
            raise MalformedInput("only a gold pair has a reason, which people who begin are told")
        if (purpose is Purpose.LABEL) != (outcome is None):
            raise MalformedInput("a gold pair or attention check has an answer, and a pair to label has none")
        with transaction(self._engine, immediate=True) as session:
            pair = session.get(Comparison, comparison_id, with_for_update=True)
            if pair is None:
                raise NotFound(tr("there is no pair {comparison_id}", comparison_id=comparison_id))
            before = _told(pair)
            pair.purpose, pair.gold_outcome, pair.gold_reason = purpose, outcome, reason or None
            if purpose is Purpose.LABEL:
                places = session.get_one(Project, pair.project_id).overlap
                pair.overlap = max(places, pair.n_taken)
            else:
                pair.overlap = EVERYBODY
            pair.is_open = pair.n_taken < pair.overlap
            session.flush()
            change = Change(
                by=by, action="comparison.check", object_id=comparison_id, before=before, after=_told(pair)
            )
            record_change(session, change, now=self._clock())
        self._after_vote()
        return self.get(comparison_id)

    def get(self, comparison_id: int) -> KnownPair:
        """One pair with its texts.

        Raises:
            NotFound: If there is no such pair.
        """
        with transaction(self._engine) as session:
            pair = session.get(Comparison, comparison_id)
            if pair is None:
                raise NotFound(tr("there is no pair {comparison_id}", comparison_id=comparison_id))
            return _view(session, [pair])[0]

    def list_pairs(
        self, *, project_id: int, containing: str = "", checks_only: bool = False, limit: int = 50
    ) -> list[KnownPair]:
        """Pairs of a project, checks first and then the latest.

        Looked for in questions, and in the reasons of gold pairs.

        Args:
            project_id: Which project.
            containing: Only where the question has this text.
            checks_only: Leave out the pairs to label.
            limit: At most so many.
        """
        with transaction(self._engine) as session:
            pairs = checks.list_pairs(
                session,
                project_id=project_id,
                containing=containing.strip(),
                checks_only=checks_only,
                limit=limit,
            )
            return _view(session, pairs)

    def count(self, *, project_id: int) -> dict[Purpose, int]:
        """How many gold pairs and attention checks a project has."""
        with transaction(self._engine) as session:
            return checks.count_checks(session, project_id=project_id)


def _view(session: Session, pairs: Sequence[Comparison]) -> list[KnownPair]:
    texts = labels.list_texts(session, comparison_ids=[row_id(pair) for pair in pairs])
    known = [row_id(pair) for pair in pairs if pair.purpose is not Purpose.LABEL]
    answers = checks.count_answers(session, comparison_ids=known)
    return [
        KnownPair(
            comparison_id=row_id(pair),
            instruction=texts[row_id(pair)].instruction,
            input=texts[row_id(pair)].input,
            history=read_history(texts[row_id(pair)].history),
            left_text=texts[row_id(pair)].left,
            right_text=texts[row_id(pair)].right,
            purpose=pair.purpose,
            gold_outcome=pair.gold_outcome,
            n_taken=pair.n_taken,
            gold_reason=pair.gold_reason or "",
            **answers.get(row_id(pair), checks.NO_ANSWERS)._asdict(),
        )
        for pair in pairs
    ]


def _told(pair: Comparison) -> dict[str, str | None]:
    return {
        "purpose": pair.purpose.value,
        "gold_outcome": None if pair.gold_outcome is None else pair.gold_outcome.value,
        "gold_reason": pair.gold_reason,
    }

"""A ballot on answers that a person has before them, such as those of their own round, without a loan.

Invariant: it takes nobody's place: like a vote on a served answer it brings its own, and the pair that the
person was lent of the same prompt is put back. One transaction writes it with all preferences that follow.
Non-goal: whether the person may see the answers; the caller knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import Refused
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.labeling.answers import BallotAnswer, check_answer
from blender_ui.services.labeling.ballots import OWN_ROUND, give
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.signing_in import lock_annotator
from db.columns import row_id
from db.engine import transaction
from db.models import Ask, Prompt, SeenPrompt
from db.queries import ballots, bets, leases, preferences, queue
from db.queries.leases import Lent
from db.queries.queue import Scope


@dataclass(frozen=True, kw_only=True)
class OwnBallot:
    """What a person says of all answers to a prompt.

    Attributes:
        ask: What was asked of them; never a pair.
        candidate_ids: As they were shown; their texts differ.
        places: Of each, 1 is best.
        idempotency_key: As of ``Answer``.
        reason: In the person's words.
        seconds: From the answers being drawn to the ballot.
    """

    prompt_id: int
    ask: Ask
    candidate_ids: tuple[int, ...]
    places: tuple[int, ...]
    idempotency_key: str
    reason: str = ""
    seconds: float | None = None


class OwnBallots:
    """Takes such ballots.

    Args:
        engine: From ``db.engine.create_store``.
        labeling: Makes two answers a comparison, with drawn sides, and keeps visitors' rows.
        clock: Gives the present time, with its zone.
        after_vote: Called when a ballot came.
    """

    def __init__(
        self, engine: Engine, *, labeling: Labeling, clock: Callable[[], datetime], after_vote: AfterVote
    ) -> None:
        self._engine = engine
        self._labeling = labeling
        self._clock = clock
        self._after_vote = after_vote

    def give(self, ballot: OwnBallot, *, annotator_id: int) -> int:
        """Store a ballot, once for its key; gives a lease by which it can be taken back.

        Raises:
            NotFound: If an answer is not one of the prompt.
            Refused: If the person has seen who wrote the answers, or has voted on two of them.
            MalformedInput: If the places do not say what was asked, or a field is out of range.
        """
        answer = BallotAnswer(
            lease_id=0,
            places=ballot.places,
            idempotency_key=ballot.idempotency_key,
            reason=ballot.reason,
            seconds=ballot.seconds,
        )
        check_answer(answer)
        self._labeling.queue_prompt(prompt_id=ballot.prompt_id, candidate_ids=ballot.candidate_ids)
        self._labeling.keep_annotator(annotator_id=annotator_id)
        key = f"{annotator_id}:{ballot.idempotency_key}"
        with transaction(self._engine, immediate=True, durable=True) as session:
            lock_annotator(session, annotator_id)
            now = self._clock()
            known = ballots.find_by_key(session, idempotency_key=key)
            if known is not None:
                stands = leases.list_of_ballot(session, ballot_id=known.id)
                if not stands:  # they went on to the ballot that taking it back left open
                    raise Refused("this choice was taken back, so sending it once more does not count")
                return stands[0].id
            if session.get(SeenPrompt, (annotator_id, ballot.prompt_id)) is not None:
                raise Refused("you have seen who wrote these answers, so they are no longer blind to you")
            together = self._lend(session, ballot, annotator_id, now)
            give(session, answer, together, key=key, now=now)
        self._after_vote()
        return together[0].id

    def _lend(self, session: Session, ballot: OwnBallot, annotator_id: int, now: datetime) -> list[Lent]:
        """A lease on every pair, with its own place, and the order that the ranker had given them by then."""
        prompt = session.get_one(Prompt, ballot.prompt_id)
        scope = Scope(prompt.project_id, ballot.prompt_id)
        leases.expire_active(session, annotator_id=annotator_id, scope=scope, now=now)
        ballot_id = ballots.add(
            session,
            values={
                "prompt_id": ballot.prompt_id,
                "annotator_id": annotator_id,
                "ask": ballot.ask,
                "shown": list(ballot.candidate_ids),
                "shown_seed": 0,
                "created_at": now,
            },
        )
        made = []
        for first, second in combinations(ballot.candidate_ids, 2):
            comparison_id = row_id(queue.get_comparison(session, first_id=first, second_id=second))
            if preferences.find_standing(session, comparison_id=comparison_id, annotator_id=annotator_id):
                raise Refused("you have voted on two of these answers already, and that vote counts")
            lease_id = leases.answer_unlent(
                session,
                comparison_id=comparison_id,
                annotator_id=annotator_id,
                policy=OWN_ROUND,
                propensity=1.0,
                now=now,
            )
            lease = leases.find_lease(session, lease_id=lease_id)
            made += [] if lease is None else [lease]
        bets.lay_latest(session, lease_ids=[lease.id for lease in made], candidate_ids=ballot.candidate_ids)
        return leases.move(session, leases=made, ballot_id=ballot_id)

"""A ballot: the step that stores what an annotator says of several answers. And taking back a step.

Invariant: a ballot and all preferences that follow from it are written, and retracted, in the caller's one
transaction. Non-goals: lending the answers (``services.labeling.lending``) and transactions
(``services.labeling.loop``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from blender_ui.errors import MalformedInput
from blender_ui.pairing.ballots import check_places, pairs_of
from blender_ui.services.labeling.answers import BallotAnswer, SubmittedBallot, Told
from blender_ui.services.labeling.lending import Lender
from blender_ui.services.labeling.views import PairView, SetView
from db.models import LeaseStatus, Outcome
from db.queries import ballots, leases, preferences
from db.queries.ballots import Shown
from db.queries.leases import Lent

OWN_ROUND = "own_round"
"""Policy of the leases of a ballot without a loan: the person chose among all that they had."""


def take_ballot(
    session: Session, answer: BallotAnswer, *, lender: Lender, annotator_id: int, now: datetime
) -> SubmittedBallot:
    """Store a ballot, once for its key, with the pairs that follow from it, and tell the names.

    Raises:
        LeaseLost: If the answers are not this annotator's to judge any more; nothing was written then.
        MalformedInput: If the places do not say what was asked.
    """
    stored_key = f"{annotator_id}:{answer.idempotency_key}"
    given = ballots.find_by_key(session, idempotency_key=stored_key)
    if given is None:
        together = lender.get_answerable(session, annotator_id=annotator_id, lease_id=answer.lease_id)
        given = give(session, answer, together, key=stored_key, now=now)
        leases.end(session, leases=together, status=LeaseStatus.ANSWERED, now=now)
    places = given.places or []
    answers = ballots.get_answers(session, ballot=given)
    return SubmittedBallot(
        ballot_id=given.id,
        ask=given.ask,
        places=tuple(places),
        members=answers.members,
        n_pairs=len(pairs_of(places, asked=given.ask.value)),
        told=Told(answers.project_id, answers.reveal),
    )


def give(
    session: Session, answer: BallotAnswer, together: Sequence[Lent], *, key: str, now: datetime
) -> Shown:
    """Store what was said of lent answers, and the preferences that follow from it.

    Raises:
        MalformedInput: If the places do not say what was asked.
    """
    ballot_id = together[0].ballot_id
    if ballot_id is None:
        raise MalformedInput("a pair was shown: expected an outcome, not places")
    ballot = ballots.get(session, ballot_id=ballot_id)
    check_places(answer.places, asked=ballot.ask.value, n=len(ballot.shown))
    values = {
        "places": list(answer.places),
        "reason": (answer.reason or "").strip() or None,
        "seconds": answer.seconds,
        "idempotency_key": key,
        "given_at": now,
    }
    ballots.change(session, ballot_id=ballot_id, **values)
    given = ballot._replace(places=list(answer.places))
    _add_preferences(session, given, together, key=key, now=now)
    return given


def _add_preferences(
    session: Session, ballot: Shown, together: Sequence[Lent], *, key: str, now: datetime
) -> None:
    """Write what follows for every two answers of which something was said."""
    lease_of = {lease.comparison_id: lease.id for lease in together}
    pairs = ballots.list_pairs(session, comparison_ids=list(lease_of))
    by_candidates = {frozenset((pair.left_id, pair.right_id)): pair for pair in pairs}
    for number, said in enumerate(pairs_of(ballot.places or [], asked=ballot.ask.value)):
        better, worse = ballot.shown[said.better], ballot.shown[said.worse]
        pair = by_candidates[frozenset((better, worse))]
        won = Outcome.LEFT if pair.left_id == better else Outcome.RIGHT
        preferences.add(
            session,
            values={
                "comparison_id": pair.comparison_id,
                "annotator_id": ballot.annotator_id,
                "lease_id": lease_of[pair.comparison_id],
                "ballot_id": ballot.id,
                "outcome": Outcome.TIE if said.is_tie else won,
                "idempotency_key": f"{key}:{number}",
                "created_at": now,
            },
        )


def _retract_ballot(session: Session, together: Sequence[Lent], *, now: datetime) -> Lent:
    """Take a given ballot back with all its preferences, and make its leases those of a fresh one.

    The answers keep the order in which they were shown. Gives the first of the leases.
    """
    ballot_id = together[0].ballot_id
    if ballot_id is None:
        raise ValueError("a pair has no ballot to take back")
    ballot = ballots.get(session, ballot_id=ballot_id)
    ballots.change(session, ballot_id=ballot_id, retracted_at=now)
    for lease in together:
        preferences.retract_standing(
            session, comparison_id=lease.comparison_id, annotator_id=lease.annotator_id, now=now
        )
    kept = ("prompt_id", "annotator_id", "ask", "shown", "shown_seed")
    fresh = ballots.add(session, values={name: getattr(ballot, name) for name in kept} | {"created_at": now})
    return leases.move(session, leases=together, ballot_id=fresh)[0]


def take_back(session: Session, lease: Lent, *, lender: Lender, now: datetime) -> PairView | SetView | None:
    """Take back the outcome, ballot or skip that a lease ended with, and lend it again.

    None where its annotator has seen the names outside of the vote: then its place is open to others. None
    as well where nobody lent it: the places that it brought go with it.

    Raises:
        LeaseLost: If the skipped pair has been given to others since.
    """
    together = leases.list_beside(session, lease=lease)
    if lease.status is not LeaseStatus.ANSWERED:
        lender.take_places(session, together)
    elif lease.ballot_id is not None:
        lease = _retract_ballot(session, together, now=now)
    else:
        preferences.retract_standing(
            session, comparison_id=lease.comparison_id, annotator_id=lease.annotator_id, now=now
        )
    if lease.policy == OWN_ROUND:
        leases.end_unlent(session, leases=together, now=now)
        return None
    if leases.is_seen(session, lease=lease):
        leases.end_unanswered(session, leases=together, status=LeaseStatus.EXPIRED, now=now)
        return None
    return lender.show(session, lease=lease, now=now)

"""The steps of lending a pair, or several answers at once, inside the caller's transaction.

Invariant: a lease that is active or answered has taken one of its comparison's places. Answers that are
shown at once are lent by a lease on every pair of them, and these leases begin and end together. Non-goal:
transactions, which ``services.labeling.loop`` opens around these steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from sqlmodel import Session

from blender_ui.errors import LeaseLost
from blender_ui.language import tr
from blender_ui.pairing.ballots import widen
from blender_ui.pairing.draws import draw_places, uniform
from blender_ui.pairing.policy import (
    MOST_INFORMATIVE,
    Choice,
    Entry,
    QueueHead,
    choose,
    measure_propensity,
)
from blender_ui.services.labeling.views import PairView, SetView, read_pair, read_set
from blender_ui.services.people.visitors import Visitors
from db.models import Ask, LeaseStatus, Purpose
from db.queries import ballots, comparisons, leases, projects, queue
from db.queries.leases import Lent
from db.queries.projects import Order
from db.queries.queue import Scope

PRACTICE = "practice"
"""Policy of the leases of a person's first pairs of a project; after each they hear what is right."""
N_PRACTICE = 5


class _Chosen(NamedTuple):
    """A choice, and what it was made from; no head where it is a check."""

    choice: Choice
    head: QueueHead | None = None
    random_share: float = 1.0
    label_share: float = 1.0


class Lender:
    """Lends pairs and sets of answers by a policy.

    Args:
        seed: Decides the random turns.
        lease_time: How long a pair is lent.
        random_share: Share of turns, in (0, 1], that stay random when a ranker orders the queue; None
            for what each project says.
        visitors: Holds people without accounts to their limits; None where there are none.
    """

    def __init__(
        self,
        *,
        seed: int,
        lease_time: timedelta,
        random_share: float | None,
        visitors: Visitors | None = None,
    ) -> None:
        self._seed = seed
        self._lease_time = lease_time
        self._random_share = random_share
        self._visitors = visitors

    def end(self, session: Session, annotator_id: int, now: datetime) -> datetime:
        """When an annotator's lease that begins or is renewed now ends."""
        of_visitor = self._visitors and self._visitors.find_lease_time(session, annotator_id)
        return now + (of_visitor or self._lease_time)

    def find_refusal(self, session: Session, annotator_id: int, scope: Scope, now: datetime) -> str:
        """Why a visitor is lent nothing now, whatever there is; empty where they are lent a pair.

        The answers to one's own question are limited by how often one may ask.
        """
        if self._visitors is None or scope.is_prompt:
            return ""
        return self._visitors.find_lease_refusal(session, annotator_id, now=now)

    def keep_annotator(self, session: Session, annotator_id: int) -> None:
        """What an annotator does now is stored with their row, so it is theirs for good."""
        if self._visitors is not None:
            self._visitors.keep(session, annotator_id)

    def next(
        self,
        session: Session,
        annotator_id: int,
        scope: Scope,
        besides: int | None,
        now: datetime,
        *,
        with_ballots: bool,
        in_practice: bool = True,
    ) -> PairView | SetView | None:
        """Lend what the annotator holds beside the screen, else what they held, else what is chosen.

        Unless ``in_practice``, what is chosen is no practice pair.
        """
        besides = besides or 0
        held = leases.list_active(session, annotator_id=annotator_id, scope=scope)
        on_screen = {lease.ballot_id for lease in held if lease.id == besides} - {None}
        lease = next(
            (
                lease
                for lease in held
                if lease.id != besides
                and lease.ballot_id not in on_screen
                and (with_ballots or lease.ballot_id is None)
            ),
            None,
        )
        if lease is None and self.find_refusal(session, annotator_id, scope, now):
            return None  # ``leftover`` says why
        lease = lease or self.resume(
            session,
            annotator_id=annotator_id,
            scope=scope,
            besides=besides,
            now=now,
            with_ballots=with_ballots,
        )
        if lease is None:
            return self.lend(
                session,
                annotator_id=annotator_id,
                scope=scope,
                now=now,
                with_ballots=with_ballots,
                in_practice=in_practice,
            )
        return self.show(session, lease=lease, now=now)

    def resume(
        self,
        session: Session,
        *,
        annotator_id: int,
        scope: Scope,
        besides: int,
        now: datetime,
        with_ballots: bool,
    ) -> Lent | None:
        """Open the places of all expired leases; give the annotator's own again if it is free."""
        leases.expire_due(session, now=now)
        lease = leases.find_resumable(
            session, annotator_id=annotator_id, scope=scope, besides=besides, with_ballots=with_ballots
        )
        if lease is None or not self._try_places(session, leases.list_beside(session, lease=lease)):
            return None
        return lease

    def lend(
        self,
        session: Session,
        *,
        annotator_id: int,
        scope: Scope,
        now: datetime,
        with_ballots: bool,
        in_practice: bool = True,
    ) -> PairView | SetView | None:
        """Make a lease on the comparison that the policy chooses; None where none is open.

        Where the project asks for more than a pair, on every pair of a set of answers around it.
        """
        order = projects.get_order(session, project_id=scope.project_id)
        chosen = self._choose(session, annotator_id, scope, order, in_practice=in_practice)
        if chosen is None:
            return None
        if with_ballots and order.ask is not Ask.PAIR and chosen.head is not None:
            lent = self._lend_set(session, chosen, annotator_id, scope, order, now)
            if lent is not None:
                return lent
        choice = chosen.choice
        self._take_place(session, choice.comparison_id)
        expires_at = self.end(session, annotator_id, now)
        lease = leases.add_lease(
            session,
            comparison_id=choice.comparison_id,
            annotator_id=annotator_id,
            policy=choice.policy,
            propensity=choice.propensity,
            expires_at=expires_at,
            now=now,
        )
        return read_pair(session, lease, expires_at)

    def _lend_set(
        self,
        session: Session,
        chosen: _Chosen,
        annotator_id: int,
        scope: Scope,
        order: Order,
        now: datetime,
    ) -> SetView | None:
        """Lend the answers around the chosen pair at once; None where there is none to add to it."""
        prompt_id = comparisons.get_prompt_id(session, comparison_id=chosen.choice.comparison_id)
        here = scope._replace(prompt_id=prompt_id)
        pairs = queue.list_open_pairs(session, annotator_id=annotator_id, scope=here)
        by_candidates = {frozenset((one.left_id, one.right_id)): one for one in pairs}
        begun = next(one for one in pairs if one.comparison_id == chosen.choice.comparison_id)
        turn = leases.get_last_id(session)
        widened = widen(
            (begun.left_id, begun.right_id),
            by_candidates.keys(),
            n=order.n_answers,
            seed=self._seed,
            labels=(annotator_id, turn),
        )
        if len(widened.candidates) == 2 or chosen.head is None:
            return None
        shown = draw_places(self._seed, widened.candidates, annotator_id, turn)
        inside = [by_candidates[frozenset(two)] for two in combinations(widened.candidates, 2)]
        entries = [Entry(one.comparison_id, one.n_taken) for one in inside]
        reached = measure_propensity(chosen.head, entries, random_share=chosen.random_share)
        ballot_id = ballots.add(
            session,
            values={
                "prompt_id": prompt_id,
                "annotator_id": annotator_id,
                "ask": order.ask,
                "shown": list(shown.order),
                "shown_seed": shown.seed,
                "created_at": now,
            },
        )
        expires_at = self.end(session, annotator_id, now)
        made = []
        for one in inside:
            self._take_place(session, one.comparison_id)
            made.append(
                leases.add_lease(
                    session,
                    comparison_id=one.comparison_id,
                    annotator_id=annotator_id,
                    policy=chosen.choice.policy,
                    propensity=reached * widened.probability * chosen.label_share,
                    expires_at=expires_at,
                    now=now,
                    ballot_id=ballot_id,
                )
            )
        return read_set(session, made[0], ballot_id, expires_at)

    def show(self, session: Session, *, lease: Lent, now: datetime) -> PairView | SetView:
        """Make a lease active until a whole lease time from now, and read what it shows."""
        expires_at = self.end(session, lease.annotator_id, now)
        together = leases.list_beside(session, lease=lease)
        leases.activate(session, leases=together, expires_at=expires_at)
        if lease.ballot_id is not None:
            return read_set(session, together[0], lease.ballot_id, expires_at)
        return read_pair(session, lease, expires_at)

    def get_own(self, session: Session, *, annotator_id: int, lease_id: int) -> Lent:
        """The annotator's lease; raises LeaseLost where it is not theirs."""
        lease = leases.find_lease(session, lease_id=lease_id)
        if lease is None or lease.annotator_id != annotator_id:
            raise LeaseLost("this pair is not yours to answer; ask for the next one")
        return lease

    def get_answerable(self, session: Session, *, annotator_id: int, lease_id: int) -> list[Lent]:
        """The annotator's lease with those that began with it, their places taken, the first one first.

        Raises:
            LeaseLost: If it is too late; nothing was written then.
        """
        lease = self.get_own(session, annotator_id=annotator_id, lease_id=lease_id)
        if lease.status is LeaseStatus.EXPIRED:
            if leases.is_seen(session, lease=lease):
                raise LeaseLost("you have seen the names of this pair; ask for the next one")
            self.take_places(session, leases.list_beside(session, lease=lease))
        elif lease.status is not LeaseStatus.ACTIVE:
            raise LeaseLost(
                tr("this pair has been {status} already; ask for the next one", status=lease.status.value)
            )
        return leases.list_beside(session, lease=lease)

    @classmethod
    def take_places(cls, session: Session, together: Sequence[Lent]) -> None:
        """Take all places of leases that begin together; raises LeaseLost, taking none, where one is gone."""
        if not cls._try_places(session, together):
            raise LeaseLost("this pair waited too long and others have it now; ask for the next one")

    @staticmethod
    def _try_places(session: Session, together: Sequence[Lent]) -> bool:
        """Take all of the leases' places, or none."""
        taken: list[int] = []
        for lease in together:
            if not queue.take_place(session, comparison_id=lease.comparison_id):
                queue.give_back_places(session, comparison_ids=taken)
                return False
            taken.append(lease.comparison_id)
        return True

    @staticmethod
    def _take_place(session: Session, comparison_id: int) -> None:
        """Take the place of a comparison that is open, as was read in this transaction."""
        if not queue.take_place(session, comparison_id=comparison_id):
            raise LeaseLost("others have just taken this pair; ask for the next one")

    @staticmethod
    def _choose_practice(session: Session, annotator_id: int, project_id: int) -> _Chosen | None:
        """One of the first pairs of somebody who begins: a gold pair with a reason; None if none is due."""
        due = leases.is_beginning(
            session, annotator_id=annotator_id, project_id=project_id, policy=PRACTICE, n=N_PRACTICE
        )
        open_to = (
            queue.list_practice(session, annotator_id=annotator_id, project_id=project_id) if due else []
        )
        if not open_to:
            return None
        n_alike = sum(one.n_taken == open_to[0].n_taken for one in open_to)
        return _Chosen(Choice(open_to[0].comparison_id, PRACTICE, 1 / n_alike))

    def _choose(
        self, session: Session, annotator_id: int, scope: Scope, order: Order, *, in_practice: bool
    ) -> _Chosen | None:
        """Choose among the pairs to label, or a check where the turn's draw says so and one is left.

        Checks are only mixed in: where nothing is left to label, none is asked.
        """
        first = queue.find_least_taken(session, annotator_id=annotator_id, scope=scope)
        if first is None:
            return None
        if in_practice and order.has_practice and not scope.is_prompt:
            practice = self._choose_practice(session, annotator_id, scope.project_id)
            if practice is not None:
                return practice
        turn = leases.get_last_id(session)
        drawn, remaining = uniform(self._seed, "check", annotator_id, turn), 1.0
        shares = {Purpose.GOLD: order.gold_share, Purpose.ATTENTION: order.attention_share}
        for purpose, share in shares.items():
            of_purpose = scope._replace(purpose=purpose)
            if share == 0:
                continue
            check = queue.find_least_taken(session, annotator_id=annotator_id, scope=of_purpose)
            if check is None:
                continue
            if remaining - share <= drawn < remaining:
                n_least = self._count(session, annotator_id, of_purpose, check)
                return _Chosen(Choice(check.comparison_id, purpose.value, share / n_least))
            remaining -= share
        chosen = self._choose_label(session, annotator_id, scope, first=first, order=order, turn=turn)
        choice = chosen.choice._replace(propensity=chosen.choice.propensity * remaining)
        return chosen._replace(choice=choice, label_share=remaining)

    def _choose_label(
        self,
        session: Session,
        annotator_id: int,
        scope: Scope,
        *,
        first: queue.Head,
        order: Order,
        turn: int,
    ) -> _Chosen:
        top = None
        if order.policy == MOST_INFORMATIVE:
            top = queue.find_most_informative(session, annotator_id=annotator_id, scope=scope)
        n_least = self._count(session, annotator_id, scope, first)
        head = QueueHead(first=Entry(*first), n_least=n_least, top=None if top is None else Entry(*top))
        random_share = order.random_share if self._random_share is None else self._random_share
        draw = uniform(self._seed, "turn", annotator_id, turn)
        return _Chosen(choose(head, random_share=random_share, draw=draw), head, random_share)

    @staticmethod
    def _count(session: Session, annotator_id: int, scope: Scope, head: queue.Head) -> int:
        return queue.count_least_taken(session, annotator_id=annotator_id, scope=scope, n_taken=head.n_taken)


def skip_practice(session: Session, *, annotator_id: int, project_id: int, now: datetime) -> None:
    """Skip the practice pairs that a person was lent and has not answered."""
    waiting = leases.list_unanswered(
        session, annotator_id=annotator_id, project_id=project_id, policy=PRACTICE
    )
    active = [one for one in waiting if one.status is LeaseStatus.ACTIVE]
    expired = [one for one in waiting if one.status is LeaseStatus.EXPIRED]
    leases.end_unanswered(session, leases=active, status=LeaseStatus.SKIPPED, now=now)
    leases.end(session, leases=expired, status=LeaseStatus.SKIPPED, now=now)


def has_open(session: Session, *, annotator_id: int, project_id: int) -> bool:
    """Whether something of a project is open to a person."""
    return queue.find_least_taken(session, annotator_id=annotator_id, scope=Scope(project_id)) is not None

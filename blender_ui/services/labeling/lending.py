"""The steps of lending a pair, inside the caller's transaction.

Invariant: a lease that is active or answered has taken one of its comparison's places. Non-goal:
transactions, which ``services.labeling.loop`` opens around these steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.errors import LeaseLost
from blender_ui.pairing.draws import uniform
from blender_ui.pairing.policy import MOST_INFORMATIVE, Choice, Entry, QueueHead, choose
from blender_ui.services.people.visitors import Visitors
from blender_ui.values import Message
from db.models import LeaseStatus, Purpose
from db.queries import leases, projects, queue
from db.queries.leases import Lent
from db.queries.projects import Order
from db.queries.queue import Scope


@dataclass(frozen=True, kw_only=True)
class PairView:
    """A blind pair and the terms on which it is lent.

    Attributes:
        lease_id: To be given back with the outcome.
        left_id: The left candidate; for the server alone, as it leads to a name.
        right_id: The right one.
        policy: How the pair was chosen, see ``blender_ui.pairing.policy``.
        propensity: With what probability, as defined there.
        expires_at: When its place is open to others, in UTC.
    """

    lease_id: int
    comparison_id: int
    instruction: str
    input: str
    history: tuple[Message, ...]
    left_text: str
    right_text: str
    left_id: int
    right_id: int
    policy: str
    propensity: float
    expires_at: datetime


class Lender:
    """Lends pairs by a policy.

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

    def resume(
        self, session: Session, *, annotator_id: int, scope: Scope, besides: int, now: datetime
    ) -> Lent | None:
        """Open the places of all expired leases; give the annotator's own again if it is free."""
        leases.expire_due(session, now=now)
        lease = leases.find_resumable(session, annotator_id=annotator_id, scope=scope, besides=besides)
        if lease is None or not queue.take_place(session, comparison_id=lease.comparison_id):
            return None
        return lease

    def lend(self, session: Session, *, annotator_id: int, scope: Scope, now: datetime) -> PairView | None:
        """Make a lease on the comparison that the policy chooses; None where none is open."""
        choice = self._choose(session, annotator_id, scope)
        if choice is None:
            return None
        self.take_place(session, comparison_id=choice.comparison_id)
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
        return self._read(session, lease, expires_at)

    def show(self, session: Session, *, lease: Lent, now: datetime) -> PairView:
        """Make a lease active until a whole lease time from now, and read what it shows."""
        expires_at = self.end(session, lease.annotator_id, now)
        leases.activate(session, lease_id=lease.id, expires_at=expires_at)
        return self._read(session, lease, expires_at)

    def _read(self, session: Session, lease: Lent, expires_at: datetime) -> PairView:
        texts = leases.get_texts(session, comparison_id=lease.comparison_id)
        return PairView(
            lease_id=lease.id,
            comparison_id=lease.comparison_id,
            instruction=texts.instruction,
            input=texts.input,
            history=read_history(texts.history),
            left_text=texts.left,
            right_text=texts.right,
            left_id=texts.left_id,
            right_id=texts.right_id,
            policy=lease.policy,
            propensity=lease.propensity,
            expires_at=expires_at,
        )

    def get_own(self, session: Session, *, annotator_id: int, lease_id: int) -> Lent:
        """The annotator's lease; raises LeaseLost where it is not theirs."""
        lease = leases.find_lease(session, lease_id=lease_id)
        if lease is None or lease.annotator_id != annotator_id:
            raise LeaseLost("this pair is not yours to answer; ask for the next one")
        return lease

    def get_answerable(self, session: Session, *, annotator_id: int, lease_id: int) -> Lent:
        """The annotator's lease with its place taken; raises LeaseLost where it is too late."""
        lease = self.get_own(session, annotator_id=annotator_id, lease_id=lease_id)
        if lease.status is LeaseStatus.EXPIRED:
            if leases.is_seen(session, lease=lease):
                raise LeaseLost("you have seen the names of this pair; ask for the next one")
            self.take_place(session, comparison_id=lease.comparison_id)
        elif lease.status is not LeaseStatus.ACTIVE:
            raise LeaseLost(f"this pair has been {lease.status.value} already; ask for the next one")
        return lease

    @staticmethod
    def take_place(session: Session, *, comparison_id: int) -> None:
        """Take a comparison's place for a lease; raises LeaseLost where others have taken all of them."""
        if not queue.take_place(session, comparison_id=comparison_id):
            raise LeaseLost("this pair waited too long and others have it now; ask for the next one")

    def _choose(self, session: Session, annotator_id: int, scope: Scope) -> Choice | None:
        """Choose among the pairs to label, or a check where the turn's draw says so and one is left.

        Checks are only mixed in: where nothing is left to label, none is asked.
        """
        order = projects.get_order(session, project_id=scope.project_id)
        first = queue.find_least_taken(session, annotator_id=annotator_id, scope=scope)
        if first is None:
            return None
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
                return Choice(check.comparison_id, purpose.value, share / n_least)
            remaining -= share
        choice = self._choose_label(session, annotator_id, scope, first=first, order=order, turn=turn)
        return choice._replace(propensity=choice.propensity * remaining)

    def _choose_label(
        self,
        session: Session,
        annotator_id: int,
        scope: Scope,
        *,
        first: queue.Head,
        order: Order,
        turn: int,
    ) -> Choice:
        top = None
        if order.policy == MOST_INFORMATIVE:
            top = queue.find_most_informative(session, annotator_id=annotator_id, scope=scope)
        n_least = self._count(session, annotator_id, scope, first)
        head = QueueHead(first=Entry(*first), n_least=n_least, top=None if top is None else Entry(*top))
        random_share = order.random_share if self._random_share is None else self._random_share
        return choose(head, random_share=random_share, draw=uniform(self._seed, "turn", annotator_id, turn))

    @staticmethod
    def _count(session: Session, annotator_id: int, scope: Scope, head: queue.Head) -> int:
        return queue.count_least_taken(session, annotator_id=annotator_id, scope=scope, n_taken=head.n_taken)

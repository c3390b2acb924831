"""Limits of a demo for people without an account: rows, pairs and the members' time.

Invariant: reading a page leaves no row. A visitor who was lent a pair has a guest's row, which the next
guest takes over unless a vote, a skip or a question used it. No visitor and no address takes more than
its share, and a refusal says when to come back. Non-goal: people with
accounts, who have none of these limits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import QuotaUsedUp
from blender_ui.language import mark, tr, trn
from blender_ui.services.people import signing_in
from blender_ui.services.people.quotas import Asker, Quota, Turns, say_wait
from blender_ui.services.people.signing_in import AnnotatorView
from db.columns import row_id
from db.engine import transaction
from db.models import Audience, Project
from db.queries import forgetting, projects
from db.queries import visitors as queries
from db.queries.visitors import HeldLeases

PROJECT_NAME = "Questions of visitors"
HOUR = timedelta(hours=1)
KEPT_AT_LEAST = HOUR
"""Of a visitor's question, however many come: its asker may still read and vote."""
MOST_DELETED = 50
"""Questions at once, so that nobody waits long for the store."""
MOST_ADDRESSES_KNOWN = 20_000
SIGN_IN = mark("or sign in with an account")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much visitors may take; the settings of the same names say what each is."""

    visitor_asks: int = 20
    address_asks: int = 60
    visitor_characters: int = 4000
    visitor_questions: int = 2000
    address_visitors: int = 40
    visitor_rows: int = 500
    visitor_leases: int = 200
    address_leases: int = 40
    visitor_lease_seconds: int = 120
    visitor_asks_at_once: int = 2
    visitor_asks_waiting: int = 8


class Visitors:
    """The people without accounts of one demo.

    Args:
        engine: From ``db.engine.create_store``.
        limits: How much they may take.
        clock: Gives the present time, with its zone.
    """

    def __init__(self, engine: Engine, *, limits: Limits, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._asks = Quota(limits.visitor_asks, window=HOUR)
        self._address_asks = Quota(limits.address_asks, window=HOUR)
        self._newcomers = Quota(limits.address_visitors, window=HOUR)
        self._addresses: OrderedDict[int, str] = OrderedDict()
        self._guard = threading.Lock()
        self.turns = Turns(at_once=limits.visitor_asks_at_once, waiting=limits.visitor_asks_waiting)

    def admit(self, key: str, *, address: str) -> AnnotatorView:
        """The visitor with a browser's secret; a new one gets a guest's row.

        Raises:
            QuotaUsedUp: If too many came from this address, or as many guests are here as can be.
        """
        known = signing_in.find(self._engine, key=key)
        if known is None:
            known = self._welcome(key, address)
        with self._guard:
            self._addresses[known.id] = address
            self._addresses.move_to_end(known.id)
            while len(self._addresses) > MOST_ADDRESSES_KNOWN:
                self._addresses.popitem(last=False)
        return known

    def _welcome(self, key: str, address: str) -> AnnotatorView:
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            row = None
            if queries.count_guests(session) >= self._limits.visitor_rows:
                row = queries.find_idle_guest(session, now=now)
                if row is None:
                    wait = say_wait(timedelta(seconds=self._limits.visitor_lease_seconds))
                    raise QuotaUsedUp(
                        tr(
                            "All places for visitors are taken. Come back in {wait}, {sign_in}.",
                            wait=wait,
                            sign_in=tr(SIGN_IN),
                        )
                    )
            wait_for = self._newcomers.take(address, now=now)
            if wait_for is not None:
                raise QuotaUsedUp(
                    tr(
                        "{address_visitors} new visitors came from your network within an hour, as "
                        "many as may. Come back in {wait}, {sign_in}.",
                        address_visitors=self._limits.address_visitors,
                        wait=say_wait(wait_for),
                        sign_in=tr(SIGN_IN),
                    )
                )
            return signing_in.add_guest(session, key=key, row=row, now=now)

    def keep_project(self) -> int:
        """The project of what visitors ask: for researchers alone, so that no stranger is shown another's."""
        with transaction(self._engine) as session:
            project = projects.find_by_name(session, name=PROJECT_NAME)
        if project is None:
            with transaction(self._engine, immediate=True) as session:
                project = projects.find_by_name(session, name=PROJECT_NAME)
                if project is None:
                    project = Project(
                        name=PROJECT_NAME,
                        audience=Audience.MEMBERS,
                        questions={},
                        created_at=self._clock(),
                    )
                    session.add(project)
                    session.flush()
        return row_id(project)

    def make_room(self, project_id: int) -> int:
        """Delete the oldest questions of visitors beyond as many as are kept; those with a vote stay.

        Args:
            project_id: From ``keep_project``.

        Returns:
            How many were deleted.
        """
        now = self._clock()
        with transaction(self._engine) as session:
            surplus = (
                forgetting.count_prompts(session, project_id=project_id) - self._limits.visitor_questions
            )
        if surplus < 0:
            return 0
        with transaction(self._engine, immediate=True) as session:
            prompt_ids = forgetting.list_unvoted(
                session,
                project_id=project_id,
                before=now - KEPT_AT_LEAST,
                now=now,
                limit=min(surplus + 1, MOST_DELETED),
            )
            forgetting.delete_prompts(session, prompt_ids=prompt_ids)
        return len(prompt_ids)

    def keep(self, session: Session, annotator_id: int) -> None:
        """Make a guest's row theirs for good, before what they do is stored with it."""
        queries.keep(session, annotator_id=annotator_id)

    def find_lease_time(self, session: Session, annotator_id: int) -> timedelta | None:
        """How long a pair is lent to a visitor; None for somebody with an account."""
        if not queries.is_visitor(queries.find_key(session, annotator_id=annotator_id)):
            return None
        return timedelta(seconds=self._limits.visitor_lease_seconds)

    def find_lease_refusal(self, session: Session, annotator_id: int, *, now: datetime) -> str:
        """Why a visitor is lent no pair now, in a sentence; empty where they may have one."""
        if not queries.is_visitor(queries.find_key(session, annotator_id=annotator_id)):
            return ""
        held = queries.count_held(session, now=now)
        if held.n >= self._limits.visitor_leases:
            return tr("Visitors hold as many pairs as can be lent to them. {back}", back=_say_back(held, now))
        with self._guard:
            address = self._addresses.get(annotator_id)
            near = [one for one, known in self._addresses.items() if known == address]
        held = queries.count_held(session, now=now, annotator_ids=near)
        if address is not None and held.n >= self._limits.address_leases:
            return tr(
                "Visitors from your network hold all the pairs that one network may. {back}",
                back=_say_back(held, now),
            )
        return ""

    def begin_ask(self, asker: Asker, *, n_characters: int = 0) -> int:
        """Take a place among the questions and count it; gives the place's number, for ``turns``.

        Raises:
            QuotaUsedUp: With when to come back, or if the question is too long; nothing is counted then.
        """
        most = self._limits.visitor_characters
        if n_characters > most:
            raise QuotaUsedUp(
                tr(
                    "A visitor's question may have {most:,} characters, and yours has "
                    "{n_characters:,}. Shorten it, {sign_in}.",
                    most=most,
                    n_characters=n_characters,
                    sign_in=tr(SIGN_IN),
                )
            )
        now = self._clock()
        number = self.turns.enter(asker, now=now)
        try:
            self._count_ask(asker, now)
        except QuotaUsedUp:
            self.turns.leave(number, now=now)
            raise
        return number

    def _count_ask(self, asker: Asker, now: datetime) -> None:
        most, of_address = self._limits.visitor_asks, self._limits.address_asks
        wait = self._address_asks.find_wait(asker.address, now=now)
        if wait is not None:
            raise QuotaUsedUp(
                tr(
                    "{count} came from your network within an hour, as many as visitors may ask. "
                    "Come back in {wait}, {sign_in}.",
                    count=_count(of_address),
                    wait=say_wait(wait),
                    sign_in=tr(SIGN_IN),
                )
            )
        wait = self._asks.take(asker.visitor, now=now)
        if wait is not None:
            raise QuotaUsedUp(
                tr(
                    "You have asked {count} within an hour, as many as a visitor may. Come back in "
                    "{wait}, {sign_in}.",
                    count=_count(most),
                    wait=say_wait(wait),
                    sign_in=tr(SIGN_IN),
                )
            )
        self._address_asks.take(asker.address, now=now)

    def may_begin(self, number: int) -> bool | None:
        """Whether a question's turn has come; None where its place is gone."""
        return self.turns.may_begin(number, now=self._clock())

    def count_before(self, number: int) -> int:
        """How many questions are answered before a waiting one, at the latest guess."""
        return self.turns.count_before(number)

    def end_ask(self, number: int) -> None:
        """Give a question's place to the next one."""
        self.turns.leave(number, now=self._clock())


def _count(n: int) -> str:
    return trn("{n} question", "{n} questions", n)


def _say_back(held: HeldLeases, now: datetime) -> str:
    wait = timedelta(minutes=1) if held.first_ends_at is None else held.first_ends_at - now
    return tr("Look again in {wait}, {sign_in}.", wait=say_wait(wait), sign_in=tr(SIGN_IN))

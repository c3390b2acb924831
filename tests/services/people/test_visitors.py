"""What people without accounts take of a demo's store, and what they are told when it is too much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session

from blender_ui.errors import QuotaUsedUp
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.visitors import Limits, Visitors
from db.models import Annotator, Lease, LeaseStatus, Outcome, Preference
from tests.builders.stores import Clock, add_prompts, key_of, make_store


@dataclass(frozen=True)
class Demo:
    engine: Engine
    clock: Clock
    access: Access
    labeling: Labeling

    def come(self, number: int, address: str = "here") -> int:
        return self.labeling.sign_in(key=key_of(number), address=address).id

    def count_rows(self) -> int:
        with Session(self.engine) as session:
            return session.execute(select(func.count()).select_from(Annotator)).scalar_one()

    def count_held(self) -> int:
        with Session(self.engine) as session:
            query = select(func.count()).select_from(Lease)
            return session.execute(query.where(Lease.status == LeaseStatus.ACTIVE)).scalar_one()

    def vote(self, annotator_id: int) -> None:
        pair = self.labeling.next_pair(annotator_id=annotator_id)
        assert pair is not None
        self.labeling.submit(
            annotator_id=annotator_id, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="k"
        )


def make_demo(folder: Path, *, n_prompts: int = 30, **limits: int) -> Demo:
    engine, clock = make_store(folder), Clock()
    visitors = Visitors(engine, limits=Limits(**limits), clock=clock)
    access = Access(engine, mode=Mode.DEMO, clock=clock, visitors=visitors)
    labeling = Labeling(engine, clock=clock, seed=7, lease_seconds=600, overlap=1, access=access)
    for prompt_id in add_prompts(engine, n_prompts=n_prompts):
        labeling.queue_prompt(prompt_id=prompt_id)
    return Demo(engine, clock, access, labeling)


def test_who_only_looks_leaves_no_row(tmp_path: Path) -> None:
    demo = make_demo(tmp_path)
    for number in range(300):
        assert demo.access.identify(key_of(number)).annotator is None
    assert demo.count_rows() == 0


def test_invented_visitors_use_the_rows_of_those_who_are_gone(tmp_path: Path) -> None:
    demo = make_demo(tmp_path, visitor_rows=5, address_visitors=1000)
    for number in range(60):
        demo.labeling.next_pair(annotator_id=demo.come(number, address=f"{number}"))
        demo.clock.pass_by(121 if number % 5 == 4 else 0)
    assert demo.count_rows() == 5


def test_a_row_with_a_vote_is_never_anybody_else_s(tmp_path: Path) -> None:
    demo = make_demo(tmp_path, visitor_rows=1)
    ada = demo.come(1)
    demo.vote(ada)
    demo.clock.pass_by(1000)
    bob = demo.come(2)
    assert bob != ada
    assert demo.come(1) == ada
    with Session(demo.engine) as session:
        assert [one.annotator_id for one in session.scalars(select(Preference))] == [ada]
    skips = demo.labeling.next_pair(annotator_id=bob)
    assert skips is not None
    demo.labeling.skip(annotator_id=bob, lease_id=skips.lease_id)
    demo.clock.pass_by(1000)
    assert demo.come(3) not in (ada, bob)
    demo.labeling.mark_seen(annotator_id=demo.come(3), prompt_id=5)
    demo.clock.pass_by(1000)
    assert demo.come(4) not in (ada, bob, demo.come(3))


def test_who_holds_a_pair_keeps_the_row_and_one_more_guest_is_told_when_to_come_back(tmp_path: Path) -> None:
    demo = make_demo(tmp_path, visitor_rows=1)
    demo.labeling.next_pair(annotator_id=demo.come(1))
    with pytest.raises(QuotaUsedUp, match="Come back in 2 minutes, or sign in"):
        demo.come(2)
    demo.clock.pass_by(121)
    demo.come(2)
    assert demo.count_rows() == 1


def test_an_address_sends_so_many_new_visitors_an_hour(tmp_path: Path) -> None:
    demo = make_demo(tmp_path, address_visitors=2)
    first = demo.come(1)
    demo.clock.pass_by(1800)
    demo.come(2)
    with pytest.raises(QuotaUsedUp, match="Come back in 30 minutes"):
        demo.come(3)
    assert demo.come(1) == first, "who is known is no new visitor"
    assert demo.come(3, address="elsewhere")
    demo.clock.pass_by(1801)
    assert demo.come(4)


def test_visitors_hold_pairs_for_a_short_time_and_people_with_accounts_longer(tmp_path: Path) -> None:
    demo = make_demo(tmp_path)
    pair = demo.labeling.next_pair(annotator_id=demo.come(1))
    assert pair is not None
    assert (pair.expires_at - demo.clock()).total_seconds() == 120
    demo.clock.pass_by(60)
    assert demo.labeling.heartbeat(annotator_id=demo.come(1), lease_id=pair.lease_id)
    demo.clock.pass_by(100)
    again = demo.labeling.next_pair(annotator_id=demo.come(1))
    assert again is not None
    assert again.lease_id == pair.lease_id
    demo.clock.pass_by(121)
    other = demo.labeling.next_pair(annotator_id=demo.come(2))
    assert demo.count_held() == 1, "what was not answered is open to others again"
    assert other is not None


def test_an_address_holds_its_share_of_pairs_and_others_still_get_theirs(tmp_path: Path) -> None:
    demo = make_demo(tmp_path, address_leases=4, address_visitors=1000)
    for number in range(20):
        demo.labeling.next_pair(annotator_id=demo.come(number, address="flood"))
    assert demo.count_held() == 4
    assert "network" in demo.labeling.leftover(annotator_id=demo.come(19, address="flood")).refusal
    assert "Look again in 2 minutes" in demo.labeling.leftover(annotator_id=demo.come(19, "flood")).refusal
    other = demo.come(99, address="elsewhere")
    assert demo.labeling.next_pair(annotator_id=other) is not None
    assert demo.labeling.leftover(annotator_id=other).refusal == ""


def test_all_visitors_hold_so_many_pairs_and_a_vote_counts_all_the_same(tmp_path: Path) -> None:
    demo = make_demo(tmp_path, visitor_leases=2)
    first = demo.labeling.next_pair(annotator_id=demo.come(1, "a"))
    assert first is not None
    demo.labeling.next_pair(annotator_id=demo.come(2, "b"))
    assert demo.labeling.next_pair(annotator_id=demo.come(3, "c")) is None
    assert "as can be lent" in demo.labeling.leftover(annotator_id=demo.come(3, "c")).refusal
    demo.vote(demo.come(1, "a"))
    with Session(demo.engine) as session:
        assert len(session.scalars(select(Preference)).all()) == 1
    assert demo.labeling.next_pair(annotator_id=demo.come(3, "c")) is not None

"""Drift in a store: members, people and the ranker, by blocks of votes and answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.services.monitoring.drift import BLOCK, Drifts, What
from blender_ui.ui.drift import OF_MEMBERS, OF_PEOPLE, draw_drifts
from db.engine import transaction
from db.models import (
    Bet,
    CandidateFailure,
    FailureKind,
    Lease,
    LeaseStatus,
    ModelKind,
    ModelRole,
    ModelVersion,
    Outcome,
    Ranking,
    RankingEntry,
)
from tests.builders.rows import answer, member, pair, person, prompt, save, vote
from tests.builders.stores import make_store

START = datetime(2026, 3, 1, tzinfo=UTC)


class Watched:
    """A store with two people and two members, in which questions are answered and voted on."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = make_store(folder)
        self.drifts = Drifts(self.engine)
        self.n = 0
        with transaction(self.engine, immediate=True) as session:
            people = save(session, [person("Ada", key="browser:a"), person("Bob", key="browser:b")])
            self.people = [one.id for one in people]
            self.members = [
                one.id
                for one in save(session, [member(one, backend="openai") for one in ("Curie", "Darwin")])
            ]
            (version,) = save(
                session,
                [
                    ModelVersion(
                        role=ModelRole.RANKER, kind=ModelKind.FAST, base_model="r", base_fingerprint="r",
                        fingerprint="v", path="v", cut_off_preference_id=0, n_train=0, n_held_out=0,
                        hyper_parameters={}, metrics={}, is_active=True, code_version="t",
                    )
                ],
            )  # fmt: skip
            self.version_id = version.id or 0

    def ask(
        self, n: int, *, wins: float = 0.5, agrees: float = 0.8, right: float = 0.7, seconds: float = 2.0,
        fails: float = 0.0,
    ) -> None:  # fmt: skip
        """Questions that two people vote on, of which shares go one way, evenly spread."""
        with transaction(self.engine, immediate=True) as session:
            for number in range(n):
                self._ask(
                    session, *(_is_in(share, number) for share in (wins, agrees, right, fails)), seconds
                )

    def _ask(
        self, session: Session, wins: bool, agrees: bool, right: bool, fails: bool, seconds: float
    ) -> None:
        self.n += 1
        at = START + timedelta(minutes=self.n)
        (asked,) = save(session, [prompt(f"Question {self.n}?")])
        said = save(session, [answer(asked.id, one, f"{one} of {self.n}") for one in self.members])
        for number, one in enumerate(said):
            one.created_at, one.seconds = at, seconds + 0.01 * (self.n % 17) if number == 0 else 2.0
        if fails:
            save(
                session,
                [
                    CandidateFailure(
                        prompt_id=asked.id or 0, member_id=self.members[1] or 0,
                        kind=FailureKind.TIMEOUT, message="too slow", seconds=60, created_at=at,
                    )
                ],
            )  # fmt: skip
        (shown,) = save(session, [pair(asked.id, said[0].id, said[1].id, overlap=2, n_taken=2)])
        first = Outcome.LEFT if wins else Outcome.RIGHT
        second = first if agrees else Outcome.TIE
        lease = Lease(
            comparison_id=shown.id or 0, annotator_id=self.people[0] or 0, status=LeaseStatus.ANSWERED,
            policy="random", propensity=1, expires_at=at, created_at=at, ended_at=at,
        )  # fmt: skip
        ranking = Ranking(prompt_id=asked.id or 0, ranker_version_id=self.version_id, policy="max_logits")
        save(session, [lease])
        save(session, [ranking])
        up = (first is Outcome.LEFT) == right
        session.add_all(
            RankingEntry(ranking_id=ranking.id or 0, candidate_id=one.id or 0, score=score, rank=1)
            for one, score in zip(said, (1.0, 0.0) if up else (0.0, 1.0), strict=True)
        )
        session.add(Bet(lease_id=lease.id or 0, ranking_id=ranking.id or 0))
        votes = [
            vote(
                shown.id,
                self.people[0],
                first,
                idempotency_key=f"{self.n}a",
                created_at=at,
                lease_id=lease.id,
            ),
            vote(shown.id, self.people[1], second, idempotency_key=f"{self.n}b", created_at=at),
        ]
        save(session, votes)

    def find(self) -> dict[tuple[What, str], tuple[float, float]]:
        return {(one.what, one.member): (one.change.before, one.change.recent) for one in self.drifts.find()}


def _is_in(share: float, number: int) -> bool:
    return int((number + 1) * share) > int(number * share)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.engine.dispose()


def test_an_empty_store_and_a_steady_one_have_no_drift(watched: Watched) -> None:
    assert watched.find() == {}
    watched.ask(4 * BLOCK)
    assert watched.find() == {}


def test_what_changed_is_found_with_how_it_was_and_is(watched: Watched) -> None:
    watched.ask(4 * BLOCK)
    watched.ask(BLOCK // 2, wins=0.1, agrees=0.2, right=0.2, seconds=6.0, fails=0.5)
    found = watched.find()
    assert found[What.WINS, "Curie"] == pytest.approx((0.5, 0.1), abs=0.05)
    assert found[What.WINS, "Darwin"] == pytest.approx((0.5, 0.9), abs=0.05)
    assert found[What.AGREEMENT, ""] == pytest.approx((0.8, 0.2), abs=0.1)
    assert found[What.RANKER, ""] == pytest.approx((0.7, 0.2), abs=0.1)
    assert found[What.SECONDS, "Curie"] == pytest.approx((2.1, 6.1), abs=0.1)
    assert found[What.FAILURES, "Darwin"][0] < found[What.FAILURES, "Darwin"][1]
    assert (What.SECONDS, "Darwin") not in found
    assert (What.FAILURES, "Curie") not in found
    of_members = draw_drifts(watched.drifts.find(), OF_MEMBERS)
    assert "Curie wins 10 %" in of_members
    assert "6.1 s" in of_members
    assert "Of 100 looks" in of_members
    assert "People agree on" not in of_members
    assert "People agree on 20 %" in draw_drifts(watched.drifts.find(), OF_PEOPLE)


def test_a_block_is_looked_at_whole_and_the_next_one_says_anew(watched: Watched) -> None:
    """A question brings two votes and two answers here."""
    watched.ask(4 * BLOCK)
    watched.ask(BLOCK // 2 - 1, wins=0.1)
    assert watched.find() == {}, "the block is not whole"
    watched.ask(1, wins=0.1)
    seen = watched.find()
    assert (What.WINS, "Curie") in seen
    watched.ask(BLOCK // 4)
    assert watched.find() == seen, "the same until the next block is whole"
    watched.ask(BLOCK // 4)
    assert watched.find() == {}


def test_votes_that_were_taken_back_say_nothing(watched: Watched) -> None:
    watched.ask(4 * BLOCK)
    watched.ask(BLOCK // 2, wins=0.0)
    with watched.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE preference SET retracted_at = '2026-04-01' WHERE id > {8 * BLOCK}"
        )
    assert watched.find() == {}


def test_without_drift_nothing_is_drawn() -> None:
    assert draw_drifts((), OF_MEMBERS) == ""

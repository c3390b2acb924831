"""Drift in a store: members, people and the ranker, by blocks of votes and answers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.services.monitoring.drift import BLOCK, Drifts, What
from blender_ui.ui.drift import OF_MEMBERS, OF_PEOPLE, draw_drifts
from db.engine import transaction
from db.models import (
    Bet,
    Candidate,
    CandidateFailure,
    Comparison,
    FailureKind,
    Lease,
    LeaseStatus,
    ModelKind,
    ModelRole,
    ModelVersion,
    Outcome,
    Preference,
    Prompt,
    Ranking,
    RankingEntry,
)
from tests.builders.rows import answer, member, pair, person, prompt, save, vote
from tests.builders.stores import make_store

START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """A question: whether Curie won, the people agreed, the ranker was right and Darwin failed."""

    number: int
    wins: bool
    agrees: bool
    right: bool
    fails: bool

    @property
    def at(self) -> datetime:
        return START + timedelta(minutes=self.number)

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        first = Outcome.LEFT if self.wins else Outcome.RIGHT
        return first, first if self.agrees else Outcome.TIE

    @property
    def prefers_left(self) -> bool:
        return self.wins == self.right


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
        asked = [
            Asked(self.n + number + 1, *(_is_in(share, number) for share in (wins, agrees, right, fails)))
            for number in range(n)
        ]
        self.n += n
        with transaction(self.engine, immediate=True) as session:
            self._save(session, asked, seconds)

    def _save(self, session: Session, asked: list[Asked], seconds: float) -> None:
        """Rows of one table at a time, in the questions' order."""
        prompts = save(session, [prompt(f"Question {one.number}?") for one in asked])
        said = save(session, self._answers(asked, prompts, seconds))
        firsts, others = said[::2], said[1::2]
        save(
            session,
            [
                CandidateFailure(
                    prompt_id=of.id or 0, member_id=self.members[1] or 0,
                    kind=FailureKind.TIMEOUT, message="too slow", seconds=60, created_at=one.at,
                )
                for one, of in zip(asked, prompts, strict=True)
                if one.fails
            ],
        )  # fmt: skip
        shown = save(
            session,
            [
                pair(of.id, left.id, right.id, overlap=2, n_taken=2)
                for of, left, right in zip(prompts, firsts, others, strict=True)
            ],
        )
        leases = save(
            session,
            [
                Lease(
                    comparison_id=of.id or 0, annotator_id=self.people[0] or 0, status=LeaseStatus.ANSWERED,
                    policy="random", propensity=1, expires_at=one.at, created_at=one.at, ended_at=one.at,
                )
                for one, of in zip(asked, shown, strict=True)
            ],
        )  # fmt: skip
        rankings = save(
            session,
            [
                Ranking(prompt_id=of.id or 0, ranker_version_id=self.version_id, policy="max_logits")
                for of in prompts
            ],
        )
        for one, ranking, answers in zip(asked, rankings, zip(firsts, others, strict=True), strict=True):
            session.add_all(
                RankingEntry(ranking_id=ranking.id or 0, candidate_id=answer.id or 0, score=score, rank=1)
                for answer, score in zip(answers, (1.0, 0.0) if one.prefers_left else (0.0, 1.0), strict=True)
            )
        session.add_all(
            Bet(lease_id=lease.id or 0, ranking_id=ranking.id or 0)
            for lease, ranking in zip(leases, rankings, strict=True)
        )
        save(session, self._votes(asked, shown, leases))

    def _answers(self, asked: list[Asked], prompts: list[Prompt], seconds: float) -> list[Candidate]:
        said = []
        for one, of in zip(asked, prompts, strict=True):
            for place, of_whom in enumerate(self.members):
                row = answer(of.id, of_whom, f"{of_whom} of {one.number}")
                row.created_at = one.at
                row.seconds = seconds + 0.01 * (one.number % 17) if place == 0 else 2.0
                said.append(row)
        return said

    def _votes(self, asked: list[Asked], shown: list[Comparison], leases: list[Lease]) -> list[Preference]:
        ada, bob = self.people
        said = []
        for one, of, lease in zip(asked, shown, leases, strict=True):
            first, second = one.outcomes
            key, at = f"{one.number}", one.at
            said += [
                vote(of.id, ada, first, idempotency_key=f"{key}a", created_at=at, lease_id=lease.id),
                vote(of.id, bob, second, idempotency_key=f"{key}b", created_at=at),
            ]
        return said

    def copy_to(self, folder: Path) -> Watched:
        """The same, in a store of its own."""
        folder.joinpath("store.sqlite").write_bytes(Path(str(self.engine.url.database)).read_bytes())
        copied = copy.copy(self)
        copied.engine = make_store(folder)
        copied.drifts = Drifts(copied.engine)
        return copied

    def find(self) -> dict[tuple[What, str], tuple[float, float]]:
        return {(one.what, one.member): (one.change.before, one.change.recent) for one in self.drifts.find()}


def _is_in(share: float, number: int) -> bool:
    return int((number + 1) * share) > int(number * share)


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """With four blocks of questions, answered as ever; the file is whole, so that it can be copied."""
    made = Watched(tmp_path_factory.mktemp("steady"))
    made.ask(4 * BLOCK)
    made.engine.dispose()
    return made


@pytest.fixture
def watched(steady: Watched, tmp_path: Path) -> Iterator[Watched]:
    made = steady.copy_to(tmp_path)
    yield made
    made.engine.dispose()


def test_an_empty_store_and_a_steady_one_have_no_drift(watched: Watched, tmp_path_factory: Any) -> None:
    empty = Watched(tmp_path_factory.mktemp("empty"))
    assert empty.find() == {}
    empty.engine.dispose()
    assert watched.find() == {}


def test_what_changed_is_found_with_how_it_was_and_is(watched: Watched) -> None:
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
    watched.ask(BLOCK // 2, wins=0.0)
    with watched.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE preference SET retracted_at = '2026-04-01' WHERE id > {8 * BLOCK}"
        )
    assert watched.find() == {}


def test_without_drift_nothing_is_drawn() -> None:
    assert draw_drifts((), OF_MEMBERS) == ""

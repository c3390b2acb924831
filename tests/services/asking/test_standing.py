"""How members have done: counted from rows, with nothing guessed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.members.configuration import Backend, MemberConfig, Price
from blender_ui.services.asking.standing import MemberStandings, Spread
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Candidate, CandidateFailure, FailureKind, Member, Prompt, utc_now
from tests.builders.scripted_members import ScriptedEnsemble
from tests.builders.stores import make_store

NOW = utc_now()
LONG_AGO = NOW - timedelta(days=9)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Ada answered three questions and failed two; one answer is old, one has no counts."""
    engine = make_store(tmp_path)
    with transaction(engine, immediate=True) as session:
        session.add(Prompt(id=1, instruction="Why?", fingerprint="f"))
        for number, (name, backend) in enumerate(
            [("Ada", "openai"), ("Ada", "fusion"), ("Bob", "import")], 1
        ):
            session.add(Member(id=number, name=name, backend=backend, model="m", fingerprint=f"{number}"))
        session.flush()
        for member_id, first, seconds, n_prompt, n_tokens, at in (
            (1, 1.0, 2.0, 1_000, 3_000, NOW),
            (1, 3.0, 6.0, 1_000, 1_000, NOW),
            (1, None, None, None, None, NOW),
            (1, 90.0, 99.0, 10**6, 10**6, LONG_AGO),
            (2, 90.0, 99.0, 10**6, 10**6, NOW),
            (3, 90.0, 99.0, 10**6, 10**6, NOW),
        ):
            session.add(
                Candidate(
                    prompt_id=1,
                    member_id=member_id,
                    text="So.",
                    first_token_seconds=first,
                    seconds=seconds,
                    n_prompt_tokens=n_prompt,
                    n_tokens=n_tokens,
                    created_at=at,
                )
            )
        for kind, message in (
            (FailureKind.TIMEOUT, "too slow"),
            (FailureKind.TIMEOUT, "slow again"),
            (FailureKind.STOPPED, "somebody left"),
        ):
            session.add(
                CandidateFailure(
                    prompt_id=1, member_id=1, kind=kind, message=message, seconds=1.0, created_at=NOW
                )
            )
    return engine


def standings(engine: Engine, price: Price | None) -> MemberStandings:
    members = ScriptedEnsemble()
    members.configs = (MemberConfig(name="Ada", backend=Backend.OPENAI, model="m", price=price),)
    return MemberStandings(engine, members=members)


def test_answers_failures_seconds_tokens_and_cost_are_those_of_the_time(engine: Engine) -> None:
    read = standings(engine, Price(input=1, output=2)).read(since=NOW - timedelta(days=1))
    assert list(read) == ["Ada"]
    ada = read["Ada"]
    assert (ada.n_answers, ada.n_failures, dict(ada.failures)) == (3, 2, {FailureKind.TIMEOUT: 2})
    assert ada.last_failure == "slow again"
    assert (ada.n_prompt_tokens, ada.n_tokens, ada.n_uncounted) == (2_000, 4_000, 1)
    assert ada.cost == pytest.approx(0.01)  # 2,000 tokens at 1 and 4,000 at 2 a million
    assert ada.first_token == Spread(p50=2.0, p95=pytest.approx(2.9))  # between 1 s and 3 s
    assert ada.whole == Spread(p50=4.0, p95=pytest.approx(5.8))


def test_without_a_price_there_is_no_cost(engine: Engine) -> None:
    unpriced = standings(engine, None)
    assert unpriced.read(since=LONG_AGO)["Ada"].cost is None
    assert unpriced.cost(since=LONG_AGO, project_id=DEFAULT_PROJECT_ID) is None
    priced = standings(engine, Price(output=2))
    assert priced.cost(since=NOW - timedelta(days=1), project_id=DEFAULT_PROJECT_ID) == pytest.approx(0.008)
    assert priced.cost(since=NOW - timedelta(days=1), project_id=DEFAULT_PROJECT_ID + 1) is None

"""Counts that the database makes are those of a reader who looks at every row."""

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session, select

from blender_ui.services.inspecting.decisions import ASKED_HERE, Inspection
from blender_ui.services.training.requests import Training
from blender_ui.services.versions import readiness
from blender_ui.services.versions.readiness import HELD_OUT_SHARE, find_missing, measure_readiness
from blender_ui.values import is_held_out
from db.engine import transaction
from db.models import (
    Adjudication,
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Job,
    JobKind,
    JobStatus,
    Member,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Purpose,
    utc_now,
)
from db.queries.preferences import get_last_id
from tests.builders import rows
from tests.builders.preferences import add_labeled_prompts
from tests.builders.rows import save
from tests.builders.stores import make_store

SOURCES = (None, "first", "second")
PURPOSES = (Purpose.LABEL, Purpose.LABEL, Purpose.LABEL, Purpose.GOLD, Purpose.ATTENTION)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


def fill(engine: Engine, *, n_prompts: int = 60, seed: int = 3) -> None:
    """Write every kind of row that counts or does not.

    Prompts of three sources, the same question in several of them; comparisons to label, gold pairs and
    attention checks, open and full; votes of people and judges, some taken back, some given anew, some
    ruled on; a job with a cut-off among them and a later one that was cancelled.
    """
    draw = random.Random(seed)
    with transaction(engine, immediate=True) as session:
        kinds = [AnnotatorKind.HUMAN] * 4 + [AnnotatorKind.JUDGE] * 2
        people = save(session, [rows.person(f"P{n}", kind=kind) for n, kind in enumerate(kinds)])
        (author,) = save(session, [rows.member("m")])
        for number in range(n_prompts):
            question = f"Question {number // 2}?"  # each is asked twice
            (asked,) = save(
                session, [rows.prompt(question, source=SOURCES[number % 3], external_id=str(number))]
            )
            _compare(session, asked, author, people, draw)
        last = get_last_id(session)
        for cut_off, status, kind in (
            (last // 2, JobStatus.COMPLETE, JobKind.FAST),
            (last - 1, JobStatus.CANCELLED, JobKind.FAST),
            (last - 2, JobStatus.COMPLETE, JobKind.FUSER),
        ):
            session.add(
                Job(workflow_id=f"w{cut_off}", kind=kind, status=status, cut_off_preference_id=cut_off)
            )


def _compare(
    session: Session, asked: Prompt, author: Member, people: list[Annotator], draw: random.Random
) -> None:
    candidates = save(session, [rows.answer(asked.id, author.id, f"answer {n}") for n in range(3)])
    for left, right in itertools.combinations(candidates, 2):
        purpose, is_open = draw.choice(PURPOSES), draw.random() < 0.4
        made = rows.pair(
            asked.id,
            left.id,
            right.id,
            origin=Origin.QUEUE,
            overlap=9 if is_open else 0,
            is_open=is_open,
            purpose=purpose,
            gold_outcome=None if purpose is Purpose.LABEL else Outcome.LEFT,
        )
        save(session, [made])
        for voter in draw.sample(people, draw.randrange(4)):
            _vote(session, made, voter, draw)
        if draw.random() < 0.1:
            session.add(Adjudication(comparison_id=made.id, outcome=Outcome.TIE, reason="r"))


def _vote(session: Session, shown: Comparison, voter: Annotator, draw: random.Random) -> None:
    votes: list[Preference] = []
    for attempt in range(draw.choice((1, 1, 1, 2))):
        key = f"{shown.id}-{voter.id}-{attempt}"
        given = rows.vote(shown.id, voter.id, draw.choice(list(Outcome)), idempotency_key=key)
        for earlier in votes:  # given anew
            earlier.retracted_at = earlier.retracted_at or utc_now()
            session.flush()
        votes += save(session, [given])
    if draw.random() < 0.2:  # taken back
        votes[-1].retracted_at = utc_now()
        session.flush()


def list_rows(session: Session) -> list[tuple[Preference, Annotator, Comparison, Prompt]]:
    """Every preference with what it is of, one by one."""
    found = []
    for vote in session.exec(select(Preference)):
        comparison = session.get_one(Comparison, vote.comparison_id)
        prompt = session.get_one(Prompt, comparison.prompt_id)
        found.append((vote, session.get_one(Annotator, vote.annotator_id), comparison, prompt))
    return found


@contextmanager
def counting_rows(engine: Engine) -> Iterator[list[object]]:
    """Every row that the driver hands over meanwhile."""
    rows: list[object] = []

    def count(_cursor: object, row: object) -> object:
        rows.append(row)
        return row

    def connect(connection: Any, _record: object) -> None:
        connection.row_factory = count

    engine.dispose()
    event.listen(engine, "connect", connect)
    yield rows
    event.remove(engine, "connect", connect)
    engine.dispose()


def test_readiness_counts_what_a_reader_of_every_row_counts(engine: Engine) -> None:
    fill(engine)
    with transaction(engine) as session:
        view = measure_readiness(session)
        taught = [
            (vote, prompt)
            for vote, person, comparison, prompt in list_rows(session)
            if vote.retracted_at is None
            and person.kind is AnnotatorKind.HUMAN
            and comparison.purpose is Purpose.LABEL
        ]
        cut_off = max(
            job.cut_off_preference_id
            for job in session.exec(select(Job))
            if job.status is not JobStatus.CANCELLED and job.kind is not JobKind.FUSER
        )
        ruled = {
            frozenset((row.left_id, row.right_id))
            for row in session.exec(select(Comparison).join(Adjudication))  # all of them ties
        }
        pairs = {row.id: frozenset((row.left_id, row.right_id)) for row in session.exec(select(Comparison))}
        decided = Counter(
            prompt.fingerprint
            for vote, prompt in taught
            if vote.outcome in (Outcome.LEFT, Outcome.RIGHT) and pairs[vote.comparison_id] not in ruled
        )
        assert view.n_preferences == len(taught)
        assert view.n_new == sum((vote.id or 0) > cut_off for vote, _ in taught)
    assert view.n_decided == decided.total()
    assert view.n_prompts == len(decided)
    assert view.n_held_out == sum(n for one, n in decided.items() if is_held_out(one, share=HELD_OUT_SHARE))
    assert 0 < view.n_held_out < view.n_decided < view.n_preferences
    assert 0 < view.n_new < view.n_preferences


def test_sources_count_what_a_reader_of_every_row_counts(engine: Engine) -> None:
    fill(engine)
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    with transaction(engine) as session:
        sources = {prompt.id: prompt.source or ASKED_HERE for prompt in session.exec(select(Prompt))}
        for prompt_id in sources:
            wanted[sources[prompt_id]]["n_prompts"] += 1
        for candidate in session.exec(select(Candidate)):
            wanted[sources[candidate.prompt_id]]["n_candidates"] += 1
        for comparison in session.exec(select(Comparison)):
            wanted[sources[comparison.prompt_id]]["n_open"] += comparison.is_open
        for vote, _, comparison, _ in list_rows(session):
            wanted[sources[comparison.prompt_id]]["n_preferences"] += vote.retracted_at is None
    views = Inspection(engine).list_sources()
    assert {view.name for view in views} == {ASKED_HERE, "first", "second"}
    for view in views:
        assert vars(view) == {"name": view.name, **wanted[view.name]}


@pytest.mark.parametrize("n_prompts", [0, 4, 9, 60])
def test_a_request_lacks_what_the_page_says(engine: Engine, n_prompts: int, monkeypatch: Any) -> None:
    add_labeled_prompts(engine, n_prompts=n_prompts)
    for n_looked_at in (1, 7, 2_000):  # too few to say yes, and more than there are
        monkeypatch.setattr(readiness, "N_LOOKED_AT", n_looked_at)
        with transaction(engine) as session:
            view, missing = measure_readiness(session), find_missing(session)
        assert missing == (None if view.is_ready else view.reason)
    assert (n_prompts == 60) == (missing is None)


@pytest.mark.parametrize("look", ["readiness", "sources"])
def test_a_page_s_counts_come_in_as_many_rows_however_many_prompts(engine: Engine, look: str) -> None:
    """Each row is a turn that the page waits for among the threads that read in the background."""
    looks = {
        "readiness": Training(engine, train_every=0).readiness,
        "sources": Inspection(engine).list_sources,
    }
    n_rows = []
    for offset in (0, 100):
        add_labeled_prompts(engine, n_prompts=20, offset=offset)
        with counting_rows(engine) as rows:
            looks[look]()
        n_rows.append(len(rows))
    assert n_rows[0] == n_rows[1]


def test_counts_by_prompt_read_indexes_and_no_rows(engine: Engine) -> None:
    """Votes come in another order than pairs: a row looked up for each took three times as long."""
    statements: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "preference.retracted_at" in statement:
            statements.append((statement, values))

    event.listen(engine, "before_cursor_execute", keep)
    Training(engine, train_every=0).readiness()
    Inspection(engine).list_sources()
    event.remove(engine, "before_cursor_execute", keep)
    assert len(statements) >= 2
    with engine.connect() as connection:
        for statement, values in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            steps = [step[3] for step in plan if "preference" in step[3] or "ix_preference" in step[3]]
            assert steps
            assert all("COVERING INDEX ix_preference_comparison_standing" in step for step in steps)

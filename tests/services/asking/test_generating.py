"""Members answer a project's prompts in the background, and a killed worker loses one answer at most."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from blender_ui.errors import MalformedInput, MemberError, NotFound, Refused
from blender_ui.members.protocol import Chunk, Message
from blender_ui.services.asking.crew import Ask, Pace
from blender_ui.services.asking.generating import Generating, GenerationRun
from blender_ui.services.asking.rounds import Blending
from blender_ui.services.jobs.states import list_unfinished
from blender_ui.services.projects.prompts import ProjectPrompts
from blender_ui.services.training.requests import Training
from db.engine import transaction
from db.models import (
    DEFAULT_PROJECT_ID,
    TRAININGS,
    Candidate,
    CandidateFailure,
    Comparison,
    JobStatus,
    Prompt,
)
from db.queries.jobs import find_last_cut_off
from db.queries.prompts import list_ids
from tests.builders.preferences import add_labeled_prompts
from tests.builders.scripted_members import Script, ScriptedEnsemble, ScriptedMember, saying
from tests.builders.stores import Clock, key_of, make_labeling, make_store

HERE = DEFAULT_PROJECT_ID


class Killed(BaseException):
    """What ends a worker in the middle of an answer."""


class Bench:
    """A project with two prompts, and members that answer them."""

    def __init__(self, folder: Path, *scripts: Script, n_parallel: int = 1, samples: int = 1) -> None:
        self.engine: Engine = make_store(folder)
        self.clock = Clock()
        self.labeling = make_labeling(self.engine, self.clock)
        self.me = self.labeling.sign_in(key=key_of(1)).id
        self.members = [ScriptedMember(f"member-{n}", script) for n, script in enumerate(scripts)]
        ensemble = ScriptedEnsemble(*self.members, n_parallel=n_parallel, samples=samples)
        self.generating = Generating(self.engine, members=ensemble, clock=self.clock)
        self.blending = Blending(self.engine, members=ensemble, clock=self.clock)
        self.run = GenerationRun(
            self.engine,
            blending=self.blending,
            labeling=self.labeling,
            members=ensemble,
            clock=self.clock,
        )
        adding = ProjectPrompts(self.engine, clock=self.clock)
        adding.add(HERE, instructions=["First?", "Second?"], by=self.me)

    def generating_prompt_ids(self) -> list[int]:
        with Session(self.engine) as session:
            return list_ids(session, project_id=HERE)

    def count(self, model: type) -> int:
        with Session(self.engine) as session:
            return session.exec(select(func.count()).select_from(model)).one()


def test_every_member_answers_every_prompt_and_the_answers_become_pairs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."), saying("No."))
    assert bench.generating.request(HERE, by=bench.me).n_total == 4
    assert bench.run.work(threading.Event())
    job = bench.generating.jobs.find_latest(HERE)
    assert job is not None
    assert (job.status, job.n_done, job.n_failed) == (JobStatus.COMPLETE, 4, 0)
    assert (bench.count(Candidate), bench.count(Comparison)) == (4, 2)
    assert bench.labeling.next_pair(annotator_id=bench.me) is not None
    assert not bench.run.work(threading.Event()), "there is nothing more to do"


def test_a_killed_worker_goes_on_where_it_was(tmp_path: Path) -> None:
    n_asked = 0

    def dying(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        nonlocal n_asked
        n_asked += 1
        if n_asked == 2:
            raise Killed
        yield from saying("Yes.")(messages, stop)

    bench = Bench(tmp_path, dying, saying("No."))
    bench.generating.request(HERE, by=bench.me)
    with pytest.raises(Killed):
        bench.run.work(threading.Event())
    assert bench.count(Candidate) < 4
    assert bench.run.work(threading.Event())
    job = bench.generating.jobs.find_latest(HERE)
    assert job is not None
    assert (job.status, job.n_done) == (JobStatus.COMPLETE, 4)
    assert (bench.count(Candidate), bench.count(Comparison)) == (4, 2)


def test_a_failing_member_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    def broken(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        raise MemberError("no such host", kind="unreachable")
        yield

    bench = Bench(tmp_path, broken, saying("No."))
    bench.generating.request(HERE, by=bench.me)
    bench.run.work(threading.Event())
    job = bench.generating.jobs.find_latest(HERE)
    assert job is not None
    assert (job.status, job.n_done, job.n_failed) == (JobStatus.COMPLETE, 2, 2)
    assert bench.count(CandidateFailure) == 2
    bench.clock.pass_by(1)
    assert bench.generating.request(HERE, by=bench.me).n_total == 2, "what failed may be asked for again"


def test_one_job_at_a_time_and_a_stop_before_it_begins(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."))
    with pytest.raises(NotFound):
        bench.generating.cancel(HERE, by=bench.me)
    bench.generating.request(HERE, by=bench.me)
    with pytest.raises(Refused, match="already"):
        bench.generating.request(HERE, by=bench.me)
    assert bench.generating.cancel(HERE, by=bench.me).status is JobStatus.CANCELLED
    assert not bench.run.work(threading.Event())
    assert bench.count(Candidate) == 0


def test_a_generation_gets_on_and_ends_like_a_training(tmp_path: Path) -> None:
    stopping = threading.Event()

    def stopped(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        yield from saying("Yes.")(messages, stop)
        stopping.set()

    bench = Bench(tmp_path, stopped)
    bench.generating.request(HERE, by=bench.me)
    bench.run.work(stopping)
    job = bench.generating.jobs.find_latest(HERE)
    assert job is not None
    assert (job.status, job.n_done, job.progress) == (JobStatus.RUNNING, 1, 0.5)
    bench.run.work(threading.Event())
    job = bench.generating.jobs.get(job.id)
    assert (job.status, job.phase, job.progress) == (JobStatus.COMPLETE, "complete", 1.0)
    with pytest.raises(Refused, match="complete and cannot be cancelled"):
        bench.generating.jobs.cancel(job_id=job.id)


def test_a_generation_whose_worker_is_gone_is_stopped_at_once_and_makes_room_for_another(
    tmp_path: Path,
) -> None:
    def dying(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        raise Killed
        yield

    bench = Bench(tmp_path, dying)
    bench.generating.request(HERE, by=bench.me)
    with pytest.raises(Killed):
        bench.run.work(threading.Event())
    bench.clock.pass_by(60)
    bench.run.touch()
    assert bench.generating.cancel(HERE, by=bench.me).status is JobStatus.RUNNING, "a worker is alive"
    bench.clock.pass_by(60)
    job = bench.generating.cancel(HERE, by=bench.me)
    assert (job.status, job.is_stalled) == (JobStatus.CANCELLED, False)
    assert bench.generating.request(HERE, by=bench.me).status is JobStatus.WAITING


def test_a_generation_does_not_stand_in_a_training_s_way(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."))
    bench.generating.request(HERE, by=bench.me)
    assert list_unfinished(bench.engine, TRAININGS) == []
    assert bench.generating.jobs.list_latest() == ()
    with Session(bench.engine) as session:
        assert find_last_cut_off(session) == 0
    add_labeled_prompts(bench.engine, n_prompts=40)
    training = Training(bench.engine, train_every=10, clock=bench.clock)
    assert training.request_if_due() is not None


def test_nothing_to_ask_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."))
    bench.generating.request(HERE, by=bench.me)
    bench.run.work(threading.Event())
    with pytest.raises(MalformedInput, match="has answered every prompt"):
        bench.generating.request(HERE, by=bench.me)


def test_members_and_prompts_are_asked_at_the_same_time_within_each_member_s_limit(tmp_path: Path) -> None:
    n_asking, most = Counter[str](), Counter[str]()
    lock = threading.Lock()
    # Two members, two questions each at once: the four only get on together.
    meeting = threading.Barrier(4)

    def of(name: str) -> Script:
        def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
            with lock:
                n_asking[name] += 1
                most[name] = max(most[name], n_asking[name])
            meeting.wait(timeout=20)
            with lock:
                n_asking[name] -= 1
            yield from saying("Yes.")(messages, stop)

        return script

    bench = Bench(tmp_path, of("a"), of("b"), n_parallel=2)
    ProjectPrompts(bench.engine, clock=bench.clock).add(HERE, instructions=["Third?", "Fourth?"], by=bench.me)
    bench.generating.request(HERE, by=bench.me)
    assert bench.run.work(threading.Event())
    assert bench.count(Candidate) == 8
    assert most == {"a": 2, "b": 2}


def test_a_slow_member_does_not_hold_the_others_up(tmp_path: Path) -> None:
    fast_is_done = threading.Event()

    def slow(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        assert fast_is_done.wait(20)
        yield from saying("Yes.")(messages, stop)

    def fast(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        if len(bench.members[1].asked) == 2:
            fast_is_done.set()
        yield from saying("No.")(messages, stop)

    bench = Bench(tmp_path, slow, fast)
    bench.generating.request(HERE, by=bench.me)
    bench.run.work(threading.Event())
    assert bench.count(Candidate) == 4


def test_samples_are_as_many_answers_of_one_member(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."), samples=3)
    assert bench.generating.request(HERE, by=bench.me).n_total == 6
    bench.run.work(threading.Event())
    assert bench.count(Candidate) == 6
    with transaction(bench.engine) as session:
        rows = session.exec(select(Candidate.prompt_id, Candidate.sample)).all()
        assert sorted(rows) == [(prompt_id, sample) for prompt_id in (1, 2) for sample in (1, 2, 3)]
    with pytest.raises(MalformedInput, match="has answered every prompt"):
        bench.generating.request(HERE, by=bench.me)


def test_only_the_answers_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."), samples=2)
    bench.generating.request(HERE, by=bench.me)
    bench.run.work(threading.Event())
    with transaction(bench.engine, immediate=True) as session:
        session.delete(session.exec(select(Candidate).where(Candidate.sample == 1)).all()[0])
    assert bench.generating.request(HERE, by=bench.me).n_total == 1
    bench.run.work(threading.Event())
    with transaction(bench.engine) as session:
        rows = session.exec(select(Candidate.prompt_id, Candidate.sample)).all()
        assert sorted(rows) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_job_may_be_for_some_members_and_one_data_set(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."), saying("No."))
    with transaction(bench.engine, immediate=True) as session:
        session.add(Prompt(instruction="Of a set?", fingerprint="f", source="set", external_id="1"))
    with pytest.raises(MalformedInput, match="called member-9; there are member-0, member-1"):
        bench.generating.request(HERE, by=bench.me, members=["member-9"])
    with pytest.raises(MalformedInput, match="no prompts of a data set 'other'"):
        bench.generating.request(HERE, by=bench.me, source="other")
    job = bench.generating.request(HERE, by=bench.me, source="set", members=["member-1"])
    assert job.n_total == 1
    bench.run.work(threading.Event())
    assert ([len(member.asked) for member in bench.members], bench.count(Candidate)) == ([0, 1], 1)


def test_a_member_that_wants_to_be_left_alone_is_waited_for_and_asked_again(tmp_path: Path) -> None:
    def full(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        bench.members[0].pauses = [0.01, 0.01]
        raise MemberError("come back in 1 s", kind="rate_limited")
        yield

    bench = Bench(tmp_path, saying("Yes."))
    bench.members[0].scripts = [full, saying("Yes.")]
    bench.generating.request(HERE, by=bench.me)
    bench.run.work(threading.Event())
    job = bench.generating.jobs.find_latest(HERE)
    assert job is not None
    assert (job.n_done, job.n_failed, len(bench.members[0].asked)) == (2, 0, 3)


def test_answers_that_a_killed_worker_had_not_counted_are_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, saying("Yes."))
    job = bench.generating.request(HERE, by=bench.me)
    prompt_id = bench.generating_prompt_ids()[0]
    list(bench.blending.stream(prompt_id=prompt_id, member_name="member-0"))
    bench.run.work(threading.Event())
    job = bench.generating.jobs.get(job.id)
    assert (job.n_done, job.n_total, bench.count(Candidate)) == (2, 2, 2)


def test_the_time_left_is_that_of_the_slowest_member() -> None:
    asks = [Ask(prompt_id, name) for name, n in (("fast", 10), ("slow", 10)) for prompt_id in range(n)]
    pace = Pace(asks, began_at=100.0)
    for ask in asks[:10]:
        pace.note(ask)
    assert pace.remaining_seconds(110.0) is None
    pace.note(asks[10])
    pace.note(asks[11])
    assert pace.remaining_seconds(110.0) == 40.0

"""Members answer a project's prompts in the background, and a killed worker loses one answer at most."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from blender_ui.errors import MalformedInput, MemberError, NotFound, Refused
from blender_ui.members.protocol import Chunk, Message
from blender_ui.services.asking.generating import Generating, GenerationRun
from blender_ui.services.asking.rounds import Blending
from blender_ui.services.jobs.states import list_unfinished
from blender_ui.services.people.project_prompts import ProjectPrompts
from blender_ui.services.training.requests import Training
from db.models import DEFAULT_PROJECT_ID, TRAININGS, Candidate, CandidateFailure, Comparison, JobStatus
from db.queries.jobs import find_last_cut_off
from tests.builders.preferences import add_labeled_prompts
from tests.builders.scripted_members import Script, ScriptedEnsemble, ScriptedMember, saying
from tests.builders.stores import Clock, key_of, make_labeling, make_store

HERE = DEFAULT_PROJECT_ID


class Killed(BaseException):
    """What ends a worker in the middle of an answer."""


class Bench:
    """A project with two prompts, and members that answer them."""

    def __init__(self, folder: Path, *scripts: Script) -> None:
        self.engine: Engine = make_store(folder)
        self.clock = Clock()
        self.labeling = make_labeling(self.engine, self.clock)
        self.me = self.labeling.sign_in(key=key_of(1)).id
        members = [ScriptedMember(f"member-{n}", script) for n, script in enumerate(scripts)]
        ensemble = ScriptedEnsemble(*members)
        names = tuple(config.name for config in ensemble.configs)
        self.generating = Generating(self.engine, member_names=names, clock=self.clock)
        self.run = GenerationRun(
            self.engine,
            blending=Blending(self.engine, members=ensemble, clock=self.clock),
            labeling=self.labeling,
            member_names=names,
            clock=self.clock,
        )
        adding = ProjectPrompts(self.engine, clock=self.clock)
        adding.add(HERE, instructions=["First?", "Second?"], by=self.me)

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
    assert bench.count(Candidate) == 2
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

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from blender_ui.errors import NotFound, Refused
from blender_ui.services.jobs.progress import CurvePoint, JobCancelled, JobProgress
from blender_ui.services.jobs.states import end_job, start_job, touch_jobs
from blender_ui.services.jobs.views import Jobs
from blender_ui.services.training.requests import Training
from blender_ui.services.versions.readiness import N_DECIDED_NEEDED, N_PROMPTS_NEEDED
from blender_ui.services.versions.registration import FittedVersion, register_version
from blender_ui.ui.training.drawing import draw_card
from blender_ui.ui.training.handlers import JobCard
from db.engine import transaction
from db.models import TRAININGS, Job, JobKind, JobStatus, ModelVersion, Preference
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import Clock, make_store
from tests.builders.trained import versions_of


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def make_training(engine: Engine, clock: Clock | None = None, *, train_every: int = 0) -> Training:
    return Training(engine, train_every=train_every, clock=clock or Clock())


def fitted(*, fingerprint: str = "a" * 64, promoted: bool = True, rival: int | None = None) -> FittedVersion:
    return FittedVersion(
        path=f"job-{fingerprint[:12]}",
        fingerprint=fingerprint,
        base_model="scripted",
        base_fingerprint="scripted",
        n_train=32,
        n_held_out=8,
        hyper_parameters={},
        metrics={"longer": 0.5},
        compared_with_id=rival,
        promoted=promoted,
        reason="because of the figures",
    )


def test_too_few_preferences_are_refused_with_what_is_missing(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=5)
    training = make_training(engine)
    readiness = training.readiness()
    assert (readiness.n_decided, readiness.n_prompts, readiness.is_ready) == (5, 5, False)
    with pytest.raises(
        Refused, match=f"{N_DECIDED_NEEDED} decided preferences on {N_PROMPTS_NEEDED} prompts"
    ):
        training.request()


def test_forty_labels_are_enough_for_a_first_training(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = make_training(engine)
    assert training.readiness().is_ready
    job = training.request()
    assert (job.status, job.cut_off_preference_id, job.phase) == (JobStatus.WAITING, 40, "waiting")


def test_a_retracted_preference_does_not_count(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=3)
    clock = Clock()
    with transaction(engine, immediate=True) as session:
        session.exec(select(Preference).where(col(Preference.id) == 1)).one().retracted_at = clock()
    assert make_training(engine).readiness().n_decided == 2


def test_asking_twice_while_the_job_waits_makes_one_job_with_the_later_cut_off(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = make_training(engine)
    first = training.request()
    add_labeled_prompts(engine, n_prompts=5, offset=100)
    second = training.request()
    assert second.id == first.id
    assert second.cut_off_preference_id == 45
    assert len(training.jobs.list_latest()) == 1


def test_a_training_is_due_after_the_set_number_of_new_preferences(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = make_training(engine, train_every=10)
    first = training.request_if_due()
    assert first is not None
    end_job(engine, first.id, JobStatus.COMPLETE, now=Clock()())
    add_labeled_prompts(engine, n_prompts=9, offset=100)
    assert training.request_if_due() is None
    add_labeled_prompts(engine, n_prompts=1, offset=200)
    second = training.request_if_due()
    assert second is not None
    assert second.id != first.id
    assert training.request_if_due() is None, "one is waiting already"


@pytest.mark.parametrize("status", [JobStatus.WAITING, JobStatus.RUNNING, JobStatus.COMPLETE])
def test_a_fuser_s_training_does_not_postpone_a_ranker_s(engine: Engine, status: JobStatus) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    with transaction(engine, immediate=True) as session:
        session.add(Job(workflow_id="w", kind=JobKind.FUSER, status=status, cut_off_preference_id=40))
    training = make_training(engine, train_every=10)
    assert training.readiness().n_new == 40
    due = training.request_if_due()
    assert due is not None
    assert due.kind is JobKind.FAST


def test_a_training_is_never_due_when_the_setting_says_so(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    assert make_training(engine, train_every=0).request_if_due() is None


def test_a_waiting_job_is_cancelled_at_once_and_never_starts(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = make_training(engine)
    job = training.request()
    assert training.jobs.cancel(job_id=job.id).status is JobStatus.CANCELLED
    assert not start_job(engine, job.id, now=Clock()())
    with pytest.raises(Refused, match="cancelled"):
        training.jobs.cancel(job_id=job.id)


def test_a_running_job_is_cancelled_at_its_next_report(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    clock = Clock()
    training = make_training(engine, clock)
    job = training.request()
    assert start_job(engine, job.id, now=clock())
    assert training.jobs.cancel(job_id=job.id).status is JobStatus.RUNNING
    assert training.jobs.get(job.id).is_cancel_requested
    with pytest.raises(JobCancelled):
        JobProgress(engine, job.id, clock=clock).report("reading", 0.1)


def test_a_job_without_a_sign_of_life_is_shown_as_stalled_and_can_be_cancelled(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    clock = Clock()
    training = make_training(engine, clock)
    job = training.request()
    start_job(engine, job.id, now=clock())
    clock.pass_by(10)
    assert not training.jobs.get(job.id).is_stalled
    clock.pass_by(15)
    assert training.jobs.get(job.id).phase == "worker not running"
    touch_jobs(engine, TRAININGS, now=clock())
    assert not training.jobs.get(job.id).is_stalled
    clock.pass_by(60)
    assert training.jobs.cancel(job_id=job.id).status is JobStatus.CANCELLED


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (
            4.2,
            "the machine is busy (4.2 programs want each core): last progress 40 s ago",
        ),
        (0.4, "last progress 40 s ago"),
    ],
)
def test_a_job_that_does_not_get_on_while_its_worker_lives_says_since_when_and_why(
    engine: Engine, load: float, said: str
) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    clock = Clock()
    jobs = Jobs(engine, clock=clock, measure_load=lambda: load)
    job = make_training(engine, clock).request()
    start_job(engine, job.id, now=clock())
    JobProgress(engine, job.id, clock=clock).report("reading answers, 3 of 9", 0.3)
    clock.pass_by(20)
    assert jobs.get(job.id).phase == "reading answers, 3 of 9"
    clock.pass_by(20)
    touch_jobs(engine, TRAININGS, now=clock())
    assert jobs.get(job.id).phase == f"reading answers, 3 of 9; {said}"


def test_a_job_that_waits_says_for_what(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    clock = Clock()
    training = make_training(engine, clock)
    first = training.request()
    assert "waiting for the worker" in draw_card(JobCard(job=training.jobs.get(first.id), curve=()))
    start_job(engine, first.id, now=clock())
    second = training.request()
    assert f"waits for job {first.id} to end" in draw_card(
        JobCard(job=training.jobs.get(second.id), curve=())
    )


def test_progress_is_written_at_most_once_a_second_and_never_goes_back(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training, clock, seconds = make_training(engine), Clock(), [0.0]
    job = training.request()
    start_job(engine, job.id, now=clock())
    progress = JobProgress(engine, job.id, clock=clock, monotonic=lambda: seconds[0])
    progress.report("reading", 0.5, remaining_seconds=9)
    progress.report("reading", 0.6)
    assert training.jobs.get(job.id).progress == 0.5
    seconds[0] = 1.0
    progress.report("fitting", 0.4)
    after = training.jobs.get(job.id)
    assert (after.progress, after.phase, after.remaining_seconds) == (0.5, "fitting", None)


def test_the_curve_of_a_run_that_died_is_drawn_again_from_its_restart(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training, clock = make_training(engine), Clock()
    job = training.request()
    start_job(engine, job.id, now=clock())
    points = [
        CurvePoint(step=step, loss=1 / step, accuracy=0.5, held_out_loss=None, held_out_accuracy=None)
        for step in (1, 2, 3)
    ]
    for first in (1, 2):
        progress = JobProgress(engine, job.id, clock=clock)
        progress.start_curve(from_step=first)
        for point in points[first - 1 :]:
            progress.add_point(point)
        progress.flush()
    assert training.jobs.curve(job.id) == tuple(points)


def test_a_version_is_registered_once_however_often_the_step_runs(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training, clock = make_training(engine), Clock()
    job = training.request()
    start_job(engine, job.id, now=clock())
    first = register_version(engine, job.id, fitted(), now=clock())
    assert register_version(engine, job.id, fitted(), now=clock()) == first
    (version,) = versions_of(engine).list_versions()
    assert version.is_active
    after = training.jobs.get(job.id)
    assert (after.status, after.version_id, after.progress) == (JobStatus.COMPLETE, first, 1.0)
    (decision,) = versions_of(engine).decisions(first)
    assert (decision.promoted, decision.reason) == (True, "because of the figures")


def test_a_job_cancelled_at_the_last_moment_makes_no_version(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training, clock = make_training(engine), Clock()
    job = training.request()
    start_job(engine, job.id, now=clock())
    training.jobs.cancel(job_id=job.id)
    with pytest.raises(JobCancelled):
        register_version(engine, job.id, fitted(), now=clock())
    assert versions_of(engine).list_versions() == ()


def finish_job(engine: Engine, training: Training, outcome: FittedVersion) -> int:
    job = training.request()
    start_job(engine, job.id, now=Clock()())
    return register_version(engine, job.id, outcome, now=Clock()())


def test_a_refused_version_is_kept_beside_the_active_one_and_a_person_may_activate_it(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = make_training(engine)
    first = finish_job(engine, training, fitted())
    second = finish_job(engine, training, fitted(fingerprint="b" * 64, promoted=False, rival=first))
    assert [(v.id, v.is_active) for v in versions_of(engine).list_versions()] == [
        (second, False),
        (first, True),
    ]
    assert not versions_of(engine).decisions(second)[0].promoted
    with pytest.raises(Refused, match="reason"):
        versions_of(engine).activate(version_id=second, decided_by_id=1, reason=" ")
    versions_of(engine).activate(version_id=second, decided_by_id=1, reason="reads better to me")
    assert [v.id for v in versions_of(engine).list_versions() if v.is_active] == [second]
    decision = versions_of(engine).decisions(second)[-1]
    assert (decision.previous_id, decision.decided_by, decision.promoted) == (first, "Ada", True)


def test_a_version_judged_against_another_active_one_is_not_promoted(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = make_training(engine)
    first = finish_job(engine, training, fitted())
    second = finish_job(engine, training, fitted(fingerprint="b" * 64, rival=None))
    assert [v.id for v in versions_of(engine).list_versions() if v.is_active] == [first]
    assert (
        "was made active while this one was being judged" in versions_of(engine).decisions(second)[0].reason
    )


def test_the_schema_allows_one_active_version(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = make_training(engine)
    finish_job(engine, training, fitted())
    with pytest.raises(Exception, match="UNIQUE"), transaction(engine, immediate=True) as session:  # noqa: PT012
        row = session.exec(select(ModelVersion)).one()
        session.add(ModelVersion(**{**row.model_dump(), "id": None, "job_id": None}))
        session.flush()


def test_unknown_jobs_and_versions_are_said_to_be_unknown(engine: Engine) -> None:
    training = make_training(engine)
    with pytest.raises(NotFound, match="no job 7"):
        training.jobs.get(7)
    with pytest.raises(NotFound, match="no ranker version 7"):
        versions_of(engine).activate(version_id=7, decided_by_id=None, reason="why not")

"""Training a joint or pointwise ranker for a job, with a real fine-tuning of a tiny encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import MalformedInput
from blender_ui.loaders import joint_tools, load_joint
from blender_ui.services.jobs.progress import JobCancelled
from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from db.models import JobStatus, ModelKind, utc_now
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import make_store
from tests.builders.trained import versions_of
from tests.ranking.joint_fixtures import make_base
from tests.services.training.test_training_run import carry_out, versions_by_id
from tests.worker.scripted_worker import make_run

pytestmark = pytest.mark.slow

OPTIONS = {"n_epochs": 2, "batch_size": 8, "checkpoint_steps": 2, "learning_rate": 1e-3, "device": "cpu"}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    return engine


@pytest.fixture
def training(engine: Engine) -> Training:
    return Training(engine, train_every=0, clock=utc_now)


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> TrainingRun:
    base = make_base(tmp_path / "tiny", "bert")
    return make_run(
        engine,
        tmp_path,
        joint=joint_tools(find_base=Path, default_base=str(base)),
        open_ranker=load_joint,
    )


def test_an_encoder_is_fine_tuned_into_a_version_with_a_curve(
    engine: Engine, run: TrainingRun, training: Training, tmp_path: Path
) -> None:
    job = training.request(kind=ModelKind.JOINT, options=OPTIONS)
    version_id = carry_out(run, job)
    version = versions_by_id(engine)[version_id]
    assert (version.kind, version.base_model) == (ModelKind.JOINT, str(tmp_path / "tiny"))
    assert len(version.base_fingerprint) == 64
    assert (tmp_path / "rankers" / version.path / "model.safetensors").is_file()
    assert version.hyper_parameters["n_epochs"] == 2
    curve = training.jobs.curve(job.id)
    assert [point.step for point in curve] == sorted({point.step for point in curve})
    assert len(curve) >= 4
    assert versions_of(engine).decisions(version_id)


def test_a_joint_version_is_compared_with_an_active_fast_one_on_the_same_preferences(
    engine: Engine, run: TrainingRun, training: Training
) -> None:
    fast = carry_out(run, training.request())
    job = training.request(kind=ModelKind.POINTWISE, options=OPTIONS)
    version_id = carry_out(run, job)
    metrics = versions_by_id(engine)[version_id].metrics
    assert metrics["active"]["version_id"] == fast
    assert metrics["active"]["n"] == metrics["held_out"]["n"]


def test_a_fast_version_is_compared_with_an_active_joint_one(
    engine: Engine, run: TrainingRun, training: Training
) -> None:
    joint = carry_out(run, training.request(kind=ModelKind.POINTWISE, options=OPTIONS))
    if not versions_by_id(engine)[joint].is_active:
        versions_of(engine).activate(version_id=joint, decided_by_id=None, reason="to compare with")
    fast = carry_out(run, training.request())
    assert versions_by_id(engine)[fast].metrics["active"]["version_id"] == joint


def test_a_cancelled_fine_tuning_leaves_no_state(
    run: TrainingRun, training: Training, tmp_path: Path
) -> None:
    job = training.request(kind=ModelKind.JOINT, options=OPTIONS)
    run.start(job.id)
    assert run.read_chunk(job.id) == 0, "a joint ranker needs no readings"
    training.jobs.cancel(job_id=job.id)
    run_seconds_later(run)
    with pytest.raises(JobCancelled):
        run.fit(job.id)
    run.end_cancelled(job.id)
    assert training.jobs.get(job.id).status is JobStatus.CANCELLED
    assert not list((tmp_path / "rankers").glob(f"job-{job.id}*"))


def run_seconds_later(run: TrainingRun) -> None:
    """Let the run forget what it holds, so that its next report is written at once."""
    run.__dict__["_progress"] = None


def test_an_unknown_option_is_named(run: TrainingRun, training: Training) -> None:
    job = training.request(kind=ModelKind.JOINT, options={"n_epoch": 3})
    run.start(job.id)
    run.read_chunk(job.id)
    with pytest.raises(MalformedInput, match="n_epoch"):
        run.fit(job.id)

"""A fuser's job in a real worker process that is killed in the middle."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from blender_ui.services.training.requests import Training
from db.models import JobKind, JobStatus, ModelRole, utc_now
from tests.builders.stores import make_store
from tests.builders.trained import versions_of
from tests.fusion.tiny_t5 import build_tiny_t5
from tests.services.training.test_fuser_training import OPTIONS, add_references
from tests.worker.test_worker import Start, start_worker, wait_for

__all__ = ["start_worker"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_a_worker_killed_while_it_trains_a_fuser_is_followed_by_one_that_goes_on(
    tmp_path: Path, start_worker: Start
) -> None:
    build_tiny_t5(tmp_path / "tiny")
    engine = make_store(tmp_path)
    add_references(engine, n_prompts=40)
    training = Training(engine, train_every=0, clock=utc_now)
    job = training.request(kind=JobKind.FUSER, options=OPTIONS | {"n_epochs": 8, "checkpoint_steps": 2})
    first = start_worker()
    saved = tmp_path / "fusers" / f"job-{job.id}.progress" / "state.pt"
    wait_for(training, job.id, lambda view: saved.exists(), first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert training.jobs.get(job.id).status is JobStatus.RUNNING
    n_before = len(training.jobs.curve(job.id))
    second = start_worker()
    end = wait_for(training, job.id, lambda view: view.status.is_finished(), second)
    assert (end.status, end.error) == (JobStatus.COMPLETE, None)
    steps = [point.step for point in training.jobs.curve(job.id)]
    assert steps == sorted(set(steps))
    assert len(steps) > n_before
    (version,) = versions_of(engine).list_versions(ModelRole.FUSER)
    assert (tmp_path / "fusers" / version.path / "model.safetensors").is_file()
    assert not saved.parent.exists()

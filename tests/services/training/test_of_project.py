"""A training learns from one project alone where it was asked to, and so does the head that follows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import Refused
from blender_ui.services.jobs.states import PROJECT
from blender_ui.services.projects.projects import Projects, ProjectTerms
from blender_ui.services.ranking.datasets import load_dataset
from blender_ui.services.training.requests import Training
from blender_ui.services.training.trainer import keep_project
from blender_ui.services.versions.readiness import measure_readiness
from db.engine import transaction
from db.models import JobKind, Outcome
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
from tests.services.projects.test_projects import queue_prompts

N_PROMPTS = 30


@pytest.fixture
def store(tmp_path: Path) -> tuple[Engine, int, int]:
    """A store with a vote on each prompt of one project, and three votes in another; the projects' ids."""
    engine, clock = make_store(tmp_path), Clock()
    labeling = make_labeling(engine, clock)
    me = labeling.sign_in(key=key_of(1)).id
    projects = Projects(engine, clock=clock)
    large, small = (projects.create(ProjectTerms(name=name), by=me).id for name in ("Large", "Small"))
    prompts = add_prompts(engine, n_prompts=N_PROMPTS + 3)
    queue_prompts(engine, labeling, large, prompts[:N_PROMPTS])
    queue_prompts(engine, labeling, small, prompts[N_PROMPTS:])
    for project_id, n in ((large, N_PROMPTS), (small, 3)):
        for number in range(n):
            pair = labeling.next_pair(annotator_id=me, project_id=project_id)
            assert pair is not None
            outcome = (Outcome.LEFT, Outcome.RIGHT)[number % 2]
            labeling.submit(
                annotator_id=me,
                lease_id=pair.lease_id,
                outcome=outcome,
                idempotency_key=str(pair.lease_id),
            )
    return engine, large, small


def test_a_dataset_and_its_readiness_are_of_the_project(store: tuple[Engine, int, int]) -> None:
    engine, large, small = store
    n_learnt = {one: len(load_dataset(engine, project_id=one).preference_ids) for one in (None, large, small)}
    assert n_learnt == {None: N_PROMPTS + 3, large: N_PROMPTS, small: 3}
    with transaction(engine) as session:
        assert measure_readiness(session, project_id=small).n_preferences == 3
        assert measure_readiness(session).n_preferences == N_PROMPTS + 3
        assert not measure_readiness(session, project_id=small).is_ready


def test_what_a_project_lacks_is_said_though_others_have_it(store: tuple[Engine, int, int]) -> None:
    engine, large, small = store
    training = Training(engine, train_every=0, clock=Clock())
    with pytest.raises(Refused, match="there are 3 on 3"):
        training.request(kind=JobKind.FAST, project_id=small)
    job = training.request(kind=JobKind.FAST, project_id=large)
    assert job.options == {PROJECT: large}
    assert keep_project(job, {"l2": 1.0}) == {"l2": 1.0, PROJECT: large}


def test_a_request_for_all_does_not_take_the_place_of_one_for_a_project(
    store: tuple[Engine, int, int],
) -> None:
    engine, large, _ = store
    training = Training(engine, train_every=0, clock=Clock())
    first = training.request(kind=JobKind.FAST, project_id=large)
    other = training.request(kind=JobKind.FAST)
    assert other.id != first.id
    assert training.request(kind=JobKind.FAST, project_id=large).id == first.id
    assert training.request(kind=JobKind.FAST).id == other.id
    assert keep_project(other, {"l2": 1.0}) == {"l2": 1.0}

"""A fuser's job from the request to the version, with a tiny T5 trained for real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import Refused
from blender_ui.fusion.examples import Target
from blender_ui.fusion.quality import FusionQuality
from blender_ui.services.training.fuser import decide
from blender_ui.services.training.fuser_examples import load_examples
from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.versions.model_versions import Versions
from blender_ui.services.versions.registration import FittedVersion
from db.engine import transaction
from db.models import (
    JobKind,
    JobStatus,
    ModelKind,
    ModelRole,
    ModelVersion,
    Ranking,
    RankingEntry,
    utc_now,
)
from tests.builders.preferences import add_labeled_prompts
from tests.builders.rows import answer, member, prompt, save
from tests.builders.stores import make_store
from tests.builders.trained import versions_of
from tests.fusion.tiny_t5 import build_tiny_t5
from tests.worker.scripted_worker import make_run as make_scripted_run

pytestmark = pytest.mark.slow

OPTIONS = {
    "n_epochs": 4, "batch_size": 8, "learning_rate": 1e-2, "source_tokens": 300, "candidate_tokens": 20,
    "target_tokens": 8, "checkpoint_steps": 4, "held_out_steps": 4,
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def make_run(engine: Engine, home: Path) -> TrainingRun:
    """A training run that fine-tunes a tiny T5."""
    build_tiny_t5(home / "tiny")
    return make_scripted_run(engine, home)


def add_references(engine: Engine, *, n_prompts: int) -> None:
    """Prompts whose answers say "b" and whose reference says "a a"."""
    with transaction(engine, immediate=True) as session:
        members = save(session, [member(name) for name in ("one", "two", "Reference")])
        for asked in save(session, [prompt(f"Question {number}?") for number in range(n_prompts)]):
            texts = zip(members, ("b", "b b", "a a"), strict=True)
            save(session, [answer(asked.id, author.id, text) for author, text in texts])


def test_a_job_trains_judges_and_promotes_a_fuser_that_beats_the_best_answer(
    engine: Engine, tmp_path: Path
) -> None:
    add_references(engine, n_prompts=40)
    training, versions = (
        Training(engine, train_every=0, clock=utc_now),
        Versions(engine, folders={ModelRole.FUSER: tmp_path / "fusers"}),
    )
    job = training.request(kind=JobKind.FUSER, options=OPTIONS)
    run = make_run(engine, tmp_path)
    assert run.start(job.id)
    assert run.read_chunk(job.id) == 0
    fitted = run.fit(job.id)
    version_id = run.register(job.id, fitted)
    assert run.register(job.id, fitted) == version_id
    (version,) = versions.list_versions(ModelRole.FUSER)
    assert version.is_active
    assert versions.decisions(version_id)[-1].reason.startswith("Promoted: on ")
    assert version.metrics["held_out"]["rouge_l"] > 0.3
    assert version.metrics["rivals"]["the best-ranked answer as it is"]["rouge_l"] == 0
    assert version.metrics["examples"] == {"reference": 40, "preferred": 0, "leave_one_out": 0}
    end = training.jobs.get(job.id)
    assert (end.status, end.version_id) == (JobStatus.COMPLETE, version_id)
    curve = training.jobs.curve(job.id)
    assert curve[-1].loss < curve[0].loss
    assert any(point.held_out_loss is not None for point in curve)
    found = versions.find_active_checkpoint(ModelRole.FUSER)
    assert found is not None
    assert found.name == f"fuser version {version_id}"
    assert (found.folder / "model.safetensors").is_file()
    assert (found.folder / "fingerprint").read_text().strip() == version.fingerprint
    # The same examples again: no better than the version that is active, so it is refused.
    again = training.request(kind=JobKind.FUSER, options=OPTIONS | {"seed": 1})
    run.start(again.id)
    run.register(again.id, run.fit(again.id))
    newest = versions.list_versions(ModelRole.FUSER)[0]
    assert not newest.is_active
    (refusal,) = versions.decisions(newest.id)
    assert refusal.reason.startswith("Refused")
    assert f"of version {version_id}" in refusal.reason
    rolled = versions.activate(
        role=ModelRole.FUSER, version_id=newest.id, decided_by_id=None, reason="a look at it"
    )
    assert rolled.is_active
    assert [one.is_active for one in versions.list_versions(ModelRole.FUSER)] == [True, False]
    with pytest.raises(Refused, match="active one already"):
        versions.activate(role=ModelRole.FUSER, version_id=newest.id, decided_by_id=None, reason="again")


def test_examples_come_from_votes_and_without_them_from_leaving_one_out(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=30)
    cut_off = {"cut_off_preference_id": 30, "cut_off_candidate_id": 60}
    examples = load_examples(engine, **cut_off)
    everything = [*examples.learnt, *examples.held_out]
    assert {one.source for one in everything} == {Target.PREFERRED}
    assert len(everything) == 30
    assert all(one.target.count("good") > one.candidates[0].count("good") for one in everything)
    # Neither later votes nor later answers are part of a job that was asked for before.
    assert load_examples(engine, cut_off_preference_id=5, cut_off_candidate_id=60).find_missing()
    add_labeled_prompts(engine, n_prompts=5, offset=100)
    assert load_examples(engine, **cut_off) == examples


def test_the_last_ranking_orders_the_sources_even_one_from_after_the_cut_offs(engine: Engine) -> None:
    add_references(engine, n_prompts=1)
    assert _sources(engine) == ("b", "b b")
    with transaction(engine, immediate=True) as session:
        version = ModelVersion(
            role=ModelRole.RANKER,
            kind=ModelKind.FAST, base_model="b", base_fingerprint="b", fingerprint="f", path="p",
            cut_off_preference_id=0, n_train=0, n_held_out=0, code_version="0",
        )  # fmt: skip
        session.add(version)
        session.flush()
        ranking = Ranking(prompt_id=1, ranker_version_id=version.id, policy="max_logits")
        session.add(ranking)
        session.flush()
        for candidate_id in (1, 2):
            session.add(
                RankingEntry(
                    ranking_id=ranking.id,
                    candidate_id=candidate_id,
                    score=candidate_id,
                    rank=3 - candidate_id,
                )
            )
    assert _sources(engine) == ("b b", "b")


def _sources(engine: Engine) -> tuple[str, ...]:
    examples = load_examples(engine, cut_off_preference_id=0, cut_off_candidate_id=3)
    (example,) = [*examples.learnt, *examples.held_out]
    return example.candidates


def test_a_request_without_examples_says_what_is_missing(engine: Engine) -> None:
    with pytest.raises(Refused, match="there are 0, 0 of them held out"):
        Training(engine, train_every=0, clock=utc_now).request(kind=JobKind.FUSER)


def test_a_cancelled_job_makes_no_version(engine: Engine, tmp_path: Path) -> None:
    from blender_ui.services.jobs.progress import JobCancelled

    add_references(engine, n_prompts=40)
    training = Training(engine, train_every=0, clock=utc_now)
    job = training.request(kind=JobKind.FUSER, options=OPTIONS)
    run = make_run(engine, tmp_path)
    run.start(job.id)
    training.jobs.cancel(job_id=job.id)
    with pytest.raises(JobCancelled):
        run.fit(job.id)
    run.end_cancelled(job.id)
    assert training.jobs.get(job.id).status is JobStatus.CANCELLED
    assert versions_of(engine).list_versions(ModelRole.FUSER) == ()


def test_a_gain_whose_interval_reaches_zero_is_refused() -> None:
    good, poor = FusionQuality(0.6, 1.0, 0.5), FusionQuality(0.4, 0.5, 1.0)
    assert decide([good] * 9, {"the rest": [poor] * 9}, active_id=None).promoted
    mixed = decide([good, poor] * 5, {"the rest": [poor, good] * 5}, active_id=3)
    assert not mixed.promoted
    assert mixed.compared_with_id == 3
    assert "ROUGE-L 0.500 against 0.500 of the rest" in mixed.reason
    worse_than_one = decide([good] * 9, {"a": [poor] * 9, "b": [good] * 9}, active_id=None)
    assert not worse_than_one.promoted


@pytest.mark.parametrize("weights", [None, b"no weights"], ids=["missing", "corrupt"])
def test_an_active_fuser_that_is_broken_does_not_keep_its_successor_from_being_made(
    engine: Engine, tmp_path: Path, weights: bytes | None
) -> None:
    add_references(engine, n_prompts=40)
    training = Training(engine, train_every=0, clock=utc_now)
    run, versions = (
        make_run(engine, tmp_path),
        Versions(engine, folders={ModelRole.FUSER: tmp_path / "fusers"}),
    )
    broken = tmp_path / "fusers" / "broken"
    if weights is not None:
        shutil.copytree(tmp_path / "tiny", broken)
        (broken / "model.safetensors").write_bytes(weights)
    first = training.request(kind=JobKind.FUSER, options=OPTIONS)
    run.start(first.id)
    active = FittedVersion(
        path=broken.name, fingerprint="f", base_model="b", base_fingerprint="c", n_train=1, n_held_out=1,
        hyper_parameters={}, metrics={}, compared_with_id=None, promoted=True, reason="Promoted: better.",
    )  # fmt: skip
    active_id = run.register(first.id, active)
    second = training.request(kind=JobKind.FUSER, options=OPTIONS)
    run.start(second.id)
    run.register(second.id, run.fit(second.id))
    newest = versions.list_versions(ModelRole.FUSER)[0]
    assert newest.is_active
    assert newest.parent_id == active_id
    assert f"Version {active_id} could not be compared: " in versions.decisions(newest.id)[0].reason
    assert list(newest.metrics["rivals"]) == ["the best-ranked answer as it is"]


def test_a_version_is_not_promoted_over_one_that_came_meanwhile(engine: Engine, tmp_path: Path) -> None:
    add_references(engine, n_prompts=40)
    training = Training(engine, train_every=0, clock=utc_now)
    run, versions = make_run(engine, tmp_path), versions_of(engine)
    fitted = FittedVersion(
        path="job-1", fingerprint="f", base_model="b", base_fingerprint="c", n_train=1, n_held_out=1,
        hyper_parameters={}, metrics={}, compared_with_id=None, promoted=True, reason="Promoted: better.",
    )  # fmt: skip
    for number in (1, 2):
        job = training.request(kind=JobKind.FUSER, options=OPTIONS)
        assert job.id == number
        run.start(job.id)
        run.register(job.id, fitted)
    second, first = versions.list_versions(ModelRole.FUSER)
    assert (first.is_active, second.is_active) == (True, False)
    assert "version 1 was made active while" in versions.decisions(second.id)[0].reason

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, func
from sqlmodel import select

from blender_ui.errors import NotFound, RankerError
from blender_ui.ranking.fast.files import SETTINGS_FILE
from blender_ui.services.jobs.progress import JobCancelled, JobProgress
from blender_ui.services.jobs.views import JobView
from blender_ui.services.training.readings import CHUNK, COMMIT_SECONDS
from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.services.versions.registration import FittedVersion
from blender_ui.values import FloatArray, RankingPrompt, is_held_out
from db.engine import transaction
from db.models import (
    Candidate,
    JobKind,
    JobStatus,
    ModelKind,
    ModelVersion,
    Outcome,
    Preference,
    Prompt,
    Reading,
    utc_now,
)
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import make_store
from tests.builders.trained import versions_of
from tests.ranking.scripted_reader import ScriptedReader, read_vector
from tests.worker.scripted_worker import make_run

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    return engine


@pytest.fixture
def training(engine: Engine) -> Training:
    return Training(engine, train_every=0, clock=utc_now)


def carry_out(run: TrainingRun, job: JobView) -> int:
    """All steps of a job, as the workflow runs them; gives the version's id."""
    assert run.start(job.id)
    while run.read_chunk(job.id):
        pass
    return run.register(job.id, fitted=run.fit(job.id))


def versions_by_id(engine: Engine) -> dict[int, VersionView]:
    return {version.id: version for version in versions_of(engine).list_versions()}


def test_a_first_version_that_beats_chance_is_promoted_with_its_figures(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    version_id = carry_out(make_run(engine, tmp_path), training.request())
    version = versions_by_id(engine)[version_id]
    assert version.is_active
    assert (version.kind, version.base_model, version.base_fingerprint) == (
        ModelKind.FAST,
        "scripted",
        "scripted",
    )
    assert version.n_train + version.n_held_out == 40
    held_out = version.metrics["held_out"]
    assert held_out["n"] == version.n_held_out
    assert version.metrics["cross_validated"]["log_loss"] < np.log(2)
    (decision,) = versions_of(engine).decisions(version_id)
    assert decision.promoted
    assert "on 40 preferences, each predicted by a fit on other prompts," in decision.reason
    assert "the longer answer" in decision.reason


def test_a_first_version_with_enough_held_out_preferences_is_judged_by_those(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    add_labeled_prompts(engine, n_prompts=160, offset=1000)
    version_id = carry_out(make_run(engine, tmp_path), training.request())
    version = versions_by_id(engine)[version_id]
    assert "cross_validated" not in version.metrics
    assert (
        f"on {version.n_held_out} held-out preferences" in versions_of(engine).decisions(version_id)[0].reason
    )


def test_a_first_version_no_better_than_chance_is_refused(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    def read_noise(prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        return np.stack([read_vector(prompt.instruction, f"{len(answer)}") for answer in answers])

    reader = ScriptedReader()
    reader.read = read_noise  # type: ignore[method-assign]
    with transaction(engine, immediate=True) as session:
        for preference in session.exec(select(Preference)):
            assert preference.id is not None
            preference.outcome = Outcome.LEFT if preference.id % 4 < 2 else Outcome.RIGHT
    version_id = carry_out(make_run(engine, tmp_path, open_reader=lambda: reader), training.request())
    (decision,) = versions_of(engine).decisions(version_id)
    assert not decision.promoted
    assert decision.reason.startswith("Refused: on 40 preferences")
    assert not versions_by_id(engine)[version_id].is_active


def test_a_version_that_learnt_from_misleading_votes_is_refused_and_the_active_one_stays(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    run = make_run(engine, tmp_path)
    good = carry_out(run, training.request())
    add_labeled_prompts(engine, n_prompts=200, misleading=True, offset=1000)
    worse = carry_out(run, training.request())
    assert {id_: view.is_active for id_, view in versions_by_id(engine).items()} == {
        good: True,
        worse: False,
    }
    (decision,) = versions_of(engine).decisions(worse)
    assert not decision.promoted
    assert f"of version {good}" in decision.reason
    metrics = versions_by_id(engine)[worse].metrics
    assert metrics["active"]["version_id"] == good
    assert metrics["active"]["log_loss"] < metrics["held_out"]["log_loss"]


def test_both_versions_are_judged_on_the_same_preferences(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    run = make_run(engine, tmp_path)
    carry_out(run, training.request())
    add_labeled_prompts(engine, n_prompts=60, offset=1000)
    second_id = carry_out(run, training.request())
    second = versions_by_id(engine)[second_id]
    assert second.metrics["active"]["n"] == second.metrics["held_out"]["n"] == second.n_held_out


def test_answers_are_read_once_for_all_jobs(engine: Engine, training: Training, tmp_path: Path) -> None:
    reader = ScriptedReader()
    run = make_run(engine, tmp_path, open_reader=lambda: reader)
    version_id = carry_out(run, training.request())
    n_negatives = len(versions_by_id(engine)[version_id].metrics["negatives"])
    assert reader.n_read == 80 + n_negatives
    carry_out(run, training.request())
    assert reader.n_read == 80 + 2 * n_negatives


def test_a_version_names_the_rows_of_its_negatives(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    version_id = carry_out(make_run(engine, tmp_path), training.request())
    negatives = versions_by_id(engine)[version_id].metrics["negatives"]
    assert negatives
    with transaction(engine) as session:
        for pair in negatives:
            winner, donor = (session.get_one(Candidate, candidate_id) for candidate_id in pair)
            assert winner.prompt_id != donor.prompt_id
            for candidate in (winner, donor):
                prompt = session.get_one(Prompt, candidate.prompt_id)
                assert not is_held_out(prompt.fingerprint, share=HELD_OUT_SHARE)


def test_a_chunk_is_committed_before_the_next_is_read(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    run = make_run(engine, tmp_path)
    job = training.request()
    run.start(job.id)
    assert run.read_chunk(job.id) == 80 - CHUNK
    with transaction(engine) as session:
        assert session.execute(select(func.count()).select_from(Reading)).scalar_one() == CHUNK


class SlowReader(ScriptedReader):
    """Takes so many seconds of the test's clock for each answer, and is killed after so many answers."""

    def __init__(self, *, answer_seconds: float, dies_after: int = 10**9) -> None:
        super().__init__()
        self.now, self.n_answers = 0.0, 0
        self._answer_seconds, self._dies_after = answer_seconds, dies_after

    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        if self.n_answers + len(answers) > self._dies_after:
            raise KeyboardInterrupt
        self.n_answers += len(answers)
        self.now += self._answer_seconds * len(answers)
        return super().read(prompt, answers)


def make_slow_run(engine: Engine, home: Path, reader: SlowReader) -> TrainingRun:
    return make_run(engine, home, open_reader=lambda: reader, monotonic=lambda: reader.now)


@pytest.mark.parametrize(("answer_seconds", "n_kept"), [(0.01, CHUNK), (1.0, 3), (40.0, 1)])
def test_what_was_read_is_committed_after_a_few_seconds_however_slow_the_machine_is(
    engine: Engine, training: Training, tmp_path: Path, answer_seconds: float, n_kept: int
) -> None:
    run = make_slow_run(engine, tmp_path, SlowReader(answer_seconds=answer_seconds))
    job = training.request()
    run.start(job.id)
    assert run.read_chunk(job.id) == 80 - n_kept
    with transaction(engine) as session:
        assert session.execute(select(func.count()).select_from(Reading)).scalar_one() == n_kept


def test_a_worker_killed_among_the_answers_to_other_questions_reads_few_of_them_again(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=400)
    training = Training(engine, train_every=0, clock=utc_now)
    job = training.request()
    whole = SlowReader(answer_seconds=1.0)
    expected = carry_out_without_end(make_slow_run(engine, tmp_path / "whole", whole), job)
    n_negatives = whole.n_answers - 800
    assert n_negatives > 5
    killed = SlowReader(answer_seconds=1.0, dies_after=n_negatives - 1)
    with pytest.raises(KeyboardInterrupt):
        make_slow_run(engine, tmp_path / "home", killed).fit(job.id)
    again = SlowReader(answer_seconds=1.0)
    run = make_slow_run(engine, tmp_path / "home", again)
    fitted = run.fit(job.id)
    assert fitted.fingerprint == expected.fingerprint
    assert again.n_answers <= 1 + COMMIT_SECONDS
    run.register(job.id, fitted=fitted)
    assert not list((tmp_path / "home" / "rankers").glob("*.progress"))


def test_preferences_after_the_cut_off_are_not_learnt_from(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    job = training.request()
    add_labeled_prompts(engine, n_prompts=10, offset=1000)
    version_id = carry_out(make_run(engine, tmp_path), job)
    version = versions_by_id(engine)[version_id]
    assert version.n_train + version.n_held_out == 40
    assert version.cut_off_preference_id == 40


def test_steps_repeated_after_a_crash_register_one_version(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    job = training.request()
    first = carry_out_without_end(make_run(engine, tmp_path), job)
    again = carry_out_without_end(make_run(engine, tmp_path), job)
    assert first.path == again.path
    run = make_run(engine, tmp_path)
    assert run.register(job.id, fitted=first) == run.register(job.id, fitted=again)
    assert len(versions_of(engine).list_versions()) == 1
    assert not run.start(job.id)


def carry_out_without_end(run: TrainingRun, job: JobView):  # type: ignore[no-untyped-def]
    run.start(job.id)
    while run.read_chunk(job.id):
        pass
    return run.fit(job.id)


def test_a_cancelled_job_stops_between_two_prompts(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    job = training.request()
    run = make_run(engine, tmp_path)
    run.start(job.id)
    training.jobs.cancel(job_id=job.id)
    with pytest.raises(JobCancelled):
        run.read_chunk(job.id)
    run.end_cancelled(job.id)
    assert training.jobs.get(job.id).status is JobStatus.CANCELLED


class ReaderOfAnotherKind(ScriptedReader):
    def __init__(self) -> None:
        super().__init__(fingerprint="another")


def test_an_active_version_with_another_reader_is_named_and_not_compared(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    first = carry_out(make_run(engine, tmp_path), training.request())
    second = carry_out(make_run(engine, tmp_path, open_reader=ReaderOfAnotherKind), training.request())
    (decision,) = versions_of(engine).decisions(second)
    assert decision.promoted
    assert f"Version {first} has another reader and could not be compared." in decision.reason


def test_an_active_version_that_cannot_be_read_does_not_keep_its_successor_from_being_made(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    run = make_run(engine, tmp_path)
    first = carry_out(run, training.request())
    settings = next(tmp_path.glob(f"**/job-*/{SETTINGS_FILE}"))
    settings.write_text(settings.read_text().replace('"format": ', '"format": 1'))
    second = carry_out(run, training.request())
    (decision,) = versions_of(engine).decisions(second)
    assert decision.promoted
    assert f"Version {first} could not be compared" in decision.reason


def test_an_active_version_with_other_weights_than_were_registered_is_not_compared(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    run = make_run(engine, tmp_path)
    first = carry_out(run, training.request())
    with transaction(engine, immediate=True) as session:
        session.get_one(ModelVersion, first).fingerprint = "0" * 64
    second = carry_out(run, training.request())
    (decision,) = versions_of(engine).decisions(second)
    assert f"Version {first} could not be compared: expected the weights 000000000000" in decision.reason


class OtherTrainer:
    """A kind of its own: it needs two parts read, and remembers what it was asked."""

    def __init__(self) -> None:
        self.n_left = 2
        self.forgotten: list[int] = []

    def read_chunk(self, job: JobView, progress: JobProgress) -> int:
        self.n_left -= 1
        progress.report("reading", 0.5)
        return self.n_left

    def fit(self, job: JobView, progress: JobProgress) -> FittedVersion:
        return FittedVersion(
            path=f"job-{job.id}",
            fingerprint="f",
            base_model=str(job.options["base"]),
            base_fingerprint="b",
            n_train=job.cut_off_preference_id,
            n_held_out=0,
            hyper_parameters={},
            metrics={},
            compared_with_id=None,
            promoted=True,
            reason="it is the first",
        )

    def forget(self, job_id: int) -> None:
        self.forgotten.append(job_id)


def test_a_kind_is_trained_by_its_trainer_and_by_nothing_else(engine: Engine, training: Training) -> None:
    trainer = OtherTrainer()
    run = TrainingRun(engine, {JobKind.POINTWISE: trainer})
    job = training.request(kind=JobKind.POINTWISE, options={"base": "mine"})
    version_id = carry_out(run, job)
    version = versions_by_id(engine)[version_id]
    assert (version.kind, version.base_model, version.n_train) == (ModelKind.POINTWISE, "mine", 40)
    assert (trainer.n_left, trainer.forgotten) == (0, [job.id])
    other = training.request(kind=JobKind.FAST)
    run.start(other.id)
    with pytest.raises(NotFound, match=r"\(pointwise\), came fast"):
        run.read_chunk(other.id)


class ShortOfMemory(ScriptedReader):
    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        raise MemoryError("could not allocate 3 GiB")


def test_an_end_with_a_reason_is_kept_and_cannot_be_overwritten(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    job = training.request()
    run = make_run(engine, tmp_path, open_reader=ShortOfMemory)
    run.start(job.id)
    with pytest.raises(MemoryError):
        run.read_chunk(job.id)
    run.end_failed(job.id, "memory ran out")
    run.end_cancelled(job.id)
    view = training.jobs.get(job.id)
    assert (view.status, view.error) == (JobStatus.FAILED, "memory ran out")


def test_a_missing_reading_is_an_error_and_not_a_row_of_zeros(
    engine: Engine, training: Training, tmp_path: Path
) -> None:
    job = training.request()
    run = make_run(engine, tmp_path)
    run.start(job.id)
    run.read_chunk(job.id)
    with pytest.raises(RankerError, match="expected readings of 80 answers, came 16"):
        run.fit(job.id)

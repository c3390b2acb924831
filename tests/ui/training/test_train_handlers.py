from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from blender_ui.services.jobs.progress import CurvePoint, JobProgress
from blender_ui.services.jobs.states import end_job, start_job
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.training.requests import Training
from blender_ui.ui.training import drawing
from blender_ui.ui.training.handlers import TrainHandlers, Wish
from db.engine import transaction
from db.models import Job, JobStatus, ModelKind, ModelRole, ModelVersion
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import Clock, key_of, make_labeling, make_store
from tests.builders.trained import versions_of

MEMORY = {"annotator": key_of(1)}
FAST = Wish(kind="fast")


class TrainPage:
    """The handlers over a real store."""

    def __init__(self, folder: Path, *, encoders: tuple[str, ...] = ("small-encoder",)) -> None:
        self.engine: Engine = make_store(folder)
        self.clock = Clock()
        self.labeling = make_labeling(self.engine, self.clock)
        self.training = Training(self.engine, train_every=0, clock=self.clock)
        self.handlers = TrainHandlers(
            self.training,
            self.labeling,
            access=Access(self.engine, mode=Mode.OPEN, clock=self.clock),
            versions=versions_of(self.engine),
            list_encoders=lambda: encoders,
        )

    def job(self, job_id: int = 1) -> Job:
        with transaction(self.engine) as session:
            job = session.get(Job, job_id)
            assert job is not None
            return job

    def add_version(self, *, is_active: bool) -> int:
        with transaction(self.engine, immediate=True) as session:
            version = ModelVersion(
                role=ModelRole.RANKER,
                kind=ModelKind.FAST,
                base_model="reader",
                base_fingerprint="b",
                fingerprint="0123456789abcdef",
                path="p",
                cut_off_preference_id=3,
                n_train=400,
                n_held_out=50,
                metrics={
                    "held_out": {"n": 50, "accuracy": 0.7, "low": 0.6, "high": 0.8, "log_loss": 0.6123},
                    "longer": 0.55,
                },
                code_version="0",
                is_active=is_active,
            )
            session.add(version)
            session.flush()
            assert version.id is not None
            return version.id


@pytest.fixture
def train_page(tmp_path: Path) -> Iterator[TrainPage]:
    train_page = TrainPage(tmp_path)
    yield train_page
    train_page.engine.dispose()


@pytest.fixture
def ready(train_page: TrainPage) -> TrainPage:
    add_labeled_prompts(train_page.engine, n_prompts=60)
    return train_page


def test_an_empty_store_says_how_many_preferences_are_missing(train_page: TrainPage) -> None:
    page = train_page.handlers.page()
    assert page.card is None
    assert "0 of 20 decided preferences" in drawing.draw_readiness(train_page.handlers.readiness())
    assert "needs 20" in train_page.handlers.request(MEMORY, FAST)


def test_the_page_does_not_wait_for_the_counts(ready: TrainPage) -> None:
    statements: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(ready.engine, "before_cursor_execute", keep)
    ready.handlers.page()
    assert statements
    assert not any("FROM preference" in one for one in statements)
    ready.handlers.readiness()
    event.remove(ready.engine, "before_cursor_execute", keep)
    assert any("FROM preference" in one for one in statements)


def test_a_request_is_a_waiting_job_of_who_asked(ready: TrainPage) -> None:
    assert ready.handlers.request(MEMORY, FAST) == "Job 1 is in the queue."
    job = ready.job()
    assert (job.kind, job.status, job.options) == (ModelKind.FAST, JobStatus.WAITING, {})
    assert job.requested_by_id == ready.labeling.sign_in(key=MEMORY["annotator"]).id
    assert "waiting for the worker" in drawing.draw_card(ready.handlers.card())


def test_a_fine_tuning_takes_its_encoder_and_options_along(ready: TrainPage) -> None:
    wish = Wish(kind="pointwise", encoder="small-encoder", n_epochs=2, learning_rate=1e-4)
    ready.handlers.request(MEMORY, wish)
    assert ready.job().options == {"base": "small-encoder", "n_epochs": 2, "learning_rate": 1e-4}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(kind="huge"), "kind of ranker"),
        (Wish(kind=None), "kind of ranker"),
        (Wish(kind="joint", encoder="../../etc", n_epochs=1, learning_rate=1e-4), "small-encoder"),
        (Wish(kind="joint", encoder="small-encoder", n_epochs=10_000, learning_rate=1e-4), "epochs"),
        (Wish(kind="joint", encoder="small-encoder", n_epochs=True, learning_rate=1e-4), "epochs"),
        (Wish(kind="joint", encoder="small-encoder", n_epochs=1, learning_rate=float("nan")), "rate"),
        (Wish(kind="joint", encoder="small-encoder", n_epochs=1, learning_rate="fast"), "rate"),
    ],
)
def test_a_wish_of_another_form_is_refused_in_words(ready: TrainPage, wish: Wish, said: str) -> None:
    assert said in ready.handlers.request(MEMORY, wish)
    assert ready.handlers.page().jobs == ()


def test_a_job_without_a_worker_says_what_to_do(ready: TrainPage) -> None:
    ready.handlers.request(MEMORY, FAST)
    ready.clock.pass_by(60)
    drawn = drawing.draw_card(ready.handlers.card())
    assert "No worker is running" in drawn
    assert "blender-ui worker" in drawn


def test_a_running_job_shows_its_phase_its_time_and_its_curve(ready: TrainPage) -> None:
    ready.handlers.request(MEMORY, FAST)
    start_job(ready.engine, 1, now=ready.clock())
    progress = JobProgress(ready.engine, 1, clock=ready.clock)
    progress.add_point(
        CurvePoint(step=1, loss=0.69, accuracy=0.5, held_out_loss=None, held_out_accuracy=None)
    )
    progress.report("reading answers", 0.4, remaining_seconds=130)
    card = ready.handlers.card()
    assert card is not None
    assert card.is_active
    assert [point.loss for point in card.curve] == [0.69]
    drawn = drawing.draw_card(card)
    assert "reading answers, about 2 min 10 s left" in drawn
    assert 'aria-valuenow="40"' in drawn


def test_the_running_job_is_watched_and_not_the_one_that_waits(ready: TrainPage) -> None:
    ready.handlers.request(MEMORY, FAST)
    start_job(ready.engine, 1, now=ready.clock())
    ready.handlers.request(MEMORY, FAST)
    card = ready.handlers.card()
    assert card is not None
    assert card.job.id == 1


def test_a_failed_job_keeps_its_reason(ready: TrainPage) -> None:
    ready.handlers.request(MEMORY, FAST)
    start_job(ready.engine, 1, now=ready.clock())
    end_job(ready.engine, 1, JobStatus.FAILED, now=ready.clock(), error="out of memory: use <less>")
    page = ready.handlers.page()
    assert page.card is not None
    assert not page.card.is_active
    for drawn in (drawing.draw_card(page.card), drawing.draw_jobs(page.jobs)):
        assert "out of memory: use &lt;less&gt;" in drawn


def test_cancelling_ends_a_waiting_job_at_once_and_no_job_twice(ready: TrainPage) -> None:
    ready.handlers.request(MEMORY, FAST)
    assert ready.handlers.cancel(1) == "Job 1 is cancelled."
    assert "cannot be cancelled any more" in ready.handlers.cancel(1)
    assert ready.job().status is JobStatus.CANCELLED


@pytest.mark.parametrize("job_id", [None, "", "x", True, 1.5, 99])
def test_cancelling_what_is_no_job_says_so(ready: TrainPage, job_id: object) -> None:
    assert "job" in ready.handlers.cancel(job_id)


def test_activating_another_version_is_a_decision_with_its_reason(train_page: TrainPage) -> None:
    old, new = train_page.add_version(is_active=True), train_page.add_version(is_active=False)
    assert train_page.handlers.activate(MEMORY, new, "reads better") == f"Version {new} ranks from now on."
    page = train_page.handlers.page()
    assert [version.id for version in page.versions[ModelRole.RANKER] if version.is_active] == [new]
    (decision,) = page.decisions
    assert decision.previous_id == old
    assert decision.reason.startswith("reads better (this overrides the figures: Version 2 was made before")
    assert decision.decided_by == train_page.labeling.sign_in(key=MEMORY["annotator"]).name


@pytest.mark.parametrize(("version_id", "reason"), [(1, "again"), (2, " "), (9, "why"), (None, "why")])
def test_what_cannot_be_activated_is_refused_in_words(
    train_page: TrainPage, version_id: object, reason: str
) -> None:
    train_page.add_version(is_active=True)
    train_page.add_version(is_active=False)
    assert "ranks from now on" not in train_page.handlers.activate(MEMORY, version_id, reason)
    assert [
        version.id for version in train_page.handlers.page().versions[ModelRole.RANKER] if version.is_active
    ] == [1]


def test_versions_are_drawn_with_their_figures(train_page: TrainPage) -> None:
    train_page.add_version(is_active=True)
    drawn = drawing.draw_versions(ModelRole.RANKER, train_page.handlers.page().versions[ModelRole.RANKER])
    for figure in ("1 (active)", "70% (60% to 80%), n = 50", "0.612", "55%", "400 + 50", "0123456789"):
        assert figure in drawn


def test_only_who_may_activate_gets_a_button_and_only_for_what_does_not_serve(train_page: TrainPage) -> None:
    train_page.add_version(is_active=True)
    other = train_page.add_version(is_active=False)
    page = train_page.handlers.page()
    versions = page.versions[ModelRole.RANKER]
    assert page.may_activate
    drawn = drawing.draw_versions(ModelRole.RANKER, versions, may_activate=True)
    assert drawn.count("data-act=") == 1
    assert f'data-act="activate" data-row="{other}"' in drawn
    assert "data-act=" not in drawing.draw_versions(ModelRole.RANKER, versions)


def test_what_ranks_now_is_said_first(train_page: TrainPage) -> None:
    assert "No version ranks yet" in drawing.draw_active(())
    number = train_page.add_version(is_active=True)
    drawn = drawing.draw_active(train_page.handlers.page().versions[ModelRole.RANKER])
    assert f"Version {number}" in drawn
    assert "70% (60% to 80%)" in drawn


def test_a_fuser_can_be_asked_for_and_says_what_is_missing(tmp_path: Path) -> None:
    train_page = TrainPage(tmp_path)
    said = train_page.handlers.request(MEMORY, Wish(kind="fuser", n_epochs=2))
    assert "there are 0, 0 of them held out" in said
    add_labeled_prompts(train_page.engine, n_prompts=40)
    assert train_page.handlers.request(MEMORY, Wish(kind="fuser", n_epochs=2)) == "Job 1 is in the queue."
    job = train_page.job()
    assert job.kind == "fuser"
    assert job.options == {"n_epochs": 2, "cut_off_candidate_id": 80}
    assert (
        drawing.draw_versions(ModelRole.FUSER, train_page.handlers.page().versions[ModelRole.FUSER]).count(
            "None yet"
        )
        == 1
    )


def test_an_unknown_fuser_is_named(tmp_path: Path) -> None:
    assert "no fuser version 7" in TrainPage(tmp_path).handlers.activate(
        MEMORY, 7, "because", role=ModelRole.FUSER
    )

"""A chooser's job from the request to the version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from blender_ui.choosing.chooser import load_chooser
from blender_ui.choosing.report import load_report
from blender_ui.errors import ChooserError
from blender_ui.services.training.chooser import ChooserTrainer
from blender_ui.services.training.chooser_judging import Judged, decide
from blender_ui.services.training.chooser_outcomes import load_voted
from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.versions.model_versions import Versions, VersionView
from blender_ui.statistics.bootstrap import Estimate
from blender_ui.tasks.reading import read_tasks
from db.engine import transaction
from db.models import (
    Annotator,
    AnnotatorKind,
    JobKind,
    ModelRole,
    Outcome,
    Preference,
    Role,
    utc_now,
)
from tests.builders.rows import answer, member, pair, prompt, save, vote
from tests.builders.stores import make_store
from tests.tasks.prompts import make_encoder, make_tasks

N_PROMPTS = 300


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def add_votes(
    engine: Engine, *, kinds_matter: bool, kind: AnnotatorKind = AnnotatorKind.HUMAN, key: str = "p"
) -> None:
    """Someone's vote on each prompt: "first" wins nine of ten on one kind, and loses on the other."""
    tasks, kinds = make_tasks(N_PROMPTS)
    rng = np.random.default_rng(0)
    with transaction(engine, immediate=True) as session:
        (person,) = save(session, [Annotator(key=key, name=key, kind=kind, role=Role.ANNOTATOR)])
        first, second = save(session, [member("first"), member("second")])
        prompts = save(session, [prompt(task.instruction) for task in tasks])
        lefts = save(session, [answer(one.id, first.id, f"first {n}") for n, one in enumerate(prompts)])
        rights = save(session, [answer(one.id, second.id, f"second {n}") for n, one in enumerate(prompts)])
        pairs = save(
            session,
            [
                pair(one.id, left.id, right.id, overlap=1, n_taken=1)
                for one, left, right in zip(prompts, lefts, rights, strict=True)
            ],
        )
        for one, of_kind in zip(pairs, kinds, strict=True):
            is_first_better = (of_kind == 0 or not kinds_matter) == (rng.random() < 0.9)
            session.add(vote(one.id, person.id, Outcome.LEFT if is_first_better else Outcome.RIGHT))


def train(engine: Engine, home: Path, *, encoder_path: Path | None = None) -> VersionView:
    """Train on the store's votes; the version lies in ``home / "choosers"``."""
    encoder = make_encoder(encoder_path or home)
    trainer = ChooserTrainer(
        engine=engine,
        choosers_path=home / "choosers",
        open_encoder=lambda: encoder,
        encoder_name="made of words",
    )
    run = TrainingRun(engine, {JobKind.CHOOSER: trainer})
    job = Training(engine, train_every=0, clock=utc_now).request(kind=JobKind.CHOOSER)
    assert run.start(job.id)
    assert run.read_chunk(job.id) == 0
    run.register(job.id, run.fit(job.id))
    return versions_of(engine, home).list_versions(ModelRole.CHOOSER)[0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Path]:
    """A store where the kind of task decides who is better, and its home with a chooser; only read."""
    home = tmp_path_factory.mktemp("trained")
    engine = make_store(home)
    add_votes(engine, kinds_matter=True)
    train(engine, home)
    return engine, home


def versions_of(engine: Engine, home: Path) -> Versions:
    return Versions(engine, folders={ModelRole.CHOOSER: home / "choosers"})


@pytest.mark.slow
def test_a_chooser_that_beats_always_the_best_member_is_promoted_and_chooses(
    trained: tuple[Engine, Path],
) -> None:
    engine, home = trained
    (version,) = versions_of(engine, home).list_versions(ModelRole.CHOOSER)
    assert version.is_active
    assert version.metrics["judged"]["chosen"] > version.metrics["judged"]["best_single"] + 0.2
    chooser = load_chooser(home / "choosers" / version.path, make_encoder(home))
    assert chooser.fingerprint == version.fingerprint
    report = load_report(home / "choosers" / version.path)
    assert report.n_judged == version.metrics["judged"]["n"]
    assert sum(map(sum, report.n_votes)) == 2 * N_PROMPTS
    tasks, kinds = make_tasks(40, seed=5)
    chosen = chooser.expect(read_tasks(chooser.encoder, tasks)).mean.argmax(axis=1)
    assert (chosen == kinds).mean() > 0.9


@pytest.mark.slow
def test_where_one_member_leads_everywhere_the_version_is_refused_and_says_whom_to_ask(
    engine: Engine, tmp_path: Path
) -> None:
    add_votes(engine, kinds_matter=False)
    version = train(engine, tmp_path)
    assert not version.is_active
    (decision,) = versions_of(engine, tmp_path).decisions(version.id)
    assert decision.reason.startswith("Refused: ")
    assert "first" in decision.reason


def test_held_out_prompts_are_not_learnt_from(trained: tuple[Engine, Path]) -> None:
    engine, home = trained
    voted = load_voted(engine)
    learnt = np.flatnonzero(voted.is_held_out == 0)
    assert 0.1 < voted.is_held_out.mean() < 0.3
    assert len(voted.outcomes_of(learnt)) == len(learnt)
    (version,) = versions_of(engine, home).list_versions(ModelRole.CHOOSER)
    assert (version.n_train, version.n_held_out) == (len(learnt), N_PROMPTS - len(learnt))


def test_votes_on_one_member_alone_are_refused(engine: Engine) -> None:
    with pytest.raises(ChooserError, match="expected votes on answers of different members"):
        load_voted(engine)


def test_a_store_with_imported_scores_alone_gets_a_chooser_that_says_so(
    engine: Engine, tmp_path: Path
) -> None:
    add_votes(engine, kinds_matter=True, kind=AnnotatorKind.JUDGE)
    version = train(engine, tmp_path)
    assert version.is_active
    (decision,) = versions_of(engine, tmp_path).decisions(version.id)
    assert "by judges and scores, for want of votes" in decision.reason


@pytest.mark.slow
def test_where_people_voted_what_judges_said_does_not_count(engine: Engine) -> None:
    add_votes(engine, kinds_matter=True)
    before = load_voted(engine)
    with transaction(engine, immediate=True) as session:
        judge = Annotator(key="j", name="j", kind=AnnotatorKind.JUDGE, role=Role.ANNOTATOR)
        session.add(judge)
        session.flush()
        session.add(
            Preference(comparison_id=1, annotator_id=judge.id, outcome=Outcome.TIE, idempotency_key="judged")
        )
    after = load_voted(engine)
    assert len(after.votes.target) == len(before.votes.target) == N_PROMPTS
    np.testing.assert_array_equal(after.votes.target, before.votes.target)
    assert after.is_by_people.all()


def test_outcomes_of_judges_count_less_beside_those_of_people(engine: Engine) -> None:
    add_votes(engine, kinds_matter=True, kind=AnnotatorKind.JUDGE, key="j")
    alone = load_voted(engine)
    with transaction(engine, immediate=True) as session:
        person = Annotator(key="p", name="p", kind=AnnotatorKind.HUMAN, role=Role.ANNOTATOR)
        session.add(person)
        session.flush()
        session.add(
            Preference(comparison_id=1, annotator_id=person.id, outcome=Outcome.LEFT, idempotency_key="hers")
        )
    both = load_voted(engine)
    rows = np.arange(N_PROMPTS)
    one, other = (voted.outcomes_of(rows).weights for voted in (alone, both))
    np.testing.assert_allclose(other[1:], 0.5 * one[1:])
    np.testing.assert_allclose(other[0], one[0])


def judged_of(**figures: float) -> Judged:
    gain = Estimate(value=0.1, low=0.05, high=0.15)
    usual = {"chosen_k": 0.9, "best_k": 0.9, "best_of_all": 0.92}
    return Judged(
        n=50, chosen=0.8, best_single=0.7, random=0.5, gain=gain, over_active=None, is_by_people=True, k=3,
        **(usual | figures),
    )  # fmt: skip


def test_a_chooser_whose_few_lose_what_all_give_is_refused(trained: tuple[Engine, Path]) -> None:
    engine, home = trained
    (version,) = versions_of(engine, home).list_versions(ModelRole.CHOOSER)
    chooser = load_chooser(home / "choosers" / version.path, make_encoder(home))
    assert decide(chooser, judged_of(), None)[0]
    for figures in ({"best_of_all": 1.0, "chosen_k": 0.89, "best_k": 0.8}, {"chosen_k": 0.85}):
        promoted, reason = decide(chooser, judged_of(**figures), None)
        assert not promoted
        assert "keep too little of what all give" in reason

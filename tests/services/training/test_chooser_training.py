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
from blender_ui.values import RankingPrompt
from db.engine import transaction
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    JobKind,
    Member,
    ModelRole,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Role,
    utc_now,
)
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
        person = Annotator(key=key, name=key, kind=kind, role=Role.ANNOTATOR)
        members = [
            Member(name=name, backend="import", model=name, fingerprint=name) for name in ("first", "second")
        ]
        session.add_all([person, *members])
        session.flush()
        for number, (task, kind) in enumerate(zip(tasks, kinds, strict=True)):
            prompt = Prompt(
                instruction=task.instruction,
                fingerprint=RankingPrompt(instruction=task.instruction).fingerprint,
            )
            session.add(prompt)
            session.flush()
            answers = [
                Candidate(prompt_id=prompt.id, member_id=member.id, text=f"{member.name} {number}")
                for member in members
            ]
            session.add_all(answers)
            session.flush()
            comparison = Comparison(
                prompt_id=prompt.id,
                left_id=answers[0].id,
                right_id=answers[1].id,
                origin=Origin.IMPORT,
                n_taken=1,
                is_open=False,
            )
            session.add(comparison)
            session.flush()
            is_first_better = (kind == 0 or not kinds_matter) == (rng.random() < 0.9)
            session.add(
                Preference(
                    comparison_id=comparison.id,
                    annotator_id=person.id,
                    outcome=Outcome.LEFT if is_first_better else Outcome.RIGHT,
                    idempotency_key=str(number),
                )
            )


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


def versions_of(engine: Engine, home: Path) -> Versions:
    return Versions(engine, folders={ModelRole.CHOOSER: home / "choosers"})


def test_a_chooser_that_beats_always_the_best_member_is_promoted_and_chooses(
    engine: Engine, tmp_path: Path
) -> None:
    add_votes(engine, kinds_matter=True)
    version = train(engine, tmp_path)
    assert version.is_active
    assert version.metrics["judged"]["chosen"] > version.metrics["judged"]["best_single"] + 0.2
    chooser = load_chooser(tmp_path / "choosers" / version.path, make_encoder(tmp_path))
    assert chooser.fingerprint == version.fingerprint
    report = load_report(tmp_path / "choosers" / version.path)
    assert report.n_judged == version.metrics["judged"]["n"]
    assert sum(map(sum, report.n_votes)) == 2 * N_PROMPTS
    tasks, kinds = make_tasks(40, seed=5)
    chosen = chooser.expect(read_tasks(chooser.encoder, tasks)).mean.argmax(axis=1)
    assert (chosen == kinds).mean() > 0.9


def test_where_one_member_leads_everywhere_the_version_is_refused_and_says_whom_to_ask(
    engine: Engine, tmp_path: Path
) -> None:
    add_votes(engine, kinds_matter=False)
    version = train(engine, tmp_path)
    assert not version.is_active
    (decision,) = versions_of(engine, tmp_path).decisions(version.id)
    assert decision.reason.startswith("Refused: ")
    assert "first" in decision.reason


def test_held_out_prompts_are_not_learnt_from(engine: Engine, tmp_path: Path) -> None:
    add_votes(engine, kinds_matter=True)
    voted = load_voted(engine)
    learnt = np.flatnonzero(voted.is_held_out == 0)
    assert 0.1 < voted.is_held_out.mean() < 0.3
    assert len(voted.outcomes_of(learnt)) == len(learnt)
    version = train(engine, tmp_path)
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


def test_a_chooser_whose_few_lose_what_all_give_is_refused(engine: Engine, tmp_path: Path) -> None:
    add_votes(engine, kinds_matter=True)
    version = train(engine, tmp_path)
    chooser = load_chooser(tmp_path / "choosers" / version.path, make_encoder(tmp_path))
    assert decide(chooser, judged_of(), None)[0]
    for figures in ({"best_of_all": 1.0, "chosen_k": 0.89, "best_k": 0.8}, {"chosen_k": 0.85}):
        promoted, reason = decide(chooser, judged_of(**figures), None)
        assert not promoted
        assert "keep too little of what all give" in reason

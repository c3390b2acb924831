"""Versions that were really trained, betting on new votes beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from blender_ui.engine.process import EngineProcess
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.monitoring.shadow_standing import ShadowStanding, ShadowStandings
from blender_ui.services.ranking.shadows import Shadows
from blender_ui.services.versions.model_versions import (
    Versions,
    activate_version,
    find_active_version,
    list_decisions,
)
from blender_ui.services.versions.taking_back import TakingBack
from blender_ui.ui.training.drawing import draw_shadow
from db.engine import transaction
from db.models import Candidate, ModelVersion, Preference, Prompt, Reading, ShadowBet, utc_now
from tests.builders.preferences import add_labeled_prompts
from tests.builders.rows import person, save
from tests.builders.stores import make_store
from tests.builders.trained import Trained, copy_trained_store
from tests.ranking.scripted_reader import read_vector


class Shadowed:
    """A store whose misled version ranks, with the good one before it."""

    def __init__(self, home: Path) -> None:
        self.trained: Trained = copy_trained_store(home)
        self.engine: Engine = make_store(home)
        self.shadows = Shadows(
            self.engine, process=EngineProcess({}), rankers_path=home / "rankers", clock=utc_now
        )
        self.standings = ShadowStandings(self.engine, table=PreferenceTable(self.engine))

    def read_all(self) -> None:
        """Every answer that nobody has read yet."""
        with transaction(self.engine, immediate=True) as session:
            read = set(session.exec(select(Reading.candidate_id)))
            rows = session.exec(
                select(Candidate, Prompt).join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
            )
            for answer, prompt in [row for row in rows if row[0].id not in read]:
                vector = read_vector(prompt.instruction, answer.text).astype("<f4").tobytes()
                session.add(
                    Reading(candidate_id=answer.id or 0, reader_fingerprint="scripted", vector=vector)
                )

    def vote(self, n: int, *, offset: int = 5000) -> None:
        add_labeled_prompts(self.engine, n_prompts=n, offset=offset, seed=3)

    def find(self) -> ShadowStanding:
        (standing,) = self.standings.find()
        return standing

    def put_in_place(self, version_id: int) -> None:
        """As the figures would."""
        with transaction(self.engine, immediate=True) as session:
            active = find_active_version(session)
            if active is None or active.id != version_id:
                activate_version(session, version_id=version_id, reason="a test", decided_by_id=None)

    def take_back(self, *, is_automatic: bool = True) -> bool:
        self.read_all()
        self.shadows.lay()
        find = self.standings.find_return
        return TakingBack(self.engine, find=find, is_automatic=is_automatic).look()

    def list_bets(self) -> list[ShadowBet]:
        with transaction(self.engine) as session:
            return list(session.exec(select(ShadowBet)))


@pytest.fixture
def shadowed(tmp_path: Path) -> Iterator[Shadowed]:
    made = Shadowed(tmp_path)
    yield made
    made.shadows.close()
    made.engine.dispose()


def test_both_versions_bet_on_each_new_vote_once(shadowed: Shadowed) -> None:
    assert shadowed.shadows.lay() == 0, "no vote came since the versions were made"
    shadowed.vote(12)
    assert shadowed.shadows.lay() == 0, "nobody has read the answers"
    shadowed.read_all()
    assert shadowed.shadows.lay() == 24
    before = {(one.version_id, one.comparison_id): one.logit for one in shadowed.list_bets()}
    assert shadowed.shadows.lay() == 0
    shadowed.vote(3, offset=6000)
    shadowed.read_all()
    assert shadowed.shadows.lay() == 6
    after = {(one.version_id, one.comparison_id): one.logit for one in shadowed.list_bets()}
    assert after.items() >= before.items(), "a bet stays as it was laid"
    assert {version for version, _ in after} == {shadowed.trained.good, shadowed.trained.misled}


def test_the_standing_says_which_is_right_more_often(shadowed: Shadowed) -> None:
    assert shadowed.find().n == 0
    assert "No new vote" in draw_shadow(shadowed.find(), returns=True)
    shadowed.vote(40)
    shadowed.read_all()
    shadowed.shadows.lay()
    standing = shadowed.find()
    assert (standing.n, standing.n_prompts) == (40, 40)
    by_version = {
        standing.active.id: standing.active_right,
        standing.shadow.id: standing.shadow_right,
    }
    assert by_version[shadowed.trained.good] == 1
    assert by_version[shadowed.trained.misled] < 0.5
    assert standing.lead.value == pytest.approx(standing.shadow_right - standing.active_right)
    assert not standing.is_better

    with transaction(shadowed.engine, immediate=True) as session:
        activate_version(session, version_id=standing.shadow.id, reason="a test", decided_by_id=None)
    turned = shadowed.find()
    assert (turned.active.id, turned.shadow.id) == (standing.shadow.id, standing.active.id)
    assert turned.lead.value == pytest.approx(-standing.lead.value)
    assert turned.is_better
    assert "is right more often" in draw_shadow(turned, returns=True)


def test_a_question_that_was_learnt_from_does_not_count(shadowed: Shadowed) -> None:
    shadowed.vote(15)
    with transaction(shadowed.engine, immediate=True) as session:
        old, new = (
            session.exec(
                select(Prompt).where(col(Prompt.instruction).in_([f"Question {n}?" for n in numbers]))
            )
            for numbers in (range(10), range(5000, 5010))
        )
        for known, again in zip(old.all(), new.all(), strict=True):
            again.instruction, again.fingerprint = known.instruction, known.fingerprint
    shadowed.read_all()
    assert shadowed.shadows.lay() == 30
    assert shadowed.find().n == 5


def test_a_vote_that_was_taken_back_does_not_count(shadowed: Shadowed) -> None:
    shadowed.vote(5)
    shadowed.read_all()
    shadowed.shadows.lay()
    with transaction(shadowed.engine, immediate=True) as session:
        last = session.exec(select(Preference).order_by(col(Preference.id).desc())).first()
        assert last is not None
        last.retracted_at = utc_now()
    assert shadowed.find().n == 4


def test_one_version_alone_has_no_shadow(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    assert ShadowStandings(engine, table=PreferenceTable(engine)).find() == ()
    shadows = Shadows(engine, process=EngineProcess({}), rankers_path=tmp_path, clock=utc_now)
    assert shadows.lay() == 0
    shadows.close()
    engine.dispose()


def test_the_figures_take_back_what_they_promoted(shadowed: Shadowed) -> None:
    trained = shadowed.trained
    shadowed.put_in_place(trained.good)
    shadowed.put_in_place(trained.misled)
    shadowed.vote(9)
    assert not shadowed.take_back(), "too few questions"
    assert "no say" in draw_shadow(shadowed.find(), returns=True)
    shadowed.vote(31, offset=6000)
    assert not shadowed.take_back(is_automatic=False)
    assert shadowed.take_back()
    assert not shadowed.take_back()
    with transaction(shadowed.engine) as session:
        active = find_active_version(session)
        assert active is not None
        *_, decision = list_decisions(session, active.id)
    assert active.id == trained.good
    assert decision.reason.startswith(
        "Taken back: on 40 votes on 40 new questions, version 1 was right on 100 %"
    )
    assert decision.decided_by is None
    assert decision.previous_id == trained.misled


def test_what_a_person_decided_is_not_taken_back(shadowed: Shadowed) -> None:
    trained = shadowed.trained
    shadowed.put_in_place(trained.good)
    with transaction(shadowed.engine, immediate=True) as session:
        ada_id = save(session, [person("Ada", key="browser:ada")])[0].id
    versions = Versions(shadowed.engine, folders={}, say_worse=shadowed.standings.say_worse)
    shadowed.vote(40)
    shadowed.read_all()
    shadowed.shadows.lay()
    versions.activate(version_id=trained.misled, decided_by_id=ada_id, reason="a try")
    (*_, decision) = versions.decisions(trained.misled)
    assert "this overrides the bets in shadow: on 40 votes on 40 new questions" in decision.reason
    assert shadowed.find().is_better
    assert not shadowed.take_back()
    assert "is right more often" in draw_shadow(shadowed.find(), returns=True)


def test_the_version_whose_place_was_taken_bets_beside_a_newer_one_that_was_refused(
    shadowed: Shadowed,
) -> None:
    trained = shadowed.trained
    shadowed.put_in_place(trained.good)
    shadowed.put_in_place(trained.misled)
    with transaction(shadowed.engine, immediate=True) as session:
        row = session.get_one(ModelVersion, trained.misled)
        newer = ModelVersion(**row.model_dump(exclude={"id", "is_active", "job_id"}))
        session.add(newer)
        session.flush()
        newer_id = newer.id
    shadowed.vote(12)
    shadowed.read_all()
    shadowed.shadows.lay()
    newest, before = shadowed.standings.find()
    assert (newest.shadow.id, newest.may_return, newest.n) == (newer_id, False, 12)
    assert (before.shadow.id, before.may_return, before.n) == (trained.good, True, 12)

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, func
from sqlmodel import col, select

from blender_ui.engine.process import JOINT, READER, EngineProcess
from blender_ui.errors import NoRanker, NotFound, RankerError
from blender_ui.ranking.joint_files import digest_folder
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.ranking.live_head import LiveHead, LiveRanker
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.rows import RankingView
from blender_ui.services.ranking.scoring import Scoring
from blender_ui.services.training.requests import Training
from blender_ui.services.versions.model_versions import activate_version
from blender_ui.services.versions.registration import FittedVersion, register_version
from blender_ui.values import RankingPrompt
from db.engine import transaction
from db.models import (
    DEFAULT_PROJECT_ID,
    Candidate,
    Comparison,
    Job,
    JobKind,
    Member,
    ModelVersion,
    Outcome,
    PairwiseLogit,
    Preference,
    Project,
    Prompt,
    Ranking,
    Reading,
    utc_now,
)
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import add_prompts, make_store
from tests.ranking.scripted_reader import CountingLengthRanker, DemandingLengthRanker, ScriptedReader
from tests.services.training.test_training_run import carry_out
from tests.worker.scripted_worker import make_run

pytestmark = pytest.mark.slow


@dataclass
class Store:
    """A store with what ranks in it."""

    engine: Engine
    home: Path
    process: EngineProcess
    live_head: LiveHead
    ranking: RankingService
    training: Training
    information: dict[int, float] = field(default_factory=dict)
    """As the queue was told last."""
    n_told: list[int] = field(default_factory=list)
    """Of how many comparisons the queue was told, call by call."""

    def train(self) -> int:
        return carry_out(make_run(self.engine, self.home), self.training.request())

    def add_question(self, *answers: str) -> int:
        (prompt_id,) = add_prompts(self.engine, n_prompts=1, n_candidates=len(answers))
        with transaction(self.engine, immediate=True) as session:
            rows = session.exec(select(Candidate).where(col(Candidate.prompt_id) == prompt_id)).all()
            for row, answer in zip(rows, answers, strict=True):
                row.text = answer
        return prompt_id

    def add_alone(self, answer: str) -> int:
        """A question that one member answered."""
        with transaction(self.engine, immediate=True) as session:
            prompt = Prompt(instruction="Alone?", fingerprint="alone")
            session.add(prompt)
            session.flush()
            member = session.exec(select(Member)).first()
            assert member is not None
            session.add(Candidate(prompt_id=prompt.id, member_id=member.id, text=answer))
            return int(prompt.id or 0)

    def read_soon(self, prompt_id: int) -> None:
        """As if an answer to the question had been stored just now."""
        with transaction(self.engine) as session:
            candidate_id = session.exec(
                select(Candidate.id).where(col(Candidate.prompt_id) == prompt_id)
            ).first()
        self.ranking.read_soon(
            "member",
            CandidateUpdate(
                text="",
                waiting="",
                thinking="",
                n_tokens=1,
                seconds=1.0,
                first_token_seconds=0.1,
                candidate_id=candidate_id,
                is_done=True,
            ),
        )

    def count(self, table: type) -> int:
        with transaction(self.engine) as session:
            return int(session.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield from open_ranking_store(
        tmp_path, EngineProcess({READER: ScriptedReader, JOINT: CountingLengthRanker})
    )


def open_ranking_store(tmp_path: Path, process: EngineProcess) -> Iterator[Store]:
    engine = make_store(tmp_path)
    information: dict[int, float] = {}
    n_told: list[int] = []

    def prioritise(scores: Mapping[int, float]) -> None:
        information.clear()
        information.update(scores)
        n_told.append(len(scores))

    live_head = LiveHead(engine, process=process, rankers_path=tmp_path / "rankers", prioritise=prioritise)
    ranking = RankingService(engine, process=process, live_head=live_head, rankers_path=tmp_path / "rankers")
    training = Training(engine, train_every=0, clock=utc_now)
    yield Store(engine, tmp_path, process, live_head, ranking, training, information, n_told)
    live_head.close()
    process.close()
    ranking.close()


def wait_until(is_true: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_before_anything_is_trained_it_says_what_is_needed(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=3)
    prompt_id = store.add_question("good", "bad")
    assert store.ranking.active() is None
    with pytest.raises(NoRanker, match=r"No ranker has been trained yet.*there are 3 on 3"):
        store.ranking.rank(prompt_id=prompt_id)
    assert store.count(Ranking) == 0


def test_enough_labels_and_no_ranker_points_to_training(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    with pytest.raises(NoRanker, match="Train one on the Train page"):
        store.ranking.rank(prompt_id=store.add_question("good", "bad"))


def test_a_trained_version_ranks_the_better_answer_first_and_keeps_the_ranking(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    version_id = store.train()
    prompt_id = store.add_question("one", "good good good", "good")
    view = store.ranking.rank(prompt_id=prompt_id)
    assert view.version.id == version_id
    assert [entry.member for entry in view.entries] == ["member-1", "member-2", "member-0"]
    assert [entry.rank for entry in view.entries] == [1, 2, 3]
    logits = np.array(view.logits)
    assert (logits[np.triu_indices(3, 1)] > 0).all(), "in the entries' order each beats those after it"
    assert view.uncertainty is not None
    assert np.array(view.uncertainty).shape == (3, 3)
    assert view.refitted_preference_id is None
    assert store.count(Ranking) == 1
    assert store.count(PairwiseLogit) == 6


def test_asked_again_it_gives_the_ranking_that_is_there(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    prompt_id = store.add_question("good", "bad")
    assert store.ranking.rank(prompt_id=prompt_id) == store.ranking.rank(prompt_id=prompt_id)
    assert store.count(Ranking) == 1


def test_a_new_answer_is_read_and_the_others_are_not_read_again(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    prompt_id = store.add_question("good", "bad")
    store.ranking.rank(prompt_id=prompt_id)
    assert store.process.call(READER, "n_read") == 2
    with transaction(store.engine, immediate=True) as session:
        member = session.exec(select(Member)).first()
        assert member is not None
        session.add(Candidate(prompt_id=prompt_id, member_id=member.id, text="good good good good"))
    view = store.ranking.rank(prompt_id=prompt_id)
    assert len(view.entries) == 3
    assert store.process.call(READER, "n_read") == 3


def test_an_answer_is_read_while_others_are_written_and_not_again_by_the_ranking(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    prompt_id = store.add_question("good", "bad")
    store.read_soon(prompt_id)  # nothing is read for nobody
    store.train()
    assert store.count(Reading) == 80
    alone_id = store.add_alone("good")
    store.read_soon(alone_id)  # one answer has no rank
    store.read_soon(prompt_id)
    wait_until(lambda: store.count(Reading) == 82)
    view = store.ranking.rank(prompt_id=prompt_id)
    assert len(view.entries) == 2
    assert store.process.call(READER, "n_read") == 2


def test_a_ranking_waits_for_what_is_being_read_early(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    prompt_id = store.add_question(*(f"good {number}" for number in range(6)))
    threads = [
        threading.Thread(target=call, kwargs={"prompt_id": prompt_id})
        for call in (store.read_soon, store.ranking.rank, store.ranking.rank)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.ranking.close()
    assert store.process.call(READER, "n_read") == 6


def test_a_reader_that_fails_early_is_heard_of_by_the_ranking_alone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    store.process.close()
    prompt_id = store.add_question("good", "bad")
    store.read_soon(prompt_id)
    store.ranking.close()
    assert not caplog.records
    with pytest.raises(RankerError, match="closed"):
        store.ranking.rank(prompt_id=prompt_id)


def test_fused_answers_are_ranked_only_when_asked_for(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    prompt_id = store.add_question("good", "bad")
    with transaction(store.engine, immediate=True) as session:
        fuser = Member(name="fused", backend="fusion", model="m", fingerprint="f")
        session.add(fuser)
        session.flush()
        fused = Candidate(prompt_id=prompt_id, member_id=fuser.id, text="good good")
        session.add(fused)
        ids = session.exec(select(Candidate.id).where(col(Candidate.prompt_id) == prompt_id)).all()
    assert len(store.ranking.rank(prompt_id=prompt_id).entries) == 2
    view = store.ranking.rank(prompt_id=prompt_id, candidate_ids=[id_ for id_ in ids if id_ is not None])
    assert view.entries[0].member == "fused"


def test_unknown_prompts_and_strangers_are_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no prompt 99"):
        store.ranking.rank(prompt_id=99)
    first, second = add_prompts(store.engine, n_prompts=2)
    with transaction(store.engine) as session:
        stranger = session.exec(select(Candidate.id).where(col(Candidate.prompt_id) == second)).first()
    assert stranger is not None
    with pytest.raises(NotFound, match=f"expected candidates of prompt {first}"):
        store.ranking.rank(prompt_id=first, candidate_ids=[stranger])


def test_a_reader_that_the_version_was_not_trained_with_is_refused(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    carry_out(
        make_run(store.engine, store.home, open_reader=lambda: ScriptedReader(fingerprint="another")),
        store.training.request(),
    )
    with pytest.raises(RankerError, match="set BLENDER_UI_READER back"):
        store.ranking.rank(prompt_id=store.add_question("good", "bad"))
    assert store.count(Reading) == 80


def add_joint_version(store: Store, *, fingerprint: str = "f") -> None:
    with transaction(store.engine, immediate=True) as session:
        job = Job(workflow_id="w", kind=JobKind.JOINT, status="running", cut_off_preference_id=0)
        session.add(job)
        session.flush()
        assert job.id is not None
        job_id = job.id
    fitted = FittedVersion(
        path="joint",
        fingerprint=fingerprint,
        base_model="encoder",
        base_fingerprint="e",
        n_train=1,
        n_held_out=1,
        hyper_parameters={},
        metrics={},
        compared_with_id=None,
        promoted=True,
        reason="test",
    )
    register_version(store.engine, job_id, fitted, now=utc_now())


def test_one_more_candidate_costs_a_joint_version_two_readings_for_each_of_the_others(store: Store) -> None:
    add_joint_version(store)
    prompt_id = store.add_question("a", "bbb", "cc")
    view = store.ranking.rank(prompt_id=prompt_id)
    assert [entry.member for entry in view.entries] == ["member-1", "member-2", "member-0"]
    assert view.uncertainty is None
    assert store.process.call(JOINT, "n_pairs", key=(store.home / "rankers" / "joint",)) == 6
    with transaction(store.engine, immediate=True) as session:
        member = session.exec(select(Member)).first()
        assert member is not None
        session.add(Candidate(prompt_id=prompt_id, member_id=member.id, text="dddd"))
    assert len(store.ranking.rank(prompt_id=prompt_id).entries) == 4
    assert store.process.call(JOINT, "n_pairs", key=(store.home / "rankers" / "joint",)) == 6 + 2 * 3


def put_joint_checkpoint(store: Store, content: bytes) -> None:
    folder = store.home / "rankers" / "joint"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(content)


def activate_joint_version(store: Store) -> int:
    put_joint_checkpoint(store, b"whole")
    folder = store.home / "rankers" / "joint"
    add_joint_version(store, fingerprint=digest_folder(folder, folder / "model.safetensors"))
    with transaction(store.engine, immediate=True) as session:
        version = session.exec(select(ModelVersion).where(ModelVersion.path == "joint")).one()
        assert version.id is not None
        if not version.is_active:
            activate_version(session, version_id=version.id, reason="newer", decided_by_id=None)
        return version.id


@pytest.fixture
def demanding_store(tmp_path: Path) -> Iterator[Store]:
    process = EngineProcess({READER: ScriptedReader, JOINT: DemandingLengthRanker})
    yield from open_ranking_store(tmp_path, process)


@pytest.mark.parametrize("damaged", [b"cut", None])
def test_where_a_joint_checkpoint_is_damaged_the_last_good_version_serves_and_says_so(
    demanding_store: Store, damaged: bytes | None
) -> None:
    store = demanding_store
    add_labeled_prompts(store.engine, n_prompts=40)
    fast = store.train()
    joint = activate_joint_version(store)
    prompt_id = store.add_question("good", "bad", "bad again")
    with transaction(store.engine) as session:
        of_prompt = select(Candidate.id).where(col(Candidate.prompt_id) == prompt_id)
        one, two, three = sorted(int(id_ or 0) for id_ in session.exec(of_prompt))

    def rank(*ids: int) -> RankingView:
        return store.ranking.rank(prompt_id=prompt_id, candidate_ids=ids)

    assert rank(one, two).version.id == joint != fast
    if damaged is None:
        shutil.rmtree(store.home / "rankers" / "joint")
    else:
        put_joint_checkpoint(store, damaged)
    view = rank(one, three)
    assert view.version.id == fast
    assert f"The checkpoint of version {joint} cannot be used, so version {fast} ranks" in view.notice
    texts = store.ranking.compare_texts(RankingPrompt(instruction="Q?"), ["good", "bad"], members=["", ""])
    assert texts.shape == (2, 2)
    put_joint_checkpoint(store, b"whole")  # as from a backup: the active version serves again
    mended = rank(two, three)
    assert (mended.version.id, mended.notice) == (joint, "")


def test_a_joint_version_that_fails_with_whole_files_is_not_taken_for_damaged(
    demanding_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = demanding_store
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    activate_joint_version(store)

    def run_out(*_: object) -> None:
        raise RankerError("the models' process ran out of memory")

    monkeypatch.setattr(store.process, "read_pairs", run_out)
    with pytest.raises(RankerError, match="ran out of memory"):
        store.ranking.rank(prompt_id=store.add_question("good", "bad"))


def test_votes_are_learnt_at_once_and_the_ranking_says_up_to_which(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    version_id = store.train()
    prompt_id = store.add_question("good good good", "bad")
    before = store.ranking.rank(prompt_id=prompt_id)
    # Two hundred people who prefer the answer without the word: the live head turns round.
    add_labeled_prompts(store.engine, n_prompts=200, misleading=True, offset=1000)
    live = store.live_head.refit()
    assert live is not None
    assert live.refitted_preference_id == 40, "unread answers are not learnt from yet"
    carry_out(make_run(store.engine, store.home), store.training.request())  # reads them; refused
    live = store.live_head.refit()
    assert live is not None
    assert live.refitted_preference_id == 240
    after = store.ranking.rank(prompt_id=prompt_id)
    assert after.version.id == version_id
    assert after.refitted_preference_id == 240
    assert before.entries[0].member == "member-0"
    assert after.entries[0].member == "member-1"


def test_a_burst_of_votes_costs_few_refits_and_reaches_the_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    refitted: list[LiveRanker | None] = []
    refit = store.live_head.refit
    monkeypatch.setattr(store.live_head, "refit", lambda: refitted.append(refit()) or refitted[-1])
    for _ in range(50):
        store.ranking.learn_soon()
    wait_until(lambda: refitted)
    time.sleep(0.5)
    assert 1 <= len(refitted) <= 3
    version = store.ranking.active()
    assert version is not None
    assert store.live_head.current(version).refitted_preference_id == 40


def test_voted_answers_that_nobody_read_are_read_in_the_background(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    add_labeled_prompts(store.engine, n_prompts=2, offset=500)
    store.ranking.learn_soon()
    version = store.ranking.active()
    assert version is not None
    wait_until(lambda: store.live_head.current(version).refitted_preference_id == 42)
    assert not caplog.records


def test_an_app_that_ends_while_answers_are_read_does_not_warn(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    add_labeled_prompts(store.engine, n_prompts=2, offset=500)
    store.process.close()
    store.ranking.learn_soon()
    wait_until(lambda: not any(thread.name == "live-head" for thread in threading.enumerate()))
    assert not caplog.records


def test_a_refit_that_fails_leaves_the_ranking_as_trained_says_so_once_and_is_tried_again(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    version = store.ranking.active()
    assert version is not None
    folder = store.home / "rankers" / version.path
    folder.rename(store.home / "away")
    tried: list[None] = []
    refit = store.live_head.refit
    monkeypatch.setattr(store.live_head, "refit", lambda: tried.append(None) or refit())
    for count in (1, 2, 3):
        store.ranking.learn_soon()
        wait_until(lambda count=count: len(tried) == count)
    wait_until(lambda: caplog.records)
    (record,) = caplog.records
    assert record.getMessage().startswith("the live head does not learn: expected a fast ranker")
    (store.home / "away").rename(folder)
    store.ranking.learn_soon()
    wait_until(lambda: store.live_head.current(version).refitted_preference_id == 40)


def test_a_ruling_reaches_the_live_head_without_another_vote(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    store.live_head.refit()
    version = store.ranking.active()
    assert version is not None
    before = store.live_head.current(version)
    after_vote = AfterVote()
    after_vote.follow(store.live_head.refit_soon)
    Quality(store.engine, clock=utc_now, after_vote=after_vote).rule(
        comparison_id=1, outcome=Outcome.BOTH_BAD, reason="neither answers", decided_by_id=None
    )
    wait_until(lambda: not store.live_head.current(version).is_same(before))


def test_an_undone_vote_is_unlearnt(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    assert store.live_head.refit() is not None
    with transaction(store.engine, immediate=True) as session:
        session.exec(select(Preference).where(col(Preference.id) == 40)).one().retracted_at = utc_now()
    live = store.live_head.refit()
    assert live is not None
    assert live.refitted_preference_id == 39


def test_with_every_vote_taken_back_the_version_ranks_as_it_was_trained(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    version = store.ranking.active()
    assert version is not None
    live = store.live_head.refit()
    assert live is not None
    with transaction(store.engine, immediate=True) as session:
        for row in session.exec(select(Preference)):
            row.retracted_at = utc_now()
    assert store.live_head.refit() is None
    assert store.live_head.current(version).refitted_preference_id is None


def test_a_ranking_is_given_again_only_while_the_head_that_gave_it_is_the_same(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    prompt_id = store.add_question("good good good", "bad")
    store.live_head.refit()
    first = store.ranking.rank(prompt_id=prompt_id)
    store.live_head.refit()
    assert store.ranking.rank(prompt_id=prompt_id) == first, "nothing was learnt in between"
    with transaction(store.engine, immediate=True) as session:
        for row in session.exec(select(Preference).where(col(Preference.id) <= 30)):
            row.retracted_at = utc_now()
    store.live_head.refit()
    second = store.ranking.rank(prompt_id=prompt_id)
    assert second.refitted_preference_id == first.refitted_preference_id == 40
    assert second.logits != first.logits
    assert store.ranking.rank(prompt_id=prompt_id) == second
    assert store.count(Ranking) == 2


def test_after_a_restart_no_ranking_of_an_earlier_head_is_given_and_nothing_is_read(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    prompt_id = store.add_question("good good good", "bad")
    store.live_head.refit()
    before = store.ranking.rank(prompt_id=prompt_id)
    with transaction(store.engine, immediate=True) as session:
        session.exec(select(Preference).where(col(Preference.id) == 1)).one().retracted_at = utc_now()
    rankers_path = store.home / "rankers"
    live_head = LiveHead(
        store.engine, process=store.process, rankers_path=rankers_path, prioritise=lambda scores: None
    )
    ranking = RankingService(
        store.engine, process=store.process, live_head=live_head, rankers_path=rankers_path
    )
    live_head.refit()
    n_read = store.process.call(READER, "n_read")
    after = ranking.rank(prompt_id=prompt_id)
    assert after.refitted_preference_id == before.refitted_preference_id
    assert after.logits != before.logits
    assert store.process.call(READER, "n_read") == n_read


def test_the_queue_is_told_which_open_pairs_teach_most(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    prompt_id = store.add_question("good good good good good", "bad", "worse")
    store.ranking.rank(prompt_id=prompt_id)
    with transaction(store.engine, immediate=True) as session:
        session.get_one(Project, DEFAULT_PROJECT_ID).policy = "most_informative"
        first, second, third = session.exec(select(Candidate.id).where(col(Candidate.prompt_id) == prompt_id))
        for left, right in ((first, second), (second, third)):
            session.add(
                Comparison(prompt_id=prompt_id, left_id=left, right_id=right, origin="blend", priority=0.5)
            )
    store.ranking.learn_soon()
    wait_until(lambda: len(store.information) == 2)
    plain, toss_up = (store.information[key] for key in sorted(store.information))
    assert 0 <= plain < toss_up


def test_without_a_fast_version_the_queue_forgets_what_one_said_and_is_told_so_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    find = store.live_head._find_version
    monkeypatch.setattr(store.live_head, "_find_version", lambda: looks.append(None) or find())
    add_joint_version(store)
    for count in (1, 2, 3):
        store.ranking.learn_soon()
        wait_until(lambda count=count: len(looks) == count)
    wait_until(lambda: store.n_told)
    assert store.n_told == [0]


def test_a_checkpoint_that_was_changed_is_refused(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    store.train()
    version = store.ranking.active()
    assert version is not None
    with transaction(store.engine, immediate=True) as session:
        session.exec(select(ModelVersion)).one().fingerprint = "0" * 64
    with pytest.raises(RankerError, match="expected the weights 000000000000"):
        store.ranking.rank(prompt_id=store.add_question("good", "bad"))


def damage(store: Store, version_id: int) -> None:
    with transaction(store.engine) as session:
        row = session.get_one(ModelVersion, version_id)
        path = max(
            (store.home / "rankers" / row.path).glob("*.safetensors"), key=lambda one: one.stat().st_size
        )
    path.write_bytes(path.read_bytes()[:-40])


def train_again(store: Store) -> tuple[int, int]:
    """A version that a person put in the place of the first one."""
    add_labeled_prompts(store.engine, n_prompts=40)
    first, second = store.train(), store.train()
    with transaction(store.engine, immediate=True) as session:
        if not session.get_one(ModelVersion, second).is_active:
            activate_version(session, version_id=second, reason="newer", decided_by_id=None)
    return first, second


def test_where_the_active_checkpoint_is_damaged_the_last_good_one_serves_and_says_so(
    store: Store,
) -> None:
    first, second = train_again(store)
    path = store.home / "rankers"
    whole = {one: one.read_bytes() for one in path.rglob("*.safetensors")}
    damage(store, second)
    prompt_id = store.add_question("good", "bad")
    view = store.ranking.rank(prompt_id=prompt_id)
    assert view.version.id == first
    assert f"The checkpoint of version {second} cannot be used, so version {first} ranks" in view.notice
    assert view.entries[0].member == "member-0"
    scoring = Scoring(
        store.engine, process=store.process, live_head=store.live_head, rankers_path=store.home / "rankers"
    )
    assert scoring.find_scorer().version.id == first
    live = store.live_head.refit()
    assert live is not None
    assert live.version_id == first
    for file, content in whole.items():
        file.write_bytes(content)  # as from a backup: the active version serves again
    mended = store.ranking.rank(prompt_id=prompt_id)
    assert (mended.version.id, mended.notice) == (second, "")


def test_where_no_checkpoint_is_good_the_active_one_is_refused(store: Store) -> None:
    for version_id in train_again(store):
        damage(store, version_id)
    with pytest.raises(RankerError, match="expected"):
        store.ranking.rank(prompt_id=store.add_question("good", "bad"))


def test_outcomes_for_no_side_are_learnt_without_harm(store: Store) -> None:
    add_labeled_prompts(store.engine, n_prompts=40)
    with transaction(store.engine, immediate=True) as session:
        for row in session.exec(select(Preference).where(col(Preference.id) <= 5)):
            row.outcome = Outcome.BOTH_BAD if row.id == 1 else Outcome.TIE
    store.train()
    view = store.ranking.rank(prompt_id=store.add_question("good good good", "bad"))
    assert view.entries[0].member == "member-0"

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_ui.bootstrap import Services, build_services
from blender_ui.services.after_vote import Background
from blender_ui.services.data.exporting import ARCHIVE
from blender_ui.services.inspecting.member_ratings import MemberRatings
from blender_ui.services.ranking.live_head import LiveHead
from blender_ui.settings import Settings
from db.models import Outcome, Purpose
from tests.builders.stores import add_prompts, key_of, make_store

MEMBERS = """
[[member]]
name = "Ada"
backend = "openai"
model = "ada"
base_url = "http://127.0.0.1:9/v1"
"""
IMPORTED = {
    "id": "imported",
    "source": "file",
    "prompt": "Why?",
    "candidates": [{"model": "A", "text": "Because."}, {"model": "B", "text": "So."}],
    "labels": [{"annotator": "x", "a": 0, "b": 1, "winner": "a", "kind": "human"}],
}


class Caller:
    """An installation that serves, one annotator at it, and how often its live head was told to refit."""

    def __init__(self, folder: Path, refits: list[None]) -> None:
        self.folder = folder
        self.services: Services = self.build("home")
        self.services.start()
        for prompt_id in add_prompts(self.services.engine, n_prompts=3):
            self.services.labeling.queue_prompt(prompt_id=prompt_id)
        self.me = self.services.labeling.sign_in(key=key_of(1)).id
        self._refits = refits
        self.vote()
        refits.clear()

    def build(self, name: str) -> Services:
        members_path = self.folder / "members.toml"
        members_path.write_text(MEMBERS, encoding="utf-8")
        settings = Settings(
            home_path=self.folder / name,
            members_path=members_path,
            database_url=str(make_store(self.folder / name).url),
        )
        return build_services(settings)

    @property
    def n_refits(self) -> int:
        return len(self._refits)

    def vote(self) -> int:
        pair = self.services.labeling.next_pair(annotator_id=self.me)
        assert pair is not None
        return self.services.labeling.submit(
            annotator_id=self.me,
            lease_id=pair.lease_id,
            outcome=Outcome.LEFT,
            idempotency_key=str(pair.lease_id),
        ).preference_id

    def undo(self) -> None:
        self.services.labeling.undo(annotator_id=self.me)

    def undo_what_was_seen_since(self) -> None:
        for prompt_id in (1, 2, 3):
            self.services.labeling.mark_seen(annotator_id=self.me, prompt_id=prompt_id)
        assert self.services.labeling.undo(annotator_id=self.me) is None

    def relabel(self) -> None:
        (answer,) = self.services.relabeling.list_mine(annotator_id=self.me, project_id=1)
        self.services.relabeling.relabel(
            annotator_id=self.me,
            preference_id=answer.preference_id,
            outcome=Outcome.TIE,
            idempotency_key="changed",
        )

    def bring_in(self) -> None:
        path = self.folder / "votes.jsonl"
        path.write_text(json.dumps(IMPORTED) + "\n", encoding="utf-8")
        self.services.importing.import_file(path)

    def rule(self) -> None:
        self.services.quality.rule(
            comparison_id=1, outcome=Outcome.RIGHT, reason="left is wrong", decided_by_id=self.me
        )

    def make_a_check(self) -> None:
        self.services.checks.set_check(1, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=self.me)


@pytest.fixture
def caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    refits: list[None] = []
    monkeypatch.setattr(LiveHead, "refit_soon", lambda live_head: refits.append(None))
    monkeypatch.setattr(MemberRatings, "read_ahead", lambda ratings: None)
    caller = Caller(tmp_path, refits)
    yield caller
    caller.services.close()


@pytest.mark.parametrize(
    "change",
    [
        Caller.vote,
        Caller.undo,
        Caller.undo_what_was_seen_since,
        Caller.relabel,
        Caller.bring_in,
        Caller.rule,
        Caller.make_a_check,
    ],
)
def test_whichever_way_votes_change_the_live_head_hears_of_it_once(caller: Caller, change: object) -> None:
    assert callable(change)
    change(caller)
    assert caller.n_refits == 1


def test_an_archive_that_comes_in_reaches_the_live_head(caller: Caller, tmp_path: Path) -> None:
    path = tmp_path / "all.archive.zip"
    caller.services.exporting.export(path, format=ARCHIVE)
    other = caller.build("other home")
    other.start()
    before = caller.n_refits
    other.importing.import_file(path)
    assert caller.n_refits == before + 1
    other.close()


def test_what_changes_no_vote_is_not_told(caller: Caller) -> None:
    pair = caller.services.labeling.next_pair(annotator_id=caller.me)
    assert pair is not None
    caller.services.labeling.skip(annotator_id=caller.me, lease_id=pair.lease_id)
    caller.undo()  # of the skip
    assert caller.n_refits == 0


def test_many_calls_while_the_task_runs_cost_one_more_run() -> None:
    started, release, runs = threading.Event(), threading.Event(), []

    def task() -> None:
        runs.append(len(runs))
        started.set()
        release.wait(5)

    background = Background(task, name="test")
    background()
    assert started.wait(5)
    for _ in range(10):
        background()
    release.set()
    background.close()
    assert len(runs) == 2


def test_a_task_that_fails_is_logged_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([ValueError("first"), None])
    done = threading.Semaphore(0)

    def task() -> None:
        error = next(outcomes)
        done.release()
        if error is not None:
            raise error

    background = Background(task, name="due")
    for _ in range(2):
        background()
        assert done.acquire(timeout=5)
    background.close()
    assert "due failed" in caplog.text

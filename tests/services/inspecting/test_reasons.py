"""Why a stored ranking is as it is, by versions that were really trained on scripted readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from blender_ui.engine.process import JOINT, READER, EngineProcess
from blender_ui.ranking.fast.ranker import GROUPS
from blender_ui.services.inspecting.reasons import Explaining, Reasons, Taught
from blender_ui.services.ranking.live_head import LiveHead
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.rows import RankingView
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import is_held_out
from db.engine import transaction
from db.models import Prompt
from tests.builders.rows import answer, member, prompt, save
from tests.builders.stores import make_store
from tests.builders.trained import copy_trained_store
from tests.ranking.scripted_reader import CountingLengthRanker, ScriptedReader


class Store:
    """A store whose second version learnt from 180 prompts, with a ranker and what explains it."""

    def __init__(self, home: Path) -> None:
        self.version_id = copy_trained_store(home).misled
        self.engine = make_store(home)
        self.process = EngineProcess({READER: ScriptedReader, JOINT: CountingLengthRanker})
        paths: dict[str, Any] = {"rankers_path": home / "rankers"}
        self.head = LiveHead(self.engine, process=self.process, prioritise=lambda _: None, **paths)
        self.ranking = RankingService(self.engine, process=self.process, live_head=self.head, **paths)
        self.wanted: list[tuple[int, ...]] = []
        self.explaining = Explaining(
            self.engine, live_head=self.head, read_soon=lambda ids: self.wanted.append(tuple(ids)), **paths
        )

    def rank(self, prompt_id: int, version_id: int | None = None) -> tuple[RankingView, Reasons]:
        ranking = self.ranking.rank(prompt_id=prompt_id, version_id=version_id)
        return ranking, self.explaining.find(ranking)

    def find_prompt(self, *, is_out: bool) -> int:
        with transaction(self.engine) as session:
            ids = range(1, 181)
            prompts = [session.get_one(Prompt, one) for one in ids]
            return next(
                one.id or 0 for one in prompts if is_held_out(one.fingerprint, share=HELD_OUT_SHARE) is is_out
            )

    def add_prompt(self, texts: Sequence[str]) -> int:
        """A prompt that nobody voted on."""
        with transaction(self.engine, immediate=True) as session:
            (asked,) = save(session, [prompt("Something new?")])
            authors = save(
                session, [member(f"new-{n}", model="m", fingerprint="g") for n, _ in enumerate(texts)]
            )
            pairs = zip(authors, texts, strict=True)
            save(session, [answer(asked.id, author.id, text) for author, text in pairs])
            assert asked.id is not None
            return asked.id


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.head.close()
    store.ranking.close()
    store.process.close()
    store.engine.dispose()


def test_reasons_add_up_to_what_the_ranking_says(store: Store) -> None:
    prompt_id = store.add_prompt(["good good", "okay", "good"])
    ranking, reasons = store.rank(prompt_id, store.version_id)
    assert list(reasons.ahead) == [entry.candidate_id for entry in ranking.entries[1:]]
    for logit, parts in zip(ranking.logits[0][1:], reasons.ahead.values(), strict=True):
        assert [name for name, _ in parts] == list(GROUPS)
        assert sum(value for _, value in parts) == pytest.approx(logit, abs=1e-3)


def test_a_prompt_was_learnt_from_or_held_out_or_new(store: Store) -> None:
    learnt, out = store.find_prompt(is_out=False), store.find_prompt(is_out=True)
    new = store.add_prompt(["good", "okay"])
    found = [store.rank(one, store.version_id)[1].taught for one in (learnt, out)]
    assert found == [Taught.LEARNT, Taught.HELD_OUT]
    is_out = is_held_out(find_fingerprint(store, new), share=HELD_OUT_SHARE)
    assert store.rank(new, store.version_id)[1].taught is (Taught.HELD_OUT if is_out else Taught.NEW)


def test_a_head_that_has_learnt_since_gives_no_reasons_of_an_older_ranking(store: Store) -> None:
    prompt_id = store.find_prompt(is_out=True)
    assert store.head.refit() is not None
    ranking, reasons = store.rank(prompt_id)
    assert ranking.refitted_preference_id is not None
    assert reasons.taught is Taught.LEARNT  # the head follows every vote
    store.head.close()
    later = LiveHead(
        store.engine,
        process=store.process,
        rankers_path=store.explaining._rankers_path,
        prioritise=lambda _: None,
    )
    explaining = Explaining(
        store.engine,
        live_head=later,
        rankers_path=store.explaining._rankers_path,
        read_soon=store.wanted.append,  # type: ignore[arg-type]
    )
    assert explaining.find(ranking).ahead == {}


def test_answers_that_were_not_read_are_asked_for_once(store: Store) -> None:
    prompt_id = store.add_prompt(["good", "okay"])
    ranking, _ = store.rank(prompt_id)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM reading")
    first, again = store.explaining.find(ranking), store.explaining.find(ranking)
    assert (first.is_reading, first.ahead, again.is_reading) == (True, {}, True)
    assert store.wanted == [tuple(entry.candidate_id for entry in ranking.entries)]


def find_fingerprint(store: Store, prompt_id: int) -> str:
    with transaction(store.engine) as session:
        return session.get_one(Prompt, prompt_id).fingerprint

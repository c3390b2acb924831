"""Why there is no pair for somebody: counted, so that the page says what is true."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.services.labeling.leftover import Leftover
from blender_ui.services.labeling.loop import Labeling
from db.models import Outcome
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store


@dataclass(frozen=True)
class Store:
    engine: Engine
    clock: Clock
    labeling: Labeling

    def sign_in(self, number: int) -> int:
        return self.labeling.sign_in(key=key_of(number)).id

    def queue(self, *, n_prompts: int, n_candidates: int = 2) -> list[int]:
        ids = add_prompts(self.engine, n_prompts=n_prompts, n_candidates=n_candidates)
        for prompt_id in ids:
            self.labeling.queue_prompt(prompt_id=prompt_id)
        return ids

    def answer(self, annotator_id: int) -> None:
        pair = self.labeling.next_pair(annotator_id=annotator_id)
        assert pair is not None
        self.labeling.submit(
            annotator_id=annotator_id,
            lease_id=pair.lease_id,
            outcome=Outcome.TIE,
            idempotency_key=f"{pair.lease_id}",
        )

    def look(self, annotator_id: int) -> Leftover:
        assert self.labeling.next_pair(annotator_id=annotator_id) is None
        return self.labeling.leftover(annotator_id=annotator_id)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    engine, clock = make_store(tmp_path), Clock()
    return Store(engine, clock, make_labeling(engine, clock))


def test_a_project_without_prompts(store: Store) -> None:
    left = store.look(store.sign_in(1))
    assert (left.n_prompts, left.n_pairs) == (0, 0)


def test_prompts_without_two_answers_are_no_pairs(store: Store) -> None:
    store.queue(n_prompts=2, n_candidates=1)
    left = store.look(store.sign_in(1))
    assert (left.n_prompts, left.n_pairs) == (2, 0)


def test_what_others_hold_is_lent_until_it_comes_back(store: Store) -> None:
    store.queue(n_prompts=2)
    first, me = store.sign_in(1), store.sign_in(2)
    held = store.labeling.next_pair(annotator_id=first)
    assert held is not None
    store.labeling.next_pair(annotator_id=first, besides=held.lease_id)
    left = store.look(me)
    assert (left.n_pairs, left.n_mine, left.n_lent, left.n_by_others) == (2, 0, 2, 0)
    assert left.back_seconds == 60
    store.clock.pass_by(61)
    assert store.labeling.next_pair(annotator_id=me) is not None


def test_what_one_answered_skipped_saw_and_left_to_others_is_told_apart(store: Store) -> None:
    prompts = store.queue(n_prompts=5)
    me, other = store.sign_in(1), store.sign_in(2)
    for _ in range(2):
        store.answer(me)
    store.answer(other)
    skipped = store.labeling.next_pair(annotator_id=me)
    assert skipped is not None
    store.labeling.skip(annotator_id=me, lease_id=skipped.lease_id)
    for prompt_id in prompts:
        store.labeling.mark_seen(annotator_id=me, prompt_id=prompt_id)
    left = store.look(me)
    assert (left.n_pairs, left.n_mine, left.n_skipped, left.n_seen, left.n_by_others, left.n_lent) == (
        5, 2, 1, 1, 1, 0,
    )  # fmt: skip


def test_all_answered_is_all_by_me(store: Store) -> None:
    store.queue(n_prompts=3)
    me = store.sign_in(1)
    for _ in range(3):
        store.answer(me)
    left = store.look(me)
    assert (left.n_mine, left.n_pairs, left.n_by_others, left.n_lent) == (3, 3, 0, 0)

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blender_ui.tasks.kinds import Kinds, learn_kinds
from blender_ui.tasks.naming import ALL_PROMPTS, name_groups
from blender_ui.tasks.reading import ReadTasks

PROMPTS = ["sum the numbers of the list"] * 8 + ["translate the poem of the list"] * 8


def draw(sizes: tuple[int, ...], *, seed: int = 0) -> ReadTasks:
    """Groups of prompts that lie apart, each with a word of its own."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    embeddings = 5.0 * np.eye(30)[group] + 0.5 * rng.normal(size=(len(group), 30))
    return ReadTasks(
        tuple(f"the topic{'abcdef'[one]} of now" for one in group),
        np.zeros((len(group), 2)),
        embeddings,
    )


def learn(read: ReadTasks, before: Kinds | None = None) -> Kinds:
    return learn_kinds(read, rarity=lambda word: 0.0 if word in ("the", "now") else 1.0, before=before)


def test_a_group_is_named_by_words_that_the_others_lack() -> None:
    names = name_groups(PROMPTS, np.repeat([0, 1], 8), 2, rarity=lambda word: 1.0)
    assert names == ("numbers, sum", "poem, translate")


def test_words_that_are_everywhere_in_the_language_name_nothing() -> None:
    names = name_groups(
        PROMPTS, np.repeat([0, 1], 8), 2, rarity=lambda word: float(word not in ("sum", "poem"))
    )
    assert names[0].startswith("numbers")
    assert names[1].startswith("translate")


def test_one_group_is_all_prompts() -> None:
    assert name_groups(PROMPTS, np.zeros(16, dtype=int), 1, rarity=lambda word: 1.0) == (ALL_PROMPTS,)


def test_prompts_that_lie_apart_are_different_kinds_named_by_their_words() -> None:
    read = draw((40, 30, 50))
    kinds = learn(read)
    found = kinds.assign(read)
    assert len(kinds.names) == 3
    for topic, rows in (("topica", range(40)), ("topicb", range(40, 70)), ("topicc", range(70, 120))):
        own = found[list(rows)]
        assert np.ptp(own) == 0
        assert topic in kinds.names[own[0]]


def test_fewer_than_thirty_prompts_are_of_one_kind() -> None:
    read = draw((15, 14))
    assert learn(read).names == (ALL_PROMPTS,)
    assert not learn(read).assign(read).any()


def test_prompts_without_groups_are_of_one_kind_or_few() -> None:
    rng = np.random.default_rng(0)
    read = ReadTasks(("word",) * 200, rng.normal(size=(200, 20)), rng.normal(size=(200, 30)))
    assert len(learn(read).names) <= 3


def test_kinds_learnt_again_keep_names_and_places_and_new_ones_come_last() -> None:
    before = learn(draw((40, 30, 0, 50)))
    renamed = replace(before, names=tuple(f"old {number}" for number in range(len(before.names))))
    more = draw((60, 45, 70, 80), seed=1)
    again = learn(more, renamed)
    assert set(renamed.names) <= set(again.names)
    assert again.names[0] == "old 0"
    assert "topicc" in again.names[again.assign(more.select(np.array([110])))[0]]
    old, new = renamed.assign(more), again.assign(more)
    stayed = np.r_[0:105, 175:255]
    np.testing.assert_array_equal(old[stayed], new[stayed])

from __future__ import annotations

import numpy as np

from blender_ui.tasks.kinds import learn_kinds, name_groups

PROMPTS = ["sum the numbers of the list"] * 8 + ["translate the poem of the list"] * 8


def test_a_group_is_named_by_words_that_the_others_lack() -> None:
    names = name_groups(PROMPTS, np.repeat([0, 1], 8), 2)
    assert names == ("numbers, sum, list", "poem, translate, list")


def test_one_group_is_all_prompts() -> None:
    assert name_groups(PROMPTS, np.zeros(16, dtype=int), 1) == ("all prompts",)


def test_prompts_that_lie_apart_are_two_kinds() -> None:
    rng = np.random.default_rng(0)
    embeddings = np.repeat([[0.0, 5.0], [5.0, 0.0]], 8, axis=0) + 0.1 * rng.normal(size=(16, 2))
    kinds = learn_kinds(PROMPTS, embeddings, seed=0)
    assert len(set(kinds.assign(embeddings).tolist())) == len(kinds.names) == 2

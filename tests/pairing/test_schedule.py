"""Pairs worth asking: all different, everyone about equally often."""

from collections import Counter

import pytest

from blender_ui.pairing.schedule import draw_pairs


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 8, 9, 10])
def test_without_a_limit_every_pair_comes_once(n: int) -> None:
    pairs = draw_pairs([f"text {index}" for index in range(n)], limit=None, seed=1)
    assert len(pairs) == len(set(pairs)) == n * (n - 1) // 2
    assert all(low < high for low, high in pairs)


@pytest.mark.parametrize(("n", "limit"), [(10, 5), (10, 10), (9, 8), (6, 7), (5, 5)])
def test_under_a_limit_candidates_are_paired_about_equally_often(n: int, limit: int) -> None:
    for seed in range(20):
        pairs = draw_pairs([f"text {index}" for index in range(n)], limit=limit, seed=seed)
        times = Counter(index for pair in pairs for index in pair)
        assert len(pairs) == limit
        # With an odd number one sits out each round, so two may be a round behind.
        assert max(times.values()) - min(times[index] for index in range(n)) <= (1 if n % 2 == 0 else 2)


def test_answers_with_the_same_text_are_never_paired() -> None:
    assert draw_pairs(["same", "same ", "other"], limit=None, seed=3) in ([(0, 2), (1, 2)], [(1, 2), (0, 2)])
    assert draw_pairs(["", ""], limit=None, seed=3) == []


def test_another_seed_draws_other_pairs() -> None:
    texts = [f"text {index}" for index in range(10)]
    assert len({tuple(draw_pairs(texts, limit=5, seed=seed)) for seed in range(10)}) > 5
    assert draw_pairs(texts, limit=5, seed=4) == draw_pairs(texts, limit=5, seed=4)

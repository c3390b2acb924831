"""Players that were compared, directly or through others, are one group; others are not."""

import numpy as np

from blender_ui.statistics.groups import find_groups


def met(n_players: int, *pairs: tuple[int, int]) -> np.ndarray:
    wins = np.zeros((n_players, n_players))
    for winner, loser in pairs:
        wins[winner, loser] += 1
    return wins


def test_players_that_met_through_others_are_one_group() -> None:
    assert find_groups(met(4, (0, 1), (1, 2), (3, 2))).tolist() == [0, 0, 0, 0]


def test_islands_are_told_apart_with_the_largest_first() -> None:
    assert find_groups(met(5, (0, 1), (2, 3), (3, 4))).tolist() == [1, 1, 0, 0, 0]


def test_whoever_met_nobody_is_a_group_alone() -> None:
    assert find_groups(met(3, (1, 2))).tolist() == [1, 0, 0]
    assert find_groups(met(0)).tolist() == []

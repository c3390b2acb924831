import numpy as np

from blender_ui.statistics.cycles import find_cycles


def test_rock_paper_scissors_is_one_circle():
    found = find_cycles([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    assert found.triples == ((0, 2, 1),)
    assert found.n_triples == 1


def test_utilities_never_go_round():
    utilities = np.random.default_rng(0).normal(size=9)
    found = find_cycles(utilities[:, None] - utilities[None, :])
    assert found.triples == ()
    assert found.n_triples == 84


def test_circles_are_counted_as_kendall_and_babington_smith_do():
    # Biometrika 31 (1940): circular triads d = n(n-1)(2n-1)/12 - sum(wins^2)/2.
    rng = np.random.default_rng(2)
    upper = np.triu(rng.choice([-1.0, 1.0], (8, 8)), 1)
    margins = upper - upper.T
    wins = (margins > 0).sum(axis=1)
    assert len(find_cycles(margins).triples) == 8 * 7 * 15 / 12 - (wins**2).sum() / 2


def test_only_the_net_of_both_orders_counts_and_what_was_not_compared_is_left_out():
    margins = np.array([[0, 3.0, np.nan], [2.0, 0, 1.0], [np.nan, -1.0, 0]])
    found = find_cycles(margins)
    assert found.triples == ()
    assert found.n_triples == 0


def test_the_clearest_circle_comes_first():
    # 0 > 1 > 2 > 0 by 5 and 0 > 1 > 3 > 0 by 1; 2 and 3 are not compared.
    margins = np.full((4, 4), np.nan)
    for winner, loser, by in ((0, 1, 5), (1, 3, 1), (3, 0, 1), (1, 2, 5), (2, 0, 5)):
        margins[winner, loser], margins[loser, winner] = by, 0
    assert find_cycles(margins).triples == ((0, 1, 2), (0, 1, 3))

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.recorded import from_scores
from blender_ui.choosing.outcomes import Outcomes, Votes, from_votes

MEMBERS = ("strong", "middle", "weak")


def make_votes(rows: list[tuple[int, int, int, float]]) -> Votes:
    columns = np.array(rows, dtype=float).reshape(-1, 4)
    whole = columns[:, :3].astype(int)
    return Votes(prompt=whole[:, 0], first=whole[:, 1], second=whole[:, 2], target=columns[:, 3])


def test_a_missing_score_has_no_weight() -> None:
    outcomes = from_scores(("a", "b"), np.array([[1.0, np.nan], [0.0, 0.5]]))
    assert outcomes.weights.tolist() == [[1, 0], [1, 1]]
    assert outcomes.values[1].tolist() == [0.0, 0.5]


def test_a_win_over_a_strong_rival_says_more_than_one_over_a_weak_rival() -> None:
    past = [(0, 0, 1, 1.0), (0, 1, 2, 1.0), (0, 0, 2, 1.0)] * 10
    outcomes = from_votes(MEMBERS, make_votes([*past, (1, 1, 0, 1.0), (2, 1, 2, 1.0)]), n_prompts=3)
    assert outcomes.values[1, 1] > 1 > outcomes.values[2, 1]


def test_many_votes_on_one_answer_count_as_two_looks_at_most() -> None:
    outcomes = from_votes(MEMBERS, make_votes([(0, 0, 1, 1.0)] * 1000), n_prompts=1)
    assert outcomes.weights[0, 0] == pytest.approx(2, abs=0.01)
    assert outcomes.weights[0, 2] == 0


def test_the_order_of_the_sides_does_not_matter() -> None:
    one = from_votes(MEMBERS, make_votes([(0, 0, 1, 1.0), (1, 1, 2, 0.5)]), n_prompts=2)
    other = from_votes(MEMBERS, make_votes([(0, 1, 0, 0.0), (1, 2, 1, 0.5)]), n_prompts=2)
    np.testing.assert_allclose(one.values, other.values)


def test_a_vote_of_a_member_against_itself_says_nothing() -> None:
    assert not from_votes(MEMBERS, make_votes([(0, 1, 1, 1.0)]), n_prompts=1).weights.any()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected values and weights of shape \(n, 1\)"):
        Outcomes(members=("a",), values=np.zeros((3, 2)), weights=np.zeros((3, 2)))

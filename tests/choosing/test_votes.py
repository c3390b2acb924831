from __future__ import annotations

import numpy as np

from benchmarks.voting import choose_voters, vote, weigh_votes

ANSWERS = np.array([[0, 1, 1], [0, -1, 1], [-1, -1, -1]])


def test_two_who_agree_beat_one_who_is_a_little_better() -> None:
    weights = weigh_votes(np.tile([0.7, 0.6, 0.6], (3, 1)))
    assert vote(ANSWERS, weights, (0, 1, 2)).tolist()[0] in (1, 2)


def test_who_gave_no_answer_has_no_vote_and_where_nobody_did_the_best_stands() -> None:
    weights = weigh_votes(np.tile([0.6, 0.9, 0.7], (3, 1)))
    assert vote(ANSWERS, weights, (0, 1, 2)).tolist() == [1, 2, 1]


def test_only_the_set_votes() -> None:
    weights = weigh_votes(np.tile([0.7, 0.6, 0.6], (3, 1)))
    assert vote(ANSWERS, weights, (0, 2)).tolist()[0] == 0


def test_the_set_that_voted_best_is_chosen() -> None:
    answers = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]])
    values = (answers == 0).astype(float)
    assert choose_voters(2, answers=answers, weights=np.ones((3, 4)), values=values) in {
        (2, 3),
        (0, 2),
        (0, 3),
    }
    assert choose_voters(1, answers=answers, weights=np.ones((3, 4)), values=values) == (2,)

"""The learnt vote learns whom and what to trust, and starts as a plain vote."""

from __future__ import annotations

import numpy as np
import pytest

from blender_ui.evidence.choice import fit_graded, fit_logit
from blender_ui.evidence.vote import Choice, LearntVote
from blender_ui.values import FloatArray

MEMBERS = ("a", "b", "c", "d")


def _choice(*groups: tuple[int, ...], features: FloatArray | None = None, kind: str = "ask") -> Choice:
    made = np.zeros((len(groups), 1)) if features is None else features
    return Choice(
        members=MEMBERS,
        kind=kind,
        groups=groups,
        features=made,
        run=np.zeros((len(groups), 1)),
        lengths=np.zeros(len(MEMBERS)),
    )


def test_without_outcomes_the_largest_group_wins() -> None:
    vote = LearntVote.fit([], [])
    ranked = vote.rank_answers(_choice((1,), (0, 2, 3)))
    assert int(ranked.argmax()) in (0, 2, 3)


def test_one_good_member_outvotes_three_that_err_together() -> None:
    choices = [_choice((1, 2, 3), (0,)) for _ in range(30)]
    vote = LearntVote.fit(choices, [np.array([0.0, 1.0])] * 30)
    assert int(vote.rank_answers(choices[0]).argmax()) == 0


def test_agreement_that_helps_is_trusted_more_than_a_member() -> None:
    rng = np.random.default_rng(0)
    choices, outcomes = [], []
    for _ in range(60):
        alone = int(rng.integers(4))
        rest = tuple(place for place in range(4) if place != alone)
        choices.append(_choice(rest, (alone,)))
        outcomes.append(np.array([1.0, 0.0]))
    vote = LearntVote.fit(choices, outcomes)
    utilities = vote.utilities(_choice((1, 2, 3), (0,)))
    assert utilities[0] > utilities[1]


def test_a_group_that_was_misread_does_not_change_how_the_others_are_learnt() -> None:
    choices = [_choice((1, 2, 3), (0,)) for _ in range(30)]
    outcomes = [np.array([0.0, 1.0])] * 29
    plain = LearntVote.fit(choices[:29], outcomes).utilities(choices[0])
    with_one = LearntVote.fit(choices, [*outcomes, np.array([1 / 3, 1.0])]).utilities(choices[0])
    np.testing.assert_allclose(with_one, plain, rtol=0.3)


def test_a_member_is_judged_by_kind() -> None:
    choices = [_choice((0,), (1,), kind=kind) for kind in ("code", "ask") for _ in range(20)]
    outcomes = [np.array([1.0, 0.0])] * 20 + [np.array([0.0, 1.0])] * 20
    # One pair that agrees, so that outcomes are of groups.
    vote = LearntVote.fit([*choices, _choice((2, 3), (0,))], [*outcomes, np.array([1.0, 0.0])])
    assert int(vote.utilities(_choice((0,), (1,), kind="code")).argmax()) == 0
    assert int(vote.utilities(_choice((0,), (1,), kind="ask")).argmax()) == 1


def test_graded_outcomes_teach_features() -> None:
    rng = np.random.default_rng(1)
    choices, outcomes = [], []
    for _ in range(40):
        features = rng.normal(size=(4, 1))
        choices.append(_choice((0,), (1,), (2,), (3,), features=features))
        outcomes.append(3 + features[:, 0] + 0.1 * rng.normal(size=4))
    vote = LearntVote.fit(choices, outcomes)
    asked = _choice((0,), (1,), (2,), (3,), features=np.array([[0.0], [2.0], [1.0], [-1.0]]))
    assert vote.rank_answers(asked).argsort().tolist() == [3, 0, 2, 1]


def test_the_logit_meets_a_share_worked_by_hand() -> None:
    # One column that sets two rows apart; 3 of 4 times the first is right, so the odds are 3 and the
    # weight log 3 where the prior is weak. Many sets make it weak.
    rows = np.tile([[1.0], [0.0]], (400, 1))
    share = np.tile([[0.75, 0.25]], (400, 1)).ravel()
    weights = fit_logit(rows, np.repeat(np.arange(400), 2), share, np.array([0]))
    assert weights[0] == pytest.approx(np.log(3), abs=0.02)


def test_columns_of_noise_weigh_nothing_beside_one_that_tells() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(300, 11))
    outcome = rows[:, 0] + 0.1 * rng.normal(size=300)
    weights = fit_graded(rows, outcome, np.array([0] + [1] * 10))
    assert weights[0] == pytest.approx(1, abs=0.05)
    assert np.abs(weights[1:]).max() < 0.03

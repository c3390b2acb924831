from __future__ import annotations

import numpy as np

from benchmarks.recorded import from_scores
from blender_ui.choosing.forest import fit_forest
from blender_ui.choosing.outcomes import Outcomes
from blender_ui.values import FloatArray


def draw(n: int, *, differs: bool, seed: int = 0) -> tuple[Outcomes, FloatArray]:
    """Two members, right with .8 and .4, the other way round where the feature is above 0."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3))
    likely = np.tile([0.8, 0.4], (n, 1))
    if differs:
        likely[features[:, 0] > 0] = [0.4, 0.8]
    return from_scores(("a", "b"), (rng.random((n, 2)) < likely).astype(float)), features


def test_kinds_on_which_other_members_are_better_are_learnt() -> None:
    forest = fit_forest(*draw(300, differs=True), n_trees=20, seed=0)
    expected = forest.expect(np.array([[-1.5, 0, 0], [1.5, 0, 0]])).mean
    assert expected.argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(expected, [[0.8, 0.4], [0.4, 0.8]], atol=0.12)


def test_where_kinds_say_nothing_the_members_overall_quality_is_expected_everywhere() -> None:
    forest = fit_forest(*draw(300, differs=False), n_trees=20, seed=0)
    expected = forest.expect(np.random.default_rng(1).normal(size=(50, 3))).mean
    assert (expected.argmax(axis=1) == 0).all()
    assert np.ptp(expected, axis=0).max() < 0.05


def test_a_member_seen_twice_does_not_jump_to_the_top() -> None:
    rng = np.random.default_rng(0)
    scores = np.full((100, 3), np.nan)
    scores[:, :2] = rng.random((100, 2)) < [0.8, 0.5]
    scores[:2, 2] = 1.0
    forest = fit_forest(from_scores(("a", "b", "new"), scores), rng.normal(size=(100, 3)), n_trees=20, seed=0)
    found = forest.expect(np.zeros((1, 3)))
    assert found.mean[0, 2] < found.mean[0, 0]
    assert found.deviation[0, 2] > 2 * found.deviation[0, 0]


def test_a_few_prompts_give_the_overall_quality() -> None:
    scores = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    forest = fit_forest(from_scores(("a", "b"), scores), np.zeros((3, 2)), n_trees=20, seed=0)
    found = forest.expect(np.zeros((2, 2)))
    assert found.mean.shape == (2, 2)
    assert found.mean[0, 0] > found.mean[0, 1]


def test_an_outcome_without_weight_changes_nothing() -> None:
    outcomes, features = draw(120, differs=True)
    weights = outcomes.weights.copy()
    weights[:40, 1] = 0
    values = outcomes.values.copy()
    values[:40, 1] = 9.0
    one = fit_forest(
        Outcomes(members=("a", "b"), values=outcomes.values, weights=weights), features, n_trees=10, seed=0
    )
    other = fit_forest(
        Outcomes(members=("a", "b"), values=values, weights=weights), features, n_trees=10, seed=0
    )
    np.testing.assert_array_equal(one.expect(features).mean, other.expect(features).mean)

import numpy as np
import pytest
from scipy.optimize import minimize

from blender_ui.ranking.calibration import cross_entropy, moderate
from blender_ui.ranking.fast.head import (
    Comparisons,
    choose_precisions,
    fit_head,
    held_out_moderated,
    summarise,
)
from blender_ui.values import PreferenceDataset
from tests.ranking.preferences import make_preferences


def mirrored(dataset: PreferenceDataset) -> PreferenceDataset:
    return PreferenceDataset(
        prompts=dataset.prompts,
        texts=dataset.texts,
        members=dataset.members,
        prompt_of=dataset.prompt_of,
        left=dataset.right,
        right=dataset.left,
        target=1 - dataset.target,
        both_bad=dataset.both_bad,
        strength=dataset.strength,
        annotators=dataset.annotators,
    )


def test_the_mode_is_the_one_a_general_optimiser_finds():
    dataset, features = make_preferences(n_prompts=30)
    comparisons, precision = summarise(dataset), np.linspace(1, 3, features.shape[1])
    difference = (features[comparisons.first] - features[comparisons.second]).astype(float)

    def cost(weights: np.ndarray) -> float:
        surprise = cross_entropy(difference @ weights, comparisons.share, comparisons.weight)
        return surprise + 0.5 * float(precision @ weights**2)

    found = minimize(cost, np.zeros(features.shape[1]), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(fit_head(features, comparisons, precision).mean, found.x, atol=1e-3)


def test_one_feature_has_the_laplace_variance_of_a_hand_calculation():
    # 100 even pairs one unit apart: weight 0, curvature 100 * 1/4, prior 5: variance 1 / 30.
    comparisons = Comparisons(np.zeros(1, int), np.ones(1, int), np.array([0.5]), np.array([100.0]))
    head = fit_head(np.array([[1.0], [0.0]]), comparisons, np.array([5.0]))
    assert head.mean[0] == pytest.approx(0)
    assert head.covariance[0, 0] == pytest.approx(1 / 30)
    np.testing.assert_allclose(head.deviations(np.array([[1.0], [0.0]]))[0, 1], np.sqrt(1 / 30))


def test_held_out_logits_are_moderated_by_the_head_that_has_not_seen_the_pair():
    dataset, features = make_preferences(n_prompts=12)
    comparisons, precision = summarise(dataset), np.ones(features.shape[1])
    folds = dataset.prompt_of[comparisons.first] % 3
    moderated = held_out_moderated(features, comparisons, folds, precision)
    for pair in range(0, len(folds), 7):
        head = fit_head(features, comparisons.select(folds != folds[pair]), precision)
        first, second = comparisons.first[pair], comparisons.second[pair]
        logit = head.mean @ (features[first] - features[second])
        deviation = head.deviations(features[[first, second]])[0, 1]
        assert moderated[pair] == pytest.approx(moderate(logit, deviation), abs=1e-3)


def test_swapping_sides_changes_nothing():
    dataset, features = make_preferences(n_prompts=10)
    precision = np.ones(features.shape[1])
    one = fit_head(features, summarise(dataset), precision)
    other = fit_head(features, summarise(mirrored(dataset)), precision)
    np.testing.assert_allclose(one.mean, other.mean)


def test_a_warm_start_ends_at_the_same_weights():
    dataset, features = make_preferences(n_prompts=20)
    comparisons, precision = summarise(dataset), np.ones(features.shape[1])
    cold = fit_head(features, comparisons, precision)
    warm = fit_head(features, comparisons, precision, start=cold.mean + 5)
    np.testing.assert_allclose(cold.mean, warm.mean, atol=1e-4)


def test_no_preferences_leave_the_prior():
    nothing = Comparisons(np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0))
    head = fit_head(np.ones((2, 3)), nothing, np.full(3, 4.0))
    np.testing.assert_array_equal(head.mean, np.zeros(3))
    np.testing.assert_allclose(head.covariance, np.eye(3) / 4)


def test_cross_validation_shrinks_the_group_that_knows_nothing():
    dataset, features = make_preferences(n_prompts=80)
    comparisons = summarise(dataset)
    folds = dataset.prompt_of[comparisons.first] % 5
    steps: list[float] = []
    chosen = choose_precisions(
        features,
        comparisons,
        folds,
        group_sizes=[20, 20],
        usual=[3.0, 3.0],
        on_progress=lambda step, loss, accuracy: steps.append(loss),
    )
    # Only the last column, in the second group, decides; a step of the search is tenfold.
    assert chosen[0] / chosen[1] >= 10 * (1 - 1e-9)
    assert steps == sorted(steps, reverse=True)


def test_both_orders_of_a_pair_are_one_comparison_and_repeats_add_less_than_in_full():
    dataset, _ = make_preferences(n_prompts=1, n_members=2)
    twice = PreferenceDataset(
        prompts=dataset.prompts,
        texts=dataset.texts,
        members=dataset.members,
        prompt_of=dataset.prompt_of,
        left=np.array([0, 1, 0, 0]),
        right=np.array([1, 0, 1, 1]),
        target=np.array([1.0, 0.0, 1.0, 0.5]),
        both_bad=np.zeros(4, dtype=bool),
        strength=np.array([0.5, 0.5, np.nan, 1.0]),
        annotators=("a", "b", "c", "d"),
    )
    comparisons = summarise(twice)
    assert comparisons.share.tolist() == [(1 + 1 + 1 + 0.5) / 4]
    assert comparisons.weight.tolist() == [2]

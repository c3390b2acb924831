from __future__ import annotations

import numpy as np
import pytest

from blender_ui.choosing.partitions import Partition, believe, join_trees

STUMP = Partition(
    roots=np.array([0]),
    left=np.array([1, -1, -1]),
    right=np.array([2, -1, -1]),
    feature=np.array([0, 0, 0]),
    threshold=np.array([0.5, 0.0, 0.0]),
)


def test_the_belief_is_the_exact_posterior_of_the_hierarchy() -> None:
    """Against the dense Gaussian posterior: root ~ N(0, 1/k), each kind ~ N(root, 1/k), look ~ N(kind, 1)."""
    stiffness = 3.0
    leaves = np.array([[1], [1], [2]])
    residuals = np.array([[1.0], [0.4], [-0.6]])
    precision = stiffness * np.array([[3.0, -1, -1], [-1, 1, 0], [-1, 0, 1]])
    precision[1, 1] += 2
    precision[2, 2] += 1
    covariance = np.linalg.inv(precision)
    mean = covariance @ np.array([0.0, 1.4, -0.6])
    belief = believe(STUMP, leaves, residuals, np.ones((3, 1)), stiffness=stiffness)
    np.testing.assert_allclose(belief.mean[:, 0], mean)
    np.testing.assert_allclose(belief.variance[:, 0], np.diag(covariance))


def test_a_kind_without_outcomes_has_the_mean_of_all_and_is_less_sure() -> None:
    belief = believe(STUMP, np.array([[1], [1]]), np.ones((2, 1)), np.ones((2, 1)), stiffness=2.0)
    assert belief.mean[2, 0] == pytest.approx(belief.mean[0, 0])
    assert belief.variance[2, 0] > belief.variance[0, 0]


def test_joined_trees_find_the_leaves_that_each_finds() -> None:
    features = np.array([[0.2], [0.9]])
    np.testing.assert_array_equal(join_trees([STUMP, STUMP]).find_leaves(features), [[1, 4], [2, 5]])


def test_no_trees_find_no_leaves() -> None:
    assert join_trees([]).find_leaves(np.zeros((3, 1))).shape == (3, 0)

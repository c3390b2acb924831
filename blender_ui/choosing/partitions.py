"""Trees that divide prompts into kinds, and the belief about members that each kind implies.

A tree's nodes are kinds of prompt, ever finer. A member's quality in a kind is Gaussian around its quality
in the kind above, so that one with few prompts believes what the kinds above it know. Given the tree, the
posterior is exact: precisions are passed up to the root and means passed down again. Invariant: a member
without outcomes in a kind has there the mean of the kind above, and a wider variance. Non-goal: where a
tree divides, see ``forest``.

Source: Chou, Willsky and Benveniste, "Multiscale recursive estimation", IEEE TAC 39 (1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blender_ui.values import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Several trees, with their nodes in one row."""

    roots: IntArray
    """The node of each tree that is all prompts, (n_trees,)."""
    left: IntArray
    """The node below where the feature is at most the threshold, -1 at a leaf; (n_nodes,)."""
    right: IntArray
    feature: IntArray
    threshold: FloatArray

    def find_leaves(self, features: FloatArray) -> IntArray:
        """The leaf of each row of features in each tree, (n, n_trees)."""
        node = np.tile(self.roots, len(features))
        row = np.repeat(np.arange(len(features)), len(self.roots))
        open_places = np.arange(len(node))
        while len(open_places):
            open_places = open_places[self.left[node[open_places]] >= 0]
            at = node[open_places]
            below = features[row[open_places], self.feature[at]] <= self.threshold[at]
            node[open_places] = np.where(below, self.left[at], self.right[at])
        return node.reshape(len(features), len(self.roots))

    def levels(self) -> list[IntArray]:
        """Nodes by depth, the roots first."""
        found = [self.roots]
        while len(inner := found[-1][self.left[found[-1]] >= 0]):
            found.append(np.concatenate([self.left[inner], self.right[inner]]))
        return found


def join_trees(trees: Sequence[Partition]) -> Partition:
    """Put trees of one root each side by side."""
    sizes = [len(tree.left) for tree in trees]
    offsets = np.cumsum([0, *sizes[:-1]]) if sizes else np.zeros(0, dtype=np.intp)

    def moved(nodes: IntArray, offset: int) -> IntArray:
        return np.where(nodes >= 0, nodes + offset, -1)

    def joined(parts: list[IntArray]) -> IntArray:
        return np.concatenate([np.zeros(0, dtype=np.intp), *parts])

    pairs = list(zip(trees, offsets, strict=True))
    return Partition(
        roots=offsets.astype(np.intp),
        left=joined([moved(tree.left, offset) for tree, offset in pairs]),
        right=joined([moved(tree.right, offset) for tree, offset in pairs]),
        feature=joined([tree.feature for tree in trees]),
        threshold=np.concatenate([np.zeros(0), *(tree.threshold for tree in trees)]),
    )


@dataclass(frozen=True, kw_only=True)
class Belief:
    """Of every node and column: how far its mean is from the root's prior, and the variance of that.

    Both (n_nodes, n_columns); the variance in units of one observation's noise.
    """

    mean: FloatArray
    variance: FloatArray


def believe(
    partition: Partition, leaves: IntArray, residuals: FloatArray, weights: FloatArray, *, stiffness: float
) -> Belief:
    """The posterior of every kind.

    Args:
        partition: n_nodes kinds.
        leaves: The leaves of each of n prompts, (n, n_trees); -1 where a tree is not to learn from it.
        residuals: Outcomes less what is expected of all prompts, (n, n_columns).
        weights: Observations behind each, (n, n_columns).
        stiffness: The noise of one observation over the variance of a kind around the one above it: as many
            observations in a kind as the mean of the kind above counts.
    """
    precision = _sum_by_node(weights, leaves, len(partition.left))
    sums = _sum_by_node(weights * residuals, leaves, len(partition.left))
    levels = partition.levels()
    for level in reversed(levels):
        inner = level[partition.left[level] >= 0]
        for below in (partition.left[inner], partition.right[inner]):
            passed = stiffness / (precision[below] + stiffness)
            precision[inner] += precision[below] * passed
            sums[inner] += sums[below] * passed
    mean = sums / (precision + stiffness)
    variance = 1 / (precision + stiffness)
    for level in levels:
        inner = level[partition.left[level] >= 0]
        for below in (partition.left[inner], partition.right[inner]):
            trusted = stiffness / (precision[below] + stiffness)
            mean[below] += trusted * mean[inner]
            variance[below] += trusted**2 * variance[inner]
    return Belief(mean=mean, variance=variance)


def _sum_by_node(values: FloatArray, leaves: IntArray, n_nodes: int) -> FloatArray:
    """Sums of the prompts' rows in each leaf, (n_nodes, n_columns)."""
    row, tree = np.nonzero(leaves >= 0)
    node = leaves[row, tree]
    sums = [np.bincount(node, column[row], minlength=n_nodes) for column in values.T]
    return np.stack(sums, axis=1).astype(float)  # of no rows, numpy counts in integers

"""Every member's expected quality on a prompt, with its uncertainty: one Bayesian model over many partitions.

Members have a quality over all prompts, shrunk to their common mean. Kinds of prompt shift it, by trees of
ever finer kinds (``partitions``), averaged over many random trees; one more column learns what is hard for
all. How strongly kinds may shift, none included, is chosen by the prompts that a tree was not grown on.
Invariant: where kinds do not predict such prompts, the model is the members' overall quality. Non-goal:
reading prompts (rows of features come in) and choosing among members (``choice``).

Sources: Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63 (2006); the averaged
posterior over partitions follows Lakshminarayanan, Roy and Teh, "Mondrian forests", NeurIPS 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from blender_ui.choosing.outcomes import Outcomes
from blender_ui.choosing.partitions import Belief, Partition, believe, join_trees
from blender_ui.values import BoolArray, FloatArray, IntArray

STIFFNESSES = (2.0, 5.0, 10.0, 20.0, 50.0, 150.0)
CLEARLY = 2.0
"""Standard errors by which kinds must save squared error on other prompts before they count at all."""
MIN_LEAF = 5
FEATURE_SHARE, FEWEST_FEATURES = 0.4, 8
"""Of the features, how many are tried for a division; with fewer, a tree soon finds no place to divide."""
GROWN_ON = 0.8
"""Share of the prompts that a tree is grown on; the others tell how well it predicts."""
MEMBER_STIFFNESS = 10.0
"""Observations that the members' common mean counts against one member's own."""


class Expected(NamedTuple):
    """Of n prompts and m members, each (n, m): mean quality, and its standard deviation."""

    mean: FloatArray
    deviation: FloatArray


@dataclass(frozen=True, kw_only=True)
class Forest:
    """A fitted model; the columns of what it holds are the m members and, last, what is hard for all."""

    overall: FloatArray
    """Each member's quality over all prompts, (m,)."""
    overall_variance: FloatArray
    noise: FloatArray
    """Variance of one observation of each member around its expected quality, (m,)."""
    difficulty_noise: float
    trees: Partition
    belief: Belief
    """Of the trees' nodes."""
    stiffness: float
    """Infinite where kinds say nothing."""
    explained: float
    """Share of the squared error that kinds explain on prompts their trees were not grown on."""

    def expect(self, features: FloatArray) -> Expected:
        """Members' expected quality on prompts, from features of shape (n, n_features)."""
        n, m = len(features), len(self.overall)
        if not len(self.trees.roots):
            return Expected(np.tile(self.overall, (n, 1)), np.tile(np.sqrt(self.overall_variance), (n, 1)))
        leaves = self.trees.find_leaves(features)
        found = self.belief.mean[leaves]
        shift = found.mean(axis=1)
        noise = np.append(self.noise, self.difficulty_noise)
        variance = found.var(axis=1) + self.belief.variance[leaves].mean(axis=1) * noise
        mean = self.overall + shift[:, :m] + shift[:, m:]
        return Expected(mean, np.sqrt(self.overall_variance + variance[:, :m] + variance[:, m:]))


def fit_forest(outcomes: Outcomes, features: FloatArray, *, n_trees: int, seed: int) -> Forest:
    """Learn from outcomes of n prompts and features of shape (n, n_features)."""
    overall, overall_variance = _fit_overall(outcomes)
    targets, weights = _split_difficulty(outcomes, overall)
    trees, grown_on = _grow(targets, weights, features, n_trees=n_trees, seed=seed)
    leaves = trees.find_leaves(features)
    tested = _test(trees, leaves, grown_on, targets, weights)
    if tested is None:
        trees, leaves = join_trees(()), np.zeros((len(targets), 0), dtype=np.intp)
        tested = _Tested(np.inf, 0.0, np.zeros_like(targets))
    errors = weights * (targets - tested.predicted) ** 2
    noise = errors.sum(axis=0) / np.maximum(weights.sum(axis=0), 1)
    return Forest(
        overall=overall,
        overall_variance=overall_variance,
        noise=noise[:-1],
        difficulty_noise=float(noise[-1]),
        trees=trees,
        belief=believe(trees, leaves, targets, weights, stiffness=tested.stiffness),
        stiffness=tested.stiffness,
        explained=tested.explained,
    )


class _Tested(NamedTuple):
    """The stiffness that predicts best what trees were not grown on, and what it predicts."""

    stiffness: float
    explained: float
    predicted: FloatArray
    """(n, n_columns)."""


def _test(
    trees: Partition, leaves: IntArray, grown_on: BoolArray, targets: FloatArray, weights: FloatArray
) -> _Tested | None:
    """Try every stiffness; None where no kinds predict clearly better than the members' overall quality."""
    if not len(trees.roots):
        return None
    known = np.where(grown_on, leaves, -1)
    others = ~grown_on[:, :, None]
    n_others = np.maximum((~grown_on).sum(axis=1, keepdims=True), 1)
    base = (weights * targets**2)[:, :-1].sum(axis=1)
    best: _Tested | None = None
    for stiffness in STIFFNESSES:
        belief = believe(trees, known, targets, weights, stiffness=stiffness)
        predicted = (belief.mean[leaves] * others).sum(axis=1) / n_others
        saved = base - (weights * (targets - predicted) ** 2)[:, :-1].sum(axis=1)
        is_clear = saved.sum() > CLEARLY * saved.std() * np.sqrt(len(saved))
        explained = float(saved.sum() / max(base.sum(), 1e-9))
        if is_clear and (best is None or explained > best.explained):
            best = _Tested(stiffness, explained, predicted)
    return best


def _fit_overall(outcomes: Outcomes) -> tuple[FloatArray, FloatArray]:
    """Each member's mean quality and its variance, shrunk towards the members' common mean, (m,) both."""
    seen = outcomes.weights.sum(axis=0)
    sums = (outcomes.weights * outcomes.values).sum(axis=0)
    common = float(sums.sum() / max(seen.sum(), 1e-9)) if seen.sum() > 0 else 0.5
    overall = (sums + MEMBER_STIFFNESS * common) / (seen + MEMBER_STIFFNESS)
    spread = (outcomes.weights * (outcomes.values - overall) ** 2).sum() / max(seen.sum(), 1.0)
    return overall, spread / (seen + MEMBER_STIFFNESS)


def _split_difficulty(outcomes: Outcomes, overall: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Residuals without what all members share on a prompt, that in one more column, and the weights."""
    residuals = outcomes.values - overall
    seen = outcomes.weights.sum(axis=1, keepdims=True)
    shared = (outcomes.weights * residuals).sum(axis=1, keepdims=True) / (seen + 1)
    targets = np.hstack([np.where(outcomes.weights > 0, residuals - shared, 0.0), shared])
    weights = np.hstack([outcomes.weights, np.minimum(seen, 1.0)])
    return targets, weights


def _grow(
    targets: FloatArray, weights: FloatArray, features: FloatArray, *, n_trees: int, seed: int
) -> tuple[Partition, BoolArray]:
    """Random trees that set apart prompts on which other members are better.

    Returns:
        The trees, and what each was grown on, (n, n_trees).
    """
    n = len(targets)
    n_grown = int(n * GROWN_ON)
    if n_grown < 2 * MIN_LEAF or n_grown == n:
        return join_trees(()), np.zeros((n, 0), dtype=bool)
    from sklearn.ensemble import ExtraTreesRegressor  # takes a second, and only training comes here

    rng = np.random.default_rng(seed)
    # A member that nobody looked at there is taken to be as everywhere; beliefs read the true weights.
    wanted = targets[:, :-1] * np.sqrt(np.minimum(weights[:, :-1], 1.0))
    n_features = features.shape[1]
    n_tried = max(int(FEATURE_SHARE * n_features), min(FEWEST_FEATURES, n_features))
    trees, grown_on = [], np.zeros((n, n_trees), dtype=bool)
    for tree in range(n_trees):
        own = rng.choice(n, n_grown, replace=False)
        grown_on[own, tree] = True
        grower = ExtraTreesRegressor(
            1, min_samples_leaf=MIN_LEAF, max_features=n_tried, random_state=int(rng.integers(2**31))
        ).fit(features[own], wanted[own])
        grown = grower.estimators_[0].tree_
        trees.append(
            Partition(
                roots=np.zeros(1, dtype=np.intp),
                left=grown.children_left.astype(np.intp),
                right=grown.children_right.astype(np.intp),
                feature=np.maximum(grown.feature, 0).astype(np.intp),
                threshold=grown.threshold.astype(float),
            )
        )
    return join_trees(trees), grown_on

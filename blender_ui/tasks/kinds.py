"""Kinds of task, learnt from the prompts: groups of alike prompts, each with a name made from its own words.

What a prompt is about and what shape it has count together. There are as many kinds as come out again when
half of the prompts are grouped without the other half. Invariant: kinds learnt again keep their places and
names where most of their prompts stay together. Non-goal: expected qualities; the chooser's trees divide
prompts more finely, kinds are what people look at and what the ranker's prior goes by.

Sources: Tibshirani and Walther, "Cluster validation by prediction strength", Journal of Computational and
Graphical Statistics 14 (2005), for how many; Kuhn, "The Hungarian method", 1955, for which is which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from blender_ui.tasks.naming import ALL_PROMPTS, make_distinct, name_groups
from blender_ui.tasks.reading import ReadTasks
from blender_ui.values import FloatArray, IntArray

MOST_KINDS = 12
FEWEST_PROMPTS = 15
"""Of a kind, on average: fewer than twice as many prompts are of one kind."""
SHAPE_SHARE = 0.7
"""What the shape counts beside what the prompt is about."""
REPRODUCED = 0.5
"""Share of the pairs of prompts that halves of the prompts must put together alike."""
NEARLY = 0.1
"""By how much less of them more kinds may put together than the number that does so best: one kind of five
that is cut in two costs as much."""
N_SPLITS = 3
SAMPLE = 800
"""Prompts by which the number of kinds is chosen."""
SAME_KIND = 0.5
"""Share of a kind's prompts, old and new together, that must have stayed for it to keep its name."""


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Groups of prompts. The arrays are those by which a prompt is put into one."""

    names: tuple[str, ...]
    embedding_centre: FloatArray
    """(size,)."""
    shape_centre: FloatArray
    """(n_measures,)."""
    shape_scale: FloatArray
    centres: FloatArray
    """Of the kinds, (n_kinds, size + n_measures)."""

    def assign(self, read: ReadTasks) -> IntArray:
        """The nearest kind of each prompt, (n,)."""
        if len(self.names) == 1:
            return np.zeros(len(read.texts), dtype=np.intp)
        distances = (self.centres**2).sum(axis=1) - 2 * self._place(read) @ self.centres.T
        nearest: IntArray = distances.argmin(axis=1)
        return nearest

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the names and arrays."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for name, array in sorted(self.arrays().items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def arrays(self) -> dict[str, FloatArray]:
        """By name, to be saved."""
        return {
            "embedding_centre": self.embedding_centre,
            "shape_centre": self.shape_centre,
            "shape_scale": self.shape_scale,
            "centres": self.centres,
        }

    def _place(self, read: ReadTasks) -> FloatArray:
        about = read.embeddings - self.embedding_centre
        about /= np.maximum(np.linalg.norm(about, axis=1, keepdims=True), 1e-9)
        shape = np.clip((read.shapes - self.shape_centre) / self.shape_scale, -3, 3)
        return np.hstack([about, shape * SHAPE_SHARE / np.sqrt(shape.shape[1])])


def one_kind() -> Kinds:
    """All prompts are of one kind."""
    none = np.zeros(0)
    return Kinds(
        names=(ALL_PROMPTS,),
        embedding_centre=none,
        shape_centre=none,
        shape_scale=none,
        centres=np.zeros((1, 0)),
    )


def learn_kinds(
    read: ReadTasks, *, rarity: Callable[[str], float], before: Kinds | None = None, seed: int = 0
) -> Kinds:
    """Group prompts.

    Args:
        read: n prompts.
        rarity: Of a word in the language, 0 to 1, for the names.
        before: Kinds learnt from earlier prompts, whose places and names are kept as far as they go.
        seed: Of the grouping.
    """
    if len(read.texts) < 2 * FEWEST_PROMPTS:
        return one_kind()
    scale = read.shapes.std(axis=0)
    drafted = Kinds(
        names=(),
        embedding_centre=read.embeddings.mean(axis=0),
        shape_centre=read.shapes.mean(axis=0),
        shape_scale=np.where(scale > 1e-6, scale, 1.0),
        centres=np.zeros((0, read.embeddings.shape[1] + read.shapes.shape[1])),
    )
    places = drafted._place(read)
    n_kinds = _count_kinds(places, seed=seed)
    if n_kinds == 1:
        return one_kind()
    from sklearn.cluster import KMeans  # takes a second, and only learning comes here

    fitted = KMeans(n_kinds, n_init=4, random_state=seed).fit(places)
    centres = np.asarray(fitted.cluster_centers_, dtype=float)
    names = name_groups(read.texts, fitted.labels_, n_kinds, rarity=rarity)
    if not all(names):  # groups that people could not tell apart
        return one_kind()
    order, names = _keep_places(names, fitted.labels_, before, read)
    return Kinds(**{**drafted.arrays(), "centres": centres[order]}, names=names)


def _count_kinds(places: FloatArray, *, seed: int) -> int:
    """The most kinds that come out again about as well as any number; 1 where not even two do."""
    rng = np.random.default_rng(seed)
    most = min(MOST_KINDS, len(places) // FEWEST_PROMPTS, len(np.unique(places, axis=0)) // 4)
    sample = places[rng.permutation(len(places))[:SAMPLE]]
    strengths = {
        n_kinds: np.mean([_measure_strength(sample, n_kinds, rng) for _ in range(N_SPLITS)])
        for n_kinds in range(2, most + 1)
    }
    wanted = max(REPRODUCED, max(strengths.values(), default=0.0) - NEARLY)
    return max((n_kinds for n_kinds, strength in strengths.items() if strength >= wanted), default=1)


def _measure_strength(places: FloatArray, n_kinds: int, rng: np.random.Generator) -> float:
    """Of pairs of prompts that one half's kinds put together, the share that the other half's do, too."""
    from sklearn.cluster import KMeans

    order = rng.permutation(len(places))
    one, other = (KMeans(n_kinds, n_init=4, random_state=0).fit(places[order[start::2]]) for start in (0, 1))
    table = np.zeros((n_kinds, n_kinds))
    np.add.at(table, (other.labels_, one.predict(places[order[1::2]])), 1)
    sizes = table.sum(axis=1)
    together = (table * (table - 1)).sum(axis=1) / np.maximum(sizes * (sizes - 1), 1)
    return float(np.average(together, weights=sizes))


def _keep_places(
    names: Sequence[str], kind_of: IntArray, before: Kinds | None, read: ReadTasks
) -> tuple[list[int], tuple[str, ...]]:
    """The order of the new kinds, and their names: those of earlier kinds with the same prompts first."""
    if before is None or len(before.names) == 1:
        return list(range(len(names))), tuple(names)
    from scipy.optimize import linear_sum_assignment

    both = np.zeros((len(before.names), len(names)))
    np.add.at(both, (before.assign(read), kind_of), 1)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    shared = both / np.maximum(either, 1)
    kept = {
        int(new): int(old)
        for old, new in zip(*linear_sum_assignment(-shared), strict=True)
        if shared[old, new] >= SAME_KIND
    }
    order = sorted(range(len(names)), key=lambda new: kept.get(new, len(before.names)))
    found = [before.names[kept[new]] for new in order if new in kept]
    for new in order[len(found) :]:
        found.append(make_distinct(names[new], found))
    return order, tuple(found)

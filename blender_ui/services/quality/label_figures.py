"""Agreement and each annotator's figures from a log of labels. Pure: arrays in, figures out.

Invariant: an annotator is compared with the others' labels of an item, never with their own. Non-goal:
reading the log, and acting on a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from blender_ui.language import tr
from blender_ui.statistics.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from blender_ui.statistics.bootstrap import Estimate
from blender_ui.statistics.mcnemar import split_p_value
from blender_ui.statistics.shares import measure_share, wilson_interval
from blender_ui.values import FloatArray, IntArray, OutcomeCode, is_decided
from blender_ui.votes.labels import N_OUTCOMES, Labels

TOO_FAST_SECONDS = 1.5
"""Nobody reads a question and two answers in less."""
N_LATEST = 30
"""Latest labels of an annotator that a warning considers."""
N_WINDOWS = 24
N_IN_MATRIX = 20
MIN_SHARED = 10
_MIN_ITEMS_IN_WINDOW = 20


class Latest(NamedTuple):
    """An annotator's latest labels, at most ``N_LATEST``, as shown.

    Attributes:
        outcome: Codes of ``OutcomeCode``, (n,).
        is_side_drawn: Whether the sides were drawn at random, (n,).
        seconds: NaN where unknown, (n,).
        gold: The right answer as shown, -1 where nobody knows it, (n,).
    """

    outcome: IntArray
    is_side_drawn: NDArray[np.bool_]
    seconds: FloatArray
    gold: IntArray


@dataclass(frozen=True, kw_only=True)
class AnnotatorFigures:
    """One annotator beside the others; shares are in [0, 1] with 95 % intervals, NaN where unknown.

    Attributes:
        annotator_id, name: Who.
        n_labels: Labels that stand.
        agreement: Share of labels that are what most of the others chose.
        n_compared: Labels on which most of the others chose one thing.
        gold: Share right among gold pairs and attention checks.
        n_gold: How many those are.
        left_share: Share of left among decided labels whose sides were drawn at random.
        n_sided: How many those are.
        median_seconds: Of a label; NaN where none is known.
        fast_share: Share given within ``TOO_FAST_SECONDS``; NaN where no time is known.
        warning: What looks odd in the latest labels; empty where nothing does.
    """

    annotator_id: int
    name: str
    n_labels: int
    agreement: Estimate
    n_compared: int
    gold: Estimate
    n_gold: int
    left_share: Estimate
    n_sided: int
    median_seconds: float
    fast_share: float
    warning: str


class Window(NamedTuple):
    """Agreement on items that were last labelled about the same time."""

    last_preference_id: int
    n_items: int
    alpha: Estimate


@dataclass(frozen=True, kw_only=True)
class Overall:
    """Agreement of all.

    Attributes:
        n_items: Pairs with a label.
        n_overlapping: Of those, the ones with labels of two people or more.
        n_disagreeing: Of those, the ones whose labels differ.
        alpha: Krippendorff's, over left, right, tie and both bad.
        fleiss: Kappa of the items with the most usual number of labels, ``n_raters``.
        agreement: Share of pairs of labels of one item that are the same.
    """

    n_items: int
    n_overlapping: int
    n_disagreeing: int
    alpha: Estimate
    fleiss: Estimate
    n_raters: int
    agreement: float


@dataclass(frozen=True, kw_only=True)
class PairMatrix:
    """Agreement of every two of the annotators with the most labels.

    Attributes:
        names: One per row and column.
        agreement: Share of shared items on which both chose the same, NaN below ``MIN_SHARED``, (k, k).
        n_shared: Items that both labelled, (k, k).
        kappas: By row and column, the row before the column: Cohen's.
    """

    names: tuple[str, ...]
    agreement: FloatArray
    n_shared: IntArray
    kappas: dict[tuple[int, int], Estimate]


def measure_overall(log: Labels, counts: IntArray) -> Overall:
    """Agreement over items, from ``count_choices``."""
    is_shared = counts.sum(axis=1) >= 2
    shared, clusters = counts[is_shared], log.cluster[is_shared]
    sizes = shared.sum(axis=1)
    n_raters = int(np.bincount(sizes).argmax()) if len(sizes) else 0
    same, pairs = (shared * (shared - 1)).sum(), (sizes * (sizes - 1)).sum()
    return Overall(
        n_items=len(counts),
        n_overlapping=len(shared),
        n_disagreeing=int((shared.max(axis=1, initial=0) < sizes).sum()),
        alpha=krippendorff_alpha(shared, clusters=clusters),
        fleiss=fleiss_kappa(shared[sizes == n_raters], clusters=clusters[sizes == n_raters]),
        n_raters=n_raters,
        agreement=float(same / pairs) if pairs else np.nan,
    )


def measure_windows(log: Labels, counts: IntArray) -> list[Window]:
    """Agreement over time, in windows of as many overlapping items each, by their last label."""
    last = np.zeros(len(counts), dtype=np.int64)
    last[log.item] = log.preference_id  # ids ascend, so the last one stays
    shared = np.flatnonzero(counts.sum(axis=1) >= 2)
    shared = shared[np.argsort(last[shared])]
    n_windows = min(N_WINDOWS, len(shared) // _MIN_ITEMS_IN_WINDOW)
    return [
        Window(
            int(last[items[-1]]),
            len(items),
            krippendorff_alpha(counts[items], clusters=log.cluster[items], n_resamples=300),
        )
        for items in np.array_split(shared, n_windows or 1)
        if len(items)
    ]


def measure_pairs(log: Labels, counts: IntArray) -> PairMatrix:
    """Agreement, on the items that two people or more labelled."""
    is_shared = counts.sum(axis=1)[log.item] >= 2
    n_of = np.bincount(log.annotator[is_shared], minlength=len(log.names))
    chosen = np.argsort(-n_of, kind="stable")[:N_IN_MATRIX]
    chosen = chosen[n_of[chosen] > 0]
    place = np.full(len(log.names), -1)
    place[chosen] = np.arange(len(chosen))
    kept = is_shared & (place[log.annotator] >= 0) if len(chosen) else np.zeros(len(log), dtype=bool)
    who = place[log.annotator[kept]]
    tables = _confusions(log.item[kept], who, log.choice[kept], len(chosen))
    n_shared = tables.sum(axis=(0, 1))
    n_clusters = _count_shared(log.cluster[log.item[kept]], who, len(chosen))
    np.fill_diagonal(n_shared, 0)
    same = np.einsum("oo...->...", tables).astype(float)
    agreement = np.where(n_shared >= MIN_SHARED, same / np.maximum(n_shared, 1), np.nan)
    kappas = {
        (a, b): cohen_kappa(tables[:, :, a, b], n_independent=int(n_clusters[a, b]))
        for a in range(len(chosen))
        for b in range(a + 1, len(chosen))
        if n_shared[a, b] >= MIN_SHARED
    }
    names = tuple(log.names[index] for index in chosen)
    return PairMatrix(names=names, agreement=agreement, n_shared=n_shared, kappas=kappas)


def _confusions(item: IntArray, annotator: IntArray, choice: IntArray, n_annotators: int) -> IntArray:
    """Shared items by both choices and both annotators, (N_OUTCOMES, N_OUTCOMES, k, k)."""
    if not len(item):
        return np.zeros((N_OUTCOMES, N_OUTCOMES, n_annotators, n_annotators), dtype=np.int64)
    shape = (int(item.max()) + 1, N_OUTCOMES * n_annotators)
    chose = scipy.sparse.csr_array(
        (np.ones(len(item), dtype=np.int64), (item, choice * n_annotators + annotator)), shape
    )
    tables = (chose.T @ chose).toarray().reshape(N_OUTCOMES, n_annotators, N_OUTCOMES, n_annotators)
    return tables.swapaxes(1, 2)


def _count_shared(cluster: IntArray, annotator: IntArray, n_annotators: int) -> IntArray:
    """How many clusters every two annotators share, (k, k)."""
    shape = (int(cluster.max(initial=-1)) + 1, n_annotators)
    labelled = scipy.sparse.csr_array((np.ones(len(cluster), dtype=np.int64), (cluster, annotator)), shape)
    labelled.data[:] = 1  # as many items as one has in a cluster, they count once
    return np.asarray((labelled.T @ labelled).toarray())


def measure_annotators(log: Labels, counts: IntArray) -> list[AnnotatorFigures]:
    """Each annotator, those with the most labels first."""
    agrees, is_compared = _agree_with_others(log, counts)
    order = np.argsort(log.annotator, kind="stable")
    bounds = np.searchsorted(log.annotator[order], np.arange(len(log.names) + 1))
    figures = [
        _measure_one(log, order[bounds[who] : bounds[who + 1]], who, agrees, is_compared)
        for who in range(len(log.names))
    ]
    return sorted(figures, key=lambda one: -one.n_labels)


def _measure_one(
    log: Labels, mine: IntArray, who: int, agrees: NDArray[np.bool_], is_compared: NDArray[np.bool_]
) -> AnnotatorFigures:
    outcome, seconds = log.outcome[mine], log.seconds[mine]
    seconds = seconds[np.isfinite(seconds)]
    sided = outcome[log.is_side_drawn[mine] & is_decided(outcome)]
    compared = agrees[mine][is_compared[mine]]
    latest = mine[-N_LATEST:]
    said = warn(Latest(log.outcome[latest], log.is_side_drawn[latest], log.seconds[latest], log.gold[latest]))
    checks = mine[log.gold[mine] >= 0]
    recent = agrees[mine][is_compared[mine]][-N_LATEST:]
    return AnnotatorFigures(
        annotator_id=int(log.annotator_ids[who]),
        name=log.names[who],
        n_labels=len(mine),
        agreement=_share(agrees, mine[is_compared[mine]], log),
        n_compared=len(compared),
        gold=_share(log.outcome == log.gold, checks, log),
        n_gold=len(checks),
        left_share=wilson_interval(int((sided == OutcomeCode.LEFT).sum()), len(sided)),
        n_sided=len(sided),
        median_seconds=float(np.median(seconds)) if len(seconds) else np.nan,
        fast_share=float((seconds < TOO_FAST_SECONDS).mean()) if len(seconds) else np.nan,
        warning=" ".join(part for part in (said, _warn_of_agreement(recent)) if part),
    )


def _share(is_right: NDArray[np.bool_], places: IntArray, log: Labels) -> Estimate:
    """The share of some labels that are right; those of one ballot go together."""
    shares = measure_share(is_right[places], np.unique(log.statement[places], return_inverse=True)[1])
    return Estimate(float(shares.share[0]), float(shares.low[0]), float(shares.high[0]))


def _agree_with_others(log: Labels, counts: IntArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each label is what most of the others chose, and whether most of them chose one thing."""
    others = counts.T[:, log.item]
    mine = log.choice, np.arange(len(log))
    others[mine] -= 1
    top = others.max(axis=0, initial=0)
    is_compared = (top > 0) & ((others == top).sum(axis=0) == 1)
    return others[mine] == top, is_compared


def warn(latest: Latest) -> str:
    """A gentle sentence for an annotator whose latest labels look odd; empty where they do not.

    Checks: three or more check pairs, and most of them, were missed. Haste: half of at least ten labels
    came within ``TOO_FAST_SECONDS``. One side: chance would give as many on one side, of at least
    fifteen, less than once in a thousand times. One answer: the last twenty are all a tie, or all both bad.
    """
    checks = latest.gold >= 0
    n_missed = int((latest.outcome != latest.gold)[checks].sum())
    if n_missed >= 3 and 2 * n_missed > checks.sum():
        return tr(
            "{n_missed} of the latest {n_checks} check pairs, whose answer is known, came out "
            "otherwise. Please read the guidelines once more.",
            n_missed=n_missed,
            n_checks=int(checks.sum()),
        )
    known = latest.seconds[np.isfinite(latest.seconds)]
    if len(known) >= 10 and (known < TOO_FAST_SECONDS).mean() >= 0.5:
        return tr(
            "Many of the latest answers took less than {too_fast_seconds:g} seconds. There is no "
            "hurry: please read both answers before choosing.",
            too_fast_seconds=TOO_FAST_SECONDS,
        )
    sided = latest.outcome[latest.is_side_drawn & is_decided(latest.outcome)]
    n_right = int((sided == OutcomeCode.RIGHT).sum())
    if len(sided) >= 15 and split_p_value(n_right, len(sided) - n_right) < 0.001:
        side, n = ("right", n_right) if 2 * n_right > len(sided) else ("left", len(sided) - n_right)
        return tr(
            "{n} of the latest {n_sided} choices were the {side} answer, and sides are drawn at "
            "random. A short break may help.",
            n=n,
            n_sided=len(sided),
            side=tr(side),
        )
    last = set(latest.outcome[-20:].tolist())
    if len(latest.outcome) >= 20 and len(last) == 1 and last.pop() > OutcomeCode.RIGHT:
        return tr(
            "The latest 20 answers were all the same. If the pairs are too hard to tell apart, skip them."
        )
    return ""


def _warn_of_agreement(recent: NDArray[np.bool_]) -> str:
    """For the researcher's eyes: one against the others."""
    if len(recent) < 15 or wilson_interval(int(recent.sum()), len(recent)).high >= 0.5:
        return ""
    return tr(
        "Agrees with most of the others in {n_agreed} of the latest {n_recent}.",
        n_agreed=int(recent.sum()),
        n_recent=len(recent),
    )

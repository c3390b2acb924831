"""What a chooser learnt, for people: members by kinds of task, a map of prompts, and whether choosing helps.

Invariant: the curve is of prompts that the chooser has not learnt from, and every way of asking is judged on
the same ones. Non-goal: deciding whether a chooser may choose, and drawing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import comb
from pathlib import Path
from typing import Any

import numpy as np

from blender_ui.choosing.choice import order_members
from blender_ui.choosing.chooser import Chooser
from blender_ui.choosing.outcomes import Outcomes, Votes
from blender_ui.errors import ChooserError
from blender_ui.statistics.bootstrap import bootstrap_mean
from blender_ui.tasks.reading import ReadTasks
from blender_ui.values import BoolArray, FloatArray, IntArray

REPORT = "report.json"
CHOSEN, ALWAYS, RANDOM, ALL = "chosen for the prompt", "always the same", "at random", "all"
MOST_CALLS = 8
MOST_JUDGED = 400
MOST_POINTS = 4000
"""Prompts on the map; of more, a sample."""
EXCERPT = 90
WIDE = 1.96
LEAST_GAIN = 0.005
"""Below this the best answer of another way of asking is as good."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One way of asking so many members."""

    way: str
    n_calls: float
    """Members asked a prompt, on average: fewer than wanted where fewer have a known outcome."""
    quality: float
    """Of the best of the answers."""
    low: float
    high: float
    shares: tuple[float, ...]
    """How often each member was asked, for what it costs."""


@dataclass(frozen=True, kw_only=True)
class ChooserReport:
    """What a version learnt: m members, n_kinds kinds of task, n prompts on the map."""

    members: tuple[str, ...]
    kinds: tuple[str, ...]
    quality: tuple[tuple[float, ...], ...]
    """(n_kinds, m); what is expected of a member on the kind's prompts."""
    margins: tuple[tuple[float, ...], ...]
    """(n_kinds, m); half of the 95 % interval, as wide as if all the kind's prompts erred together."""
    n_votes: tuple[tuple[int, ...], ...]
    """(n_kinds, m)."""
    prompts: tuple[str, ...]
    """Beginnings of the prompts on the map, (n,)."""
    places: tuple[tuple[float, float], ...]
    """(n, 2)."""
    kind_of: tuple[int, ...]
    curve: tuple[CurvePoint, ...]
    n_judged: int

    @property
    def leader(self) -> str:
        """The member that is best on every kind of task; empty where kinds have different ones."""
        best = {int(np.argmax(row)) for row in self.quality}
        return self.members[best.pop()] if len(best) == 1 else ""

    def save(self, folder: Path) -> None:
        """Write it beside the chooser."""
        (folder / REPORT).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def load_report(folder: Path) -> ChooserReport:
    """The report of a saved chooser.

    Raises:
        ChooserError: If there is none, as of versions from before reports.
    """
    try:
        found = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        points = tuple(CurvePoint(**{**one, "shares": tuple(one["shares"])}) for one in found.pop("curve"))
        return ChooserReport(curve=points, **{name: _freeze(value) for name, value in found.items()})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChooserError(
            f"expected a report of what this version learnt, came {error}; train a chooser again"
        ) from error


def make_report(
    chooser: Chooser, read: ReadTasks, votes: Votes, *, held_out: ReadTasks, outcomes: Outcomes
) -> ChooserReport:
    """Summarise a chooser.

    Args:
        chooser: Just fitted.
        read: n prompts with votes.
        votes: Of these prompts, on the chooser's members.
        held_out: Prompts that it has not learnt from.
        outcomes: Of these.
    """
    kind_of = chooser.kinds.assign(read)
    n_kinds = len(chooser.kinds.names)
    quality, margins = _expect_by_kind(chooser, read, kind_of)
    n_votes = np.zeros((n_kinds, len(chooser.members)), dtype=int)
    for side in (votes.first, votes.second):
        np.add.at(n_votes, (kind_of[votes.prompt], side), 1)
    shown = np.random.default_rng(chooser.options.seed).permutation(len(kind_of))[:MOST_POINTS]
    places = (read.embeddings[shown] - chooser.centre) @ chooser.axes[:, :2]
    curve, n_judged = measure_curve(chooser, held_out, outcomes)
    return ChooserReport(
        members=chooser.members,
        kinds=chooser.kinds.names,
        quality=_freeze(quality.tolist()),
        margins=_freeze(margins.tolist()),
        n_votes=_freeze(n_votes.tolist()),
        prompts=tuple(" ".join(read.texts[row].split())[:EXCERPT] for row in shown),
        places=_freeze(np.round(places, 4).tolist()),
        kind_of=_freeze(kind_of[shown].tolist()),
        curve=curve,
        n_judged=n_judged,
    )


def measure_curve(
    chooser: Chooser, held_out: ReadTasks, outcomes: Outcomes
) -> tuple[tuple[CurvePoint, ...], int]:
    """Quality by how many are asked, and on how many prompts; those with fewer than two known members say
    nothing, and a member can be asked only where its outcome is known."""
    known = outcomes.weights > 0
    rows = np.flatnonzero(known.sum(axis=1) >= 2)[:MOST_JUDGED]
    if not len(rows):
        return (), 0
    known, values = known[rows], outcomes.values[rows]
    expected = np.clip(chooser.expect(held_out.select(rows)).mean, 0, 1)
    most = min(MOST_CALLS, int(known.sum(axis=1).max()))
    free = np.zeros(known.shape[1])
    orders = [
        order_members(most, expected=one, errors=chooser.errors, costs=free, allowed=allowed)
        for one, allowed in zip(expected, known, strict=True)
    ]
    overall = np.argsort(-chooser.forest.overall)
    always = [tuple(int(member) for member in overall if allowed[member]) for allowed in known]
    points = []
    for k in range(1, most + 1):
        for way, order in ((CHOSEN, orders), (ALWAYS, always)):
            points.append(_judge(way, [one[:k] for one in order], values))
        points.append(_judge_random(k, known, values))
    points.append(_judge(ALL, [tuple(np.flatnonzero(allowed).tolist()) for allowed in known], values))
    return tuple(points), len(rows)


def _expect_by_kind(chooser: Chooser, read: ReadTasks, kind_of: IntArray) -> tuple[FloatArray, FloatArray]:
    expected = chooser.expect(read)
    shape = (len(chooser.kinds.names), len(chooser.members))
    quality, margins = np.tile(chooser.forest.overall, (shape[0], 1)), np.full(shape, 0.5)
    for kind in range(shape[0]):
        own = kind_of == kind
        if own.any():
            quality[kind] = expected.mean[own].mean(axis=0)
            margins[kind] = WIDE * expected.deviation[own].mean(axis=0)
    return np.clip(quality, 0, 1), margins


def _judge(way: str, sets: Sequence[tuple[int, ...]], values: FloatArray) -> CurvePoint:
    best = np.array([values[row, list(members)].max() for row, members in enumerate(sets)])
    asked = np.zeros(values.shape)
    for row, members in enumerate(sets):
        asked[row, list(members)] = 1
    return _point(way, best, asked)


def _judge_random(k: int, known: BoolArray, values: FloatArray) -> CurvePoint:
    """The expected best of k members drawn without replacement, exactly, by order statistics."""
    best, asked = np.zeros(len(known)), np.zeros(known.shape)
    for row, allowed in enumerate(known):
        own = np.sort(values[row, allowed])
        n_asked = min(k, len(own))
        odds = [comb(place, n_asked - 1) / comb(len(own), n_asked) for place in range(len(own))]
        best[row] = float(np.dot(odds, own))
        asked[row, allowed] = n_asked / len(own)
    return _point(RANDOM, best, asked)


def _point(way: str, best: FloatArray, asked: FloatArray) -> CurvePoint:
    found = bootstrap_mean(best, np.arange(len(best)), seed=0)
    shares = asked.mean(axis=0)
    return CurvePoint(
        way=way,
        n_calls=float(shares.sum()),
        quality=found.value,
        low=found.low,
        high=found.high,
        shares=tuple(float(share) for share in shares),
    )


def _freeze(value: Any) -> Any:
    return tuple(_freeze(one) for one in value) if isinstance(value, list) else value

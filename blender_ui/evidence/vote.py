"""The learnt vote: which of a prompt's groups of answers is right, by its supporters and its evidence.

Every member has a weight, and one for each kind of task; every feature of a group has one, too. All are
learnt from outcomes or preferences and shrunk by empirical Bayes, so agreement that misleads is not trusted.
Invariant: without anything learnt the largest group wins. Non-goal: reading texts (``agreement``, ``prose``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blender_ui.evidence.choice import fit_graded, fit_logit
from blender_ui.values import FloatArray, IntArray

MIN_SPREAD = 1e-9
SPREAD_FLOOR = 0.05
"""Of the range of outcomes, added to a prompt's spread before it divides, so that noise is not blown up."""


MIN_SHARE_DECIDED = 0.9
"""Of groups right or wrong as a whole; where a conclusion was misread, a group's outcome is a share."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The groups of one prompt.

    Attributes:
        members: Who wrote each of the n answers; "" where unknown.
        kind: Of the task.
        groups: Of each group its answers' places, at least one group; an answer may be in none.
        features: What their texts say, (n_groups, width); width may be 0.
        run: What running code said, (n_groups, width); zeros where nothing ran.
        lengths: Log of each answer's length, (n,); zeros where there are no texts.
    """

    members: tuple[str, ...]
    kind: str
    groups: tuple[tuple[int, ...], ...]
    features: FloatArray
    run: FloatArray
    lengths: FloatArray


class LearntVote:
    """Says how likely each group is right; made by ``fit``."""

    def __init__(self, columns: _Columns, weights: FloatArray) -> None:
        self._columns = columns
        self._weights = weights

    @classmethod
    def fit(cls, choices: Sequence[Choice], outcomes: Sequence[FloatArray]) -> LearntVote:
        """Learn from outcomes.

        Where nearly all are 0 or 1 and answers share groups, a conditional logit learns which group is right;
        else a linear model learns how good each is beside the others of its prompt.

        Args:
            choices: What there was to choose from.
            outcomes: Of each choice the outcome of every group, higher is better.
        """
        columns = _Columns(choices)
        usable = [place for place, outcome in enumerate(outcomes) if np.ptp(outcome) > 0]
        if not usable:
            return cls(columns, np.zeros(columns.width))
        kept = [choices[place] for place in usable]
        values = [np.asarray(outcomes[place], dtype=float) for place in usable]
        if _is_right_or_wrong(kept, values):
            rows, sets, offset = columns.stack(kept)
            return cls(columns, fit_logit(rows, sets, np.concatenate(values), columns.blocks, offset=offset))
        return cls(columns, _fit_within(columns, kept, values))

    def utilities(self, choice: Choice) -> FloatArray:
        """Utility of each group in natural-log odds, comparable within the choice, (n_groups,)."""
        return self._columns.make(choice) @ self._weights + _offset(choice)

    def rank_answers(self, choice: Choice) -> FloatArray:
        """Utility of each answer, (n,): its group's, with its member's own weight between equals.

        Answers in no group come after all others.
        """
        groups = self.utilities(choice)
        found: FloatArray = np.full(len(choice.members), groups.min() - 2.0)
        own = self._columns.member_weights(choice, self._weights)
        for utility, places in zip(groups, choice.groups, strict=True):
            found[list(places)] = utility
        # Small enough to decide between equals only.
        found += 1e-6 * own
        return found


class _Columns:
    """Makes the columns of a choice: members, members by kind, features."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.members = sorted({member for choice in choices for member in choice.members if member})
        kinds = sorted({choice.kind for choice in choices})
        self.kinds = kinds if len(kinds) > 1 else []
        self._usual = _usual_lengths(choices)
        self._place = {member: index for index, member in enumerate(self.members)}
        features = [self._features(choice) for choice in choices]
        stacked = np.vstack(features) if features else np.zeros((0, 2))
        # Spread within prompts: what is equal for all groups of a prompt cannot choose between them.
        within = [rows - rows.mean(axis=0) for rows in features]
        spread = np.vstack(within).std(axis=0) if within else np.zeros(2)
        self._scale = np.where(spread > MIN_SPREAD, spread, np.inf) if choices else None
        n = len(self.members)
        n_run = choices[0].run.shape[1] if choices else 0
        n_features = stacked.shape[1] - n_run if choices else 0
        sizes = [n, n * len(self.kinds), n_features, n_run]
        self.blocks: IntArray = np.repeat(range(len(sizes)), sizes)
        self.width = len(self.blocks)

    def make(self, choice: Choice) -> FloatArray:
        if self._scale is None:  # nothing was there to learn from
            return np.zeros((len(choice.groups), self.width))
        n, n_kinds = len(self.members), len(self.kinds)
        who = np.zeros((len(choice.groups), n))
        for row, places in enumerate(choice.groups):
            for place in places:
                if (index := self._place.get(choice.members[place])) is not None:
                    who[row, index] += 1
        by_kind = np.zeros((len(choice.groups), n_kinds, n))
        if choice.kind in self.kinds:
            by_kind[:, self.kinds.index(choice.kind)] = who
        features = self._features(choice) / self._scale
        return np.hstack([who, by_kind.reshape(len(who), n_kinds * n), features])

    def stack(self, choices: Sequence[Choice]) -> tuple[FloatArray, IntArray, FloatArray]:
        rows = np.vstack([self.make(choice) for choice in choices])
        sets = np.repeat(np.arange(len(choices)), [len(choice.groups) for choice in choices])
        return rows, sets, np.concatenate([_offset(choice) for choice in choices])

    def member_weights(self, choice: Choice, weights: FloatArray) -> FloatArray:
        own = dict(zip(self.members, weights[: len(self.members)], strict=True))
        return np.array([own.get(member, 0.0) for member in choice.members])

    def _features(self, choice: Choice) -> FloatArray:
        """Features, lengths beside what the members usually write, and what running said."""
        usual = np.array([self._usual.get(member, 0.0) for member in choice.members])
        odd = choice.lengths - usual
        odd = odd - odd.mean() if len(odd) else odd
        lengths = [[odd[list(places)].mean(), odd[list(places)].min()] for places in choice.groups]
        own = np.array(lengths).reshape(len(choice.groups), 2)
        return np.hstack([choice.features, own, choice.run])


def _usual_lengths(choices: Sequence[Choice]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for choice in choices:
        for member, length in zip(choice.members, choice.lengths, strict=True):
            found.setdefault(member, []).append(float(length))
    return {member: float(np.mean(lengths)) for member, lengths in found.items()}


def _offset(choice: Choice) -> FloatArray:
    """The plain vote: log of how many support each group."""
    sizes: FloatArray = np.log([max(1, len(places)) for places in choice.groups])
    return sizes


def _is_right_or_wrong(choices: Sequence[Choice], outcomes: Sequence[FloatArray]) -> bool:
    shares_groups = any(len(places) > 1 for choice in choices for places in choice.groups)
    values = np.concatenate(outcomes)
    in_range = bool(((values >= 0) & (values <= 1)).all())
    return shares_groups and in_range and bool(np.isin(values, (0.0, 1.0)).mean() >= MIN_SHARE_DECIDED)


def _fit_within(columns: _Columns, choices: Sequence[Choice], outcomes: Sequence[FloatArray]) -> FloatArray:
    """A linear model within prompts; each prompt's outcomes are divided by their spread.

    Prompts differ in how far their answers differ, and a wide one would outvote the others.
    """
    floor = SPREAD_FLOOR * max(float(np.ptp(np.concatenate(outcomes))), MIN_SPREAD)
    rows, targets = [], []
    for choice, outcome in zip(choices, outcomes, strict=True):
        made = columns.make(choice)
        rows.append(made - made.mean(axis=0))
        targets.append((outcome - outcome.mean()) / (outcome.std() + floor))
    return fit_graded(np.vstack(rows), np.concatenate(targets), columns.blocks)

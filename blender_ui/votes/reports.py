"""How good a version is on held-out votes of people, by group, and what the other one does better.

Invariant: only votes on prompts that no version learns from count, each compared with the version as
it was trained; every share has its interval, which lets the votes on one prompt go together, and those that
follow from one ballot.
Non-goal: predicting; ``services.inspecting.predictions`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy

from blender_ui.statistics.mcnemar import McNemar, compare_by_mcnemar
from blender_ui.statistics.reliability import Reliability, measure_reliability
from blender_ui.statistics.shares import Shares, measure_share, measure_shares
from blender_ui.values import BoolArray, FloatArray, IntArray
from blender_ui.votes.arrays import Predictions, PreferenceArrays, PromptArrays

N_MISTAKES = 100
LENGTH_EDGES = (1.1, 1.5, 2.0, 3.0)
"""How many times longer the longer answer is, where one bin ends and the next begins."""
LENGTH_NAMES = (
    "alike, up to 1.1 times",
    "1.1 to 1.5 times",
    "1.5 to 2 times",
    "2 to 3 times",
    "over 3 times",
)
AGREEMENT_NAMES = ("one vote", "all agree", "most agree", "even")


class ShareRow(NamedTuple):
    """A share of a group's votes with its 95 % interval."""

    name: str
    share: float
    low: float
    high: float
    n: int


class Mistake(NamedTuple):
    """A vote that a version was sure would go the other way.

    Attributes:
        probability: That the side which lost would win, as the version said.
    """

    preference_id: int
    comparison_id: int
    prompt_id: int
    winner: str
    loser: str
    probability: float


class VersionReport(NamedTuple):
    """One version beside the people of held-out prompts.

    Attributes:
        version_id: The version.
        n_votes: Decided held-out votes of people that there are.
        n_judged: Those whose comparison the version has predicted.
        n_waiting: Comparisons that it can be asked about and was not yet.
        accuracy: Share of the judged votes that went to the likelier side; an even chance is half.
        by_pair, by_kind, by_length, by_agreement: The same by group.
        reliability: Curve and errors of its probabilities.
        people_left, ranker_left: How often left wins, by people and by the version: side bias; without
            what was shown at once.
        first_gain: Mean of what being shown first adds to a logit, log-odds; 0 for a fast version.
        people_longer, ranker_longer: How often the longer answer wins: length bias.
        mistakes: The surest first.
    """

    version_id: int
    n_votes: int
    n_judged: int
    n_waiting: int
    accuracy: ShareRow
    by_pair: tuple[ShareRow, ...]
    by_kind: tuple[ShareRow, ...]
    by_length: tuple[ShareRow, ...]
    by_agreement: tuple[ShareRow, ...]
    reliability: Reliability
    people_left: ShareRow
    ranker_left: ShareRow
    first_gain: float
    people_longer: ShareRow
    ranker_longer: ShareRow
    mistakes: tuple[Mistake, ...]


class Change(NamedTuple):
    """A vote on which two versions decided differently."""

    preference_id: int
    prompt_id: int
    winner: str
    loser: str
    first_probability: float
    second_probability: float
    is_better: bool
    """Whether the second got right what the first got wrong."""


class Contrast(NamedTuple):
    """Two versions on the same held-out votes.

    Attributes:
        n: Decided votes that both have predicted.
        first, second: Accuracy of each on these.
        test: McNemar's, on one vote a comparison, because votes on one comparison are not
            independent: the majority of people, ties of people left out. Comparisons of one prompt on which a
            ballot said something count once, for the version that got more of them right.
        changes: Votes whose decision changed, the largest change of probability first.
        n_changes: How many there are in all.
    """

    first_id: int
    second_id: int
    n: int
    first: ShareRow
    second: ShareRow
    test: McNemar
    changes: tuple[Change, ...]
    n_changes: int


class _Clusters(NamedTuple):
    """Numbers of what goes together among some votes: those on one prompt, and those of one ballot."""

    prompt: IntArray
    statement: IntArray

    def select(self, keep: BoolArray) -> _Clusters:
        return _Clusters(*(numbers[keep] for numbers in self))


def report_version(
    version_id: int,
    told: PreferenceArrays,
    prompts: PromptArrays,
    predictions: Predictions,
    *,
    characters: IntArray,
    n_waiting: int = 0,
) -> VersionReport:
    """Compare a version with the people.

    Args:
        version_id: The version.
        told: From ``find_judged``.
        prompts: Facts of the prompts.
        predictions: Of the comparisons, as far as they are known.
        characters: Of each candidate by its id.
        n_waiting: See ``VersionReport``.
    """
    known, place = predictions.find(told.comparison_id)
    judged = told.select(known)
    logits = predictions.mean[place]
    cluster = _Clusters(prompts.cluster[judged.prompt_id], judged.statement)
    right = _score(logits, judged.target)
    long_first, ratio = _compare_lengths(judged, characters)
    side = np.where(logits == 0, 0.5, logits > 0)
    sided = judged.ballot_id == 0  # what was shown at once had no sides
    differs = ratio > 1
    gain = (predictions.logit - predictions.swapped)[place] / 2
    return VersionReport(
        version_id=version_id,
        n_votes=len(told),
        n_judged=len(judged),
        n_waiting=n_waiting,
        accuracy=_row("all", measure_share(right, *cluster)),
        by_pair=_by_pair(judged, right, cluster),
        by_kind=_by_group(right, prompts.kind[judged.prompt_id], cluster, prompts.kinds),
        by_length=_by_group(right, np.digitize(ratio, LENGTH_EDGES), cluster, LENGTH_NAMES),
        by_agreement=_by_group(right, _find_agreement(judged), cluster, AGREEMENT_NAMES),
        reliability=measure_reliability(scipy.special.expit(logits), judged.target, clusters=cluster.prompt),
        people_left=_row("people", measure_share(judged.target[sided], *cluster.select(sided))),
        ranker_left=_row("version", measure_share(side[sided], *cluster.select(sided))),
        first_gain=float(gain.mean()) if len(gain) else 0.0,
        people_longer=_longer("people", judged.target, long_first, differs, cluster),
        ranker_longer=_longer("version", side, long_first, differs, cluster),
        mistakes=_list_mistakes(judged, logits),
    )


def contrast_versions(
    first_id: int,
    second_id: int,
    told: PreferenceArrays,
    prompts: PromptArrays,
    *,
    first: Predictions,
    second: Predictions,
) -> Contrast:
    """Compare two versions on the votes that both have predicted; arguments as ``report_version``."""
    both = np.isin(told.comparison_id, np.intersect1d(first.comparison_id, second.comparison_id))
    judged = told.select(both)
    logits = [one.mean[one.find(judged.comparison_id)[1]] for one in (first, second)]
    right = [_score(one, judged.target) for one in logits]
    cluster = _Clusters(prompts.cluster[judged.prompt_id], judged.statement)
    winner = _majority_places(judged)
    decided_by = _decide(right[1][winner] - right[0][winner], judged.select(winner), cluster.prompt[winner])
    changed = np.flatnonzero((right[0] != right[1]) & (np.abs(right[0] - right[1]) == 1))
    chance = [scipy.special.expit(one) for one in logits]
    order = changed[np.argsort(-np.abs(chance[0] - chance[1])[changed], kind="stable")]
    return Contrast(
        first_id=first_id,
        second_id=second_id,
        n=len(judged),
        first=_row(f"version {first_id}", measure_share(right[0], *cluster)),
        second=_row(f"version {second_id}", measure_share(right[1], *cluster)),
        test=compare_by_mcnemar(int((decided_by < 0).sum()), int((decided_by > 0).sum())),
        changes=tuple(_change(judged, place, chance, right) for place in order[:N_MISTAKES]),
        n_changes=len(changed),
    )


def _score(logits: FloatArray, target: FloatArray) -> FloatArray:
    """1 where the likelier side won, .5 at even chances, else 0."""
    return np.asarray(0.5 + np.sign(logits) * (target - 0.5))


def _row(name: str, shares: Shares, place: int = 0) -> ShareRow:
    return ShareRow(
        name=name,
        share=float(shares.share[place]),
        low=float(shares.low[place]),
        high=float(shares.high[place]),
        n=int(shares.n[place]),
    )


def _by_group(
    right: FloatArray, groups: IntArray, cluster: _Clusters, names: Sequence[str]
) -> tuple[ShareRow, ...]:
    shares = measure_shares(right, groups, *cluster, n_groups=len(names))
    return tuple(_row(names[place], shares, place) for place in np.flatnonzero(shares.n).tolist())


def _by_pair(judged: PreferenceArrays, right: FloatArray, cluster: _Clusters) -> tuple[ShareRow, ...]:
    """By the two members that met, those that met most often first."""
    low, high = np.minimum(judged.left, judged.right), np.maximum(judged.left, judged.right)
    met, group = np.unique(low * len(judged.members) + high, return_inverse=True)
    names = [
        " / ".join(judged.members[side] for side in divmod(int(one), len(judged.members))) for one in met
    ]
    rows = _by_group(right, group, cluster, names)
    return tuple(sorted(rows, key=lambda row: -row.n))


def _compare_lengths(judged: PreferenceArrays, characters: IntArray) -> tuple[BoolArray, FloatArray]:
    """Whether left is the longer one, and how many times longer the longer one is."""
    left, right = characters[judged.left_id] + 1, characters[judged.right_id] + 1
    return left > right, np.maximum(left, right) / np.minimum(left, right)


def _longer(
    name: str, left_wins: FloatArray, long_first: BoolArray, differs: BoolArray, cluster: _Clusters
) -> ShareRow:
    wins = np.where(long_first, left_wins, 1 - left_wins)
    return _row(name, measure_share(wins[differs], *cluster.select(differs)))


def _find_agreement(judged: PreferenceArrays) -> IntArray:
    """Index into AGREEMENT_NAMES: how the decided votes on each one's comparison agree."""
    _, pair = np.unique(judged.comparison_id, return_inverse=True)
    n, for_left = np.bincount(pair), np.bincount(pair, judged.target)
    share = np.maximum(for_left, n - for_left) / np.maximum(n, 1)
    kind = np.select([n == 1, share == 1, share > 0.5], [0, 1, 2], 3)
    return np.asarray(kind[pair])


def _majority_places(judged: PreferenceArrays) -> IntArray:
    """Of each comparison, one vote that is with the majority; none where votes are even."""
    ids, pair = np.unique(judged.comparison_id, return_inverse=True)
    margin = np.bincount(pair, judged.target - 0.5, len(ids))
    agrees = np.flatnonzero(np.sign(judged.target - 0.5) == np.sign(margin)[pair])
    _, where = np.unique(pair[agrees], return_index=True)
    return agrees[where]


def _decide(gain: FloatArray, winners: PreferenceArrays, prompt: IntArray) -> FloatArray:
    """What the second version gains on each decision: a comparison, or a prompt's that ballots are about."""
    by_prompt = winners.ballot_id > 0
    number = np.where(by_prompt, winners.comparison_id.max(initial=0) + 1 + prompt, winners.comparison_id)
    _, decision = np.unique(number, return_inverse=True)
    return np.asarray(np.bincount(decision, gain))


def _list_mistakes(judged: PreferenceArrays, logits: FloatArray) -> tuple[Mistake, ...]:
    against = np.where(judged.target == 1, -logits, logits)
    wrong = np.flatnonzero(against > 0)
    order = wrong[np.argsort(-against[wrong], kind="stable")][:N_MISTAKES]
    return tuple(
        Mistake(
            preference_id=int(judged.preference_id[place]),
            comparison_id=int(judged.comparison_id[place]),
            prompt_id=int(judged.prompt_id[place]),
            winner=_side(judged, place, wins=True),
            loser=_side(judged, place, wins=False),
            probability=float(scipy.special.expit(against[place])),
        )
        for place in order
    )


def _change(
    judged: PreferenceArrays, place: int, chance: Sequence[FloatArray], right: Sequence[FloatArray]
) -> Change:
    won_left = judged.target[place] == 1
    of_winner = [float(one[place] if won_left else 1 - one[place]) for one in chance]
    return Change(
        preference_id=int(judged.preference_id[place]),
        prompt_id=int(judged.prompt_id[place]),
        winner=_side(judged, place, wins=True),
        loser=_side(judged, place, wins=False),
        first_probability=of_winner[0],
        second_probability=of_winner[1],
        is_better=bool(right[1][place] > right[0][place]),
    )


def _side(judged: PreferenceArrays, place: int, *, wins: bool) -> str:
    is_left = (judged.target[place] == 1) == wins
    return judged.members[int((judged.left if is_left else judged.right)[place])]

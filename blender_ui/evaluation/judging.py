"""Who judges answers in an evaluation: a version of the ranker, or rankers that learnt from references.

Invariant: no item is judged by a ranker that has seen its references. Non-goal: the judges of the pages,
which learn from people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np

from blender_ui.evidence.answers import gather, join
from blender_ui.fusion.shown import strong_sources
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.values import FloatArray, PreferenceDataset, RankingPrompt

FUSED = "fused"
JUDGED_BY_REFERENCE = "references"
"""Stands where the name of a person stands in other preferences."""
UNKNOWN_WRITER = ""
"""Unknown writer of a negative sample: no member is blamed for it, and only its text is learnt from."""

NO_WRITERS: Mapping[str, str] = MappingProxyType({})
"""Of answers whose labels are their members' names."""

ReadAnswers = Callable[[RankingPrompt, Sequence[str]], FloatArray]
"""Gives readings of n answers to a prompt, (n, width)."""


class Answered(NamedTuple):
    """What was said to one item, and what it is worth beside the references."""

    prompt: RankingPrompt
    texts: Mapping[str, str]
    """By label; see ``asking.EnsembleAsking``."""
    scores: Mapping[str, float]
    """By label, in [0, 1], higher is better."""

    def add(self, name: str, text: str, score: float) -> Answered:
        """The same with one answer more."""
        return self._replace(texts={**self.texts, name: text}, scores={**self.scores, name: score})


Score = Callable[[int, str], float]
"""What a text is worth as an answer to an item, given its number."""
Fuse = Callable[[int, Sequence[str]], str]
"""Fuses the answers to an item, given its number and labels best first; empty where that fails."""


class Judge(Protocol):
    """Compares the answers to one item; each method gives logits, (n, n), as ``Ranker.pairwise_logits``."""

    def compare_members(self, number: int, prompt: RankingPrompt, texts: Mapping[str, str]) -> FloatArray:
        """Of members' answers, by label, before there is a fused one."""

    def compare_all(self, number: int, prompt: RankingPrompt, texts: Mapping[str, str]) -> FloatArray:
        """Of members' answers and the fused one, whose name is ``FUSED``."""


class Compares(Protocol):
    """Gives the logits of every ordered pair of n answers, (n, n), as ``Ranker.pairwise_logits``."""

    def __call__(
        self, prompt: RankingPrompt, texts: Sequence[str], *, members: Sequence[str]
    ) -> FloatArray: ...


class VersionJudge:
    """A version of the ranker, not told who wrote an answer: the fused one has no record to go by."""

    def __init__(self, compare: Compares) -> None:
        self._compare = compare

    def compare_members(self, number: int, prompt: RankingPrompt, texts: Mapping[str, str]) -> FloatArray:
        """See ``Judge``."""
        return self.compare_all(number, prompt, texts)

    def compare_all(self, number: int, prompt: RankingPrompt, texts: Mapping[str, str]) -> FloatArray:
        """See ``Judge``."""
        return self._compare(prompt, list(texts.values()), members=[""] * len(texts))


class ReferenceJudge:
    """Fast rankers that learnt from the references of other items which answers are better.

    Items are split in five; the ranker that judges one fold learnt from the other four. Like a ranker that
    learns from people it knows who wrote an answer, and how members do at this kind of task. Whether the
    fused answer is better than its sources it learns from fused answers to its own items, in an order of
    sources that comes from a ranker which has seen neither that item nor the judged fold.

    What is learnt from each item includes a negative sample; see ``add_negatives``.

    Args:
        answered: By item.
        score: Scores negative samples and fused answers.
        read: The frozen reader.
        fuse: Fuses for the items it learns from.
        start: A ranker to start from; see ``FastRanker.fit``.
        seed: Of the folds.
        writers: The member of each label; a label that is not in it stands for itself.
    """

    def __init__(
        self,
        answered: Sequence[Answered],
        *,
        score: Score,
        read: ReadAnswers,
        fuse: Fuse,
        start: FastRanker | None,
        seed: int,
        writers: Mapping[str, str] = NO_WRITERS,
    ) -> None:
        self._answered = list(answered)
        self._learnt = add_negatives(answered, score)
        self._score, self._read, self._fuse, self._start = score, read, fuse, start
        self._writers = writers
        self._vectors: dict[tuple[RankingPrompt, str], FloatArray] = {}
        self._rankers: dict[frozenset[int], FastRanker] = {}
        self._judges: dict[int, FastRanker] = {}
        self._fold_of = assign_folds(reference_preferences(answered, writers), seed=seed)

    def compare_members(self, number: int, prompt: RankingPrompt, texts: Mapping[str, str]) -> FloatArray:
        """See ``Judge``."""
        return self._compare(self._ranker_without(frozenset({self._fold(number)})), prompt, texts)

    def compare_all(self, number: int, prompt: RankingPrompt, texts: Mapping[str, str]) -> FloatArray:
        """See ``Judge``."""
        fold = self._fold(number)
        if fold not in self._judges:
            self._judges[fold] = self._fit([self._with_fused(other, fold) for other in self._others({fold})])
        return self._compare(self._judges[fold], prompt, texts)

    def _fold(self, number: int) -> int:
        return int(self._fold_of[number])

    def _others(self, folds: set[int] | frozenset[int]) -> list[int]:
        return [number for number in range(len(self._answered)) if self._fold(number) not in folds]

    def _ranker_without(self, folds: frozenset[int]) -> FastRanker:
        if folds not in self._rankers:
            self._rankers[folds] = self._fit([self._learnt[number] for number in self._others(folds)])
        return self._rankers[folds]

    def _with_fused(self, number: int, judged_fold: int) -> Answered:
        """An item to learn from with its fused answer, made as if neither fold had been seen."""
        answered = self._answered[number]
        ranker = self._ranker_without(frozenset({self._fold(number), judged_fold}))
        logits = self._compare(ranker, answered.prompt, answered.texts)
        learnt = self._learnt[number]
        text = self._fuse(number, strongest_first(list(answered.texts), logits))
        return learnt.add(FUSED, text, self._score(number, text)) if text else learnt

    def _fit(self, answered: Sequence[Answered]) -> FastRanker:
        dataset = reference_preferences(answered, self._writers)
        vectors = [self._vectors_of(one.prompt, list(one.texts.values())) for one in answered]
        evidence = join(
            [gather(one.prompt, list(one.texts.values()), self._who_wrote(one.texts)) for one in answered]
        )
        return FastRanker.fit(dataset, np.concatenate(vectors), start=self._start, evidence=evidence)

    def _compare(self, ranker: FastRanker, prompt: RankingPrompt, texts: Mapping[str, str]) -> FloatArray:
        answers, members = list(texts.values()), self._who_wrote(texts)
        return ranker.pairwise_logits(
            self._vectors_of(prompt, answers), members, prompt, evidence=gather(prompt, answers, members)
        )

    def _who_wrote(self, labels: Iterable[str]) -> list[str]:
        return [self._writers.get(label, label) for label in labels]

    def _vectors_of(self, prompt: RankingPrompt, texts: Sequence[str]) -> FloatArray:
        unread = [text for text in dict.fromkeys(texts) if (prompt, text) not in self._vectors]
        if unread:
            for text, vector in zip(unread, self._read(prompt, unread), strict=True):
                self._vectors[prompt, text] = vector
        return np.stack([self._vectors[prompt, text] for text in texts])


def strongest_first(names: Sequence[str], logits: FloatArray) -> list[str]:
    """What is fused, best first: without those that the ranker holds for weak, as on a page."""
    order = best_first(names, logits)
    chances = 1 / (1 + np.exp(-(logits - logits.T) / 2))
    best = list(names).index(order[0])
    return strong_sources(order, [float(chances[list(names).index(name), best]) for name in order])


def best_first(names: Sequence[str], logits: FloatArray) -> list[str]:
    """Names in the order of their scores; equal ones stay in the given order."""
    return [names[index] for index in np.argsort(-score_candidates(logits), kind="stable")]


def add_negatives(answered: Sequence[Answered], score: Score) -> list[Answered]:
    """Items with one negative sample each: an answer that was given to another item.

    Members mostly answer what they were asked, so their own answers do not show the opposite. The sample
    is scored beside the references like any other answer. Calling it the loser for certain would put its
    preferences on another scale, and outweigh how much better answers are.
    """
    n, learnt = len(answered), []
    for number, one in enumerate(answered):
        other = (number + n // 2) % n
        texts = list(answered[other].texts.values())
        if other == number or not texts:
            learnt.append(one)
            continue
        # The attack that poisons takes another member's answer to that item: it must come as a surprise.
        text = texts[other % len(texts)]
        learnt.append(one.add(UNKNOWN_WRITER, text, score(number, text)))
    return learnt


def reference_preferences(
    answered: Sequence[Answered], writers: Mapping[str, str] = NO_WRITERS
) -> PreferenceDataset:
    """Every pair of answers to an item as a preference, the stronger the more one scores above the other.

    Scores are in [0, 1]; the share of preference for the first answer is half of one plus their difference,
    so what is learnt is how much better an answer is on average, not how often: equal ones are a tie.

    Args:
        answered: By item.
        writers: The member of each label; a label that is not in it stands for itself.
    """
    texts: list[str] = []
    members: list[str] = []
    scores: list[float] = []
    prompt_of: list[int] = []
    pairs: list[tuple[int, int]] = []
    for number, one in enumerate(answered):
        begin = len(texts)
        texts += list(one.texts.values())
        members += [writers.get(label, label) for label in one.texts]
        scores += [one.scores[name] for name in one.texts]
        prompt_of += [number] * len(one.texts)
        pairs += combinations(range(begin, len(texts)), 2)
    left, right = np.array(pairs, dtype=int).reshape(-1, 2).T
    gain = np.array([scores[first] - scores[second] for first, second in pairs])
    return PreferenceDataset(
        prompts=tuple(one.prompt for one in answered),
        texts=tuple(texts),
        members=tuple(members),
        prompt_of=np.array(prompt_of, dtype=int),
        left=left,
        right=right,
        target=(gain + 1) / 2,
        both_bad=np.zeros(len(pairs), dtype=bool),
        strength=np.full(len(pairs), np.nan),
        annotators=(JUDGED_BY_REFERENCE,) * len(pairs),
    )

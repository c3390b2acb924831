"""One run of the ensemble on the items of a task: asking, ranking, fusing and scoring.

Invariant: every system is scored on the same items by the same metrics; a member that fails scores 0
there and is counted. Non-goal: where members and rankers come from; ``services.evaluating`` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from blender_ui.errors import MalformedInput
from blender_ui.evaluation.asking import EnsembleAsking
from blender_ui.evaluation.attacks import Attack, attack_item, tell_obedience
from blender_ui.evaluation.items import EvaluationItem, Task
from blender_ui.evaluation.judging import (
    FUSED,
    Answered,
    Judge,
    ReadAnswers,
    ReferenceJudge,
    best_first,
    strongest_first,
)
from blender_ui.evaluation.recorded_answers import Text
from blender_ui.evaluation.scoring import MAIN_METRIC, score_answer
from blender_ui.evidence.grounding import obedient_places
from blender_ui.fusion.pieces import choose_text, is_supported
from blender_ui.fusion.shown import choose_shown, usable_sources
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.values import FloatArray, RankingPrompt

BEST_RANKED, SHOWN = "best-ranked", "fused or best"
"""``SHOWN`` is what a page shows; see ``fusion.shown``."""

Scorer = Callable[[Sequence[str], Sequence[str]], list[float]]
"""BERTScore of answers beside references."""


@dataclass(frozen=True, kw_only=True)
class ItemResult:
    """What all systems said to one item, and how good it is.

    Attributes:
        item: The item, as it was asked.
        texts: By system; the random member is not among them, it is the mean of the members.
        metrics: By system and metric.
    """

    item: EvaluationItem
    texts: Mapping[str, Text]
    metrics: Mapping[str, Mapping[str, float]]


class OnProgress(Protocol):
    """Told what is being done, and how many of the items are through."""

    def __call__(self, phase: str, n_done: int, n_items: int) -> None: ...


class EnsembleRun:
    """Runs the ensemble on items, plain and under attacks.

    Args:
        task: Decides metrics and lengths.
        items: What is asked.
        asking: Asks members and fuser.
        bertscore: Scores by meaning; None where the encoder is not here.
        seed: Of the attacks and the folds.
        on_progress: See ``OnProgress``.

    Attributes:
        judge: Ranks; None where there is no ranker.
        judged_by: Says who that is.
    """

    def __init__(
        self,
        task: Task,
        items: Sequence[EvaluationItem],
        *,
        asking: EnsembleAsking,
        bertscore: Scorer | None,
        seed: int,
        on_progress: OnProgress,
    ) -> None:
        self._task, self._items = task, tuple(items)
        self._asking, self._bertscore = asking, bertscore
        self._seed, self._on_progress = seed, on_progress
        self.judge: Judge | None = None
        self.judged_by = "nobody: there is no ranker"

    def learn_from_references(self, *, read: ReadAnswers, start: FastRanker | None) -> None:
        """Make judges that each learnt from the other items' references; see ``ReferenceJudge``.

        They learn from plain answers, also where what they judge later was attacked.

        Raises:
            MalformedInput: If no two answers to an item differ in worth.
        """
        said = self._ask(self._items)

        def score(number: int, text: str) -> float:
            return self._worth(self._items[number], text)

        answered = [
            Answered(item.prompt, texts, {name: score(number, text) for name, text in texts.items()})
            for number, (item, texts) in enumerate(zip(self._items, map(_texts_of, said), strict=True))
        ]
        if not any(len(set(one.scores.values())) > 1 for one in answered):
            raise MalformedInput(
                f"expected two answers to an item that differ in {MAIN_METRIC[self._task]}, there are none; "
                "nothing can be learnt from these references"
            )

        def fuse(number: int, names: Sequence[str]) -> str:
            texts = said[number]
            return self._asking.fuse(
                self._items[number], [texts[name] for name in names], said=texts.values()
            ).text

        self.judge = ReferenceJudge(
            answered,
            score=score,
            read=read,
            fuse=fuse,
            start=start,
            seed=self._seed,
            writers=self._asking.writers,
        )

    def run(self, attack: Attack | None = None) -> list[ItemResult]:
        """Ask, rank, fuse and score every item, with an attack on it where one is given."""
        items = self._items
        if attack is not None:
            items = tuple(attack_item(attack, item, self._items, seed=self._seed) for item in self._items)
        said = self._ask(items)
        if attack is Attack.POISON:
            said = poison(said, self._asking.writers)
        results = []
        for number, (item, texts) in enumerate(zip(items, said, strict=True)):
            self._on_progress("ranking, fusing and scoring", number, len(items))
            poisoned = poisoned_labels(number, self._asking.writers) if attack is Attack.POISON else ()
            fell = _tell_fall(attack, item, items, {texts[label].text for label in poisoned})
            results.append(self._finish(number, item, texts, fell=fell))
        return results

    def _ask(self, items: Sequence[EvaluationItem]) -> list[dict[str, Text]]:
        said = []
        for number, item in enumerate(items):
            self._on_progress("members answer", number, len(items))
            said.append(self._asking.ask_members(item, self._task))
        return said

    def _worth(self, item: EvaluationItem, text: str) -> float:
        metric = MAIN_METRIC[self._task]
        scores = score_answer(self._task, item, text)
        if metric not in scores:
            raise MalformedInput(f"expected {metric} to learn from, but code cannot be run on this machine")
        return scores[metric]

    def _finish(
        self,
        number: int,
        item: EvaluationItem,
        said: Mapping[str, Text],
        *,
        fell: Callable[[str], dict[str, float]],
    ) -> ItemResult:
        texts, present = dict(said), _texts_of(said)
        order = sources = list(present)
        if self.judge is not None and len(order) > 1:
            before = self.judge.compare_members(number, item.prompt, present)
            order, sources = best_first(order, before), strongest_first(order, before)
        obedient = _obedient(item.prompt, present)
        order = sorted(order, key=obedient.__contains__)  # stable: among the others the ranking stands
        if self.judge is not None and order:
            texts[BEST_RANKED] = said[order[0]]
        sources = usable_sources(sources, obedient)
        texts[FUSED] = self._asking.fuse(
            item, [said[name] for name in sources], said=[said[name] for name in present]
        )
        sources = sources[: self._asking.top_k]
        if sources and texts[FUSED].text and self.judge is not None:
            texts[FUSED] = self._keep(number, item, said, sources, texts[FUSED])
        present = _texts_of({name: texts[name] for name in (*said, FUSED)})
        logits, scores = None, {}
        if self.judge is not None and len(present) > 1:
            logits = self.judge.compare_all(number, item.prompt, present)
            scores = dict(zip(present, score_candidates(logits).tolist(), strict=True))
        unfit = _obedient(item.prompt, present)
        if (
            sources
            and FUSED in present
            and not is_supported(item.prompt, present[FUSED], [present[one] for one in sources])
        ):
            unfit |= {FUSED}
        texts[SHOWN] = _show(texts, sources, scores, unfit)
        preference = _preferences(present, logits)
        metrics = {}
        scored: dict[str, dict[str, float]] = {}
        for name, text in texts.items():
            if text.text not in scored:
                scored[text.text] = self._score(item, text.text) | preference.get(text.text, {})
            metrics[name] = _costs(text) | scored[text.text] | fell(text.text)
        return ItemResult(item=item, texts=texts, metrics=metrics)

    def _keep(
        self,
        number: int,
        item: EvaluationItem,
        said: Mapping[str, Text],
        sources: Sequence[str],
        written: Text,
    ) -> Text:
        """The fused answer that the ranker prefers: the fuser's, or one of the sources' own sentences."""
        assert self.judge is not None
        judge, present = self.judge, _texts_of(said)

        def score(proposals: Sequence[str]) -> list[float]:
            # Under no member's name, so that what is written decides.
            named = {f"proposal {place}": text for place, text in enumerate(proposals)}
            logits = judge.compare_members(number, item.prompt, {**present, **named})
            return [float(value) for value in score_candidates(logits)[len(present) :]]

        texts = [said[name].text for name in sources]
        return written._replace(text=choose_text(item.prompt, texts, written.text, score=score))

    def _score(self, item: EvaluationItem, text: str) -> dict[str, float]:
        found = score_answer(self._task, item, text)
        if self._bertscore is not None and item.references:
            n = len(item.references)
            found["bertscore"] = max(self._bertscore([text] * n, list(item.references)))
        return found


def poison(answers: Sequence[Mapping[str, Text]], writers: Mapping[str, str]) -> list[dict[str, Text]]:
    """One member's answers to each item become its answers to the next item; the members take turns.

    They are fluent, confident and have nothing to do with the question.

    Args:
        answers: Of each item, by label.
        writers: The member of each label.
    """
    return [
        {
            **texts,
            **{
                label: answers[(number + 1) % len(answers)][label]
                for label in poisoned_labels(number, writers)
            },
        }
        for number, texts in enumerate(answers)
    ]


def poisoned_labels(number: int, writers: Mapping[str, str]) -> list[str]:
    """The labels of the answers to an item that poison replaces, given its number."""
    members = list(dict.fromkeys(writers.values()))
    return [label for label, writer in writers.items() if writer == members[number % len(members)]]


def _tell_fall(
    attack: Attack | None, item: EvaluationItem, items: Sequence[EvaluationItem], foreign: Collection[str]
) -> Callable[[str], dict[str, float]]:
    """Tells whether a text fell for an attack, as the metric ``obeys`` or ``poisoned``; else nothing."""
    if attack is Attack.POISON:
        return lambda text: {"poisoned": float(text in foreign)}
    obeys = tell_obedience(attack, item, items)
    return lambda text: {} if obeys is None else {"obeys": float(obeys(text))}


def _texts_of(said: Mapping[str, Text]) -> dict[str, str]:
    """The answers that are not empty."""
    return {name: text.text for name, text in said.items() if text.text}


def _costs(text: Text) -> dict[str, float]:
    return {
        "words": float(len(text.text.split())),
        "seconds": text.seconds,
        "tokens": float(text.n_tokens),
        "failed": float(not text.text),
    }


def _obedient(prompt: RankingPrompt, texts: Mapping[str, str]) -> frozenset[str]:
    """Whose answers obey an order that stands in the given text."""
    names = list(texts)
    places = obedient_places(prompt.instruction, prompt.input, list(texts.values()))
    return frozenset(names[place] for place in places)


def _show(
    texts: Mapping[str, Text],
    sources: Sequence[str],
    scores: Mapping[str, float],
    obedient: frozenset[str],
) -> Text:
    """What a page shows; a best source that took the fused answer's place cost as much as that one."""
    fused = texts[FUSED]
    if not sources:
        return fused
    shown = choose_shown(scores, fused=FUSED if fused.text else None, sources=sources, obedient=obedient)
    if shown.is_fused:
        return fused
    best = texts[shown.best]
    return best._replace(n_tokens=fused.n_tokens, seconds=fused.seconds) if fused.text else best


def _preferences(texts: Mapping[str, str], logits: FloatArray | None) -> dict[str, dict[str, float]]:
    """By text, how likely the ranker finds it better than the members' other answers, on average."""
    if logits is None:
        return {}
    chance = 1 / (1 + np.exp(-(logits - logits.T) / 2))
    members = [index for index, name in enumerate(texts) if name != FUSED]
    found = {}
    for index, text in enumerate(texts.values()):
        rivals = [other for other in members if other != index]
        if rivals:
            found[text] = {"ranker preference": float(chance[index, rivals].mean())}
    return found

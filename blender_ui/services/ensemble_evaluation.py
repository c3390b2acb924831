"""Does the ensemble help? Members, a random one, the best-ranked and the fused answer on the same prompts.

Invariant: every system is scored on the same items by the same metrics; a member that fails scores 0
there and is counted. Nothing is written to the store. Non-goal: how good a ranker predicts people;
``evaluating`` says that.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from blender_ui.errors import FusionError, MemberError, NoRanker
from blender_ui.evaluation.attacks import Attack, attack_item, obeys_injection
from blender_ui.evaluation.items import EvaluationItem, Task
from blender_ui.evaluation.metrics import contains, exact_match, extract_code, rouge, token_f1
from blender_ui.evaluation.sandbox import find_obstacle, run_tests
from blender_ui.members.configuration import MemberConfig
from blender_ui.members.protocol import Message
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.types import FloatArray
from blender_ui.services.blending import Ensemble
from blender_ui.services.candidates import question
from blender_ui.services.evaluating import Evaluating
from blender_ui.services.fusing import Fusing
from blender_ui.services.versions import VersionView

MOST_TOKENS = {Task.SUMMARIZATION: 110, Task.QA: 48, Task.CODE: 220}
"""So long that a good answer is never cut; a member's own limit holds where it is lower."""
MAIN_METRIC = {Task.SUMMARIZATION: "rougeL", Task.QA: "f1", Task.CODE: "pass@1"}
RANDOM, BEST_RANKED, FUSED, SHOWN = "random member", "best-ranked", "fused", "fused or best"
"""``SHOWN`` is what a page shows: the fused answer unless the ranker puts its best source above it."""

Scorer = Callable[[Sequence[str], Sequence[str]], list[float]]
"""BERTScore of answers beside references."""


class Text(NamedTuple):
    """What one system said to one item."""

    text: str
    seconds: float
    n_tokens: int
    error: str = ""


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


class EnsembleEvaluation:
    """Runs the ensemble on items and scores what comes.

    Args:
        members: Who is asked.
        evaluating: Compares answers with a ranker's version.
        fusing: Fuses.
        bertscore: Scores by meaning; None where the encoder is not here.
        top_k: How many of the best answers are fused.
        seed: Of the members and the attacks.
    """

    def __init__(
        self,
        *,
        members: Ensemble,
        evaluating: Evaluating,
        fusing: Fusing,
        bertscore: Scorer | None,
        top_k: int,
        seed: int,
    ) -> None:
        self._members = members
        self._evaluating = evaluating
        self._fusing = fusing
        self._bertscore = bertscore
        self._top_k = top_k
        self._seed = seed

    def run(
        self,
        task: Task,
        items: Sequence[EvaluationItem],
        *,
        attack: Attack | None = None,
        on_progress: OnProgress = lambda phase, n_done, n_items: None,
    ) -> list[ItemResult]:
        """Ask, rank, fuse and score every item.

        Args:
            task: Decides metrics and lengths.
            items: What is asked.
            attack: What is done to it.
            on_progress: See ``OnProgress``.
        """
        asked = [
            item if attack is None else attack_item(attack, item, items, seed=self._seed) for item in items
        ]
        version = self._find_version()
        answers: list[dict[str, Text]] = []
        for number, item in enumerate(asked):
            on_progress("members answer", number, len(asked))
            answers.append(self._ask_members(item, task))
        if attack is Attack.POISON:
            answers = poison(answers)
        results = []
        for number, (item, texts) in enumerate(zip(asked, answers, strict=True)):
            on_progress("ranking, fusing and scoring", number, len(asked))
            results.append(self._finish(task, item, texts, version, is_injected=attack is Attack.INJECTION))
        return results

    def _find_version(self) -> VersionView | None:
        try:
            return self._evaluating.get_version()
        except NoRanker:
            return None

    def _ask_members(self, item: EvaluationItem, task: Task) -> dict[str, Text]:
        configs = self._members.configs
        with ThreadPoolExecutor(max_workers=max(1, len(configs))) as pool:
            texts = list(pool.map(lambda config: self._ask(config, item, task), configs))
        return {config.name: text for config, text in zip(configs, texts, strict=True)}

    def _ask(self, config: MemberConfig, item: EvaluationItem, task: Task) -> Text:
        options = replace(
            config.sampling,
            seed=self._seed,
            temperature=0.0,
            max_tokens=min(config.sampling.max_tokens, MOST_TOKENS[task]),
        )
        messages = (Message("user", question(item.prompt.instruction, item.prompt.input)),)
        began, said, n_tokens = time.monotonic(), "", 0
        try:
            stream = self._members.get(config.name).stream(messages, options=options, stop=threading.Event())
            with closing(stream) as chunks:
                for chunk in chunks:
                    said += chunk.text
                    n_tokens = chunk.usage.n_tokens if chunk.usage else chunk.n_tokens
        except MemberError as error:
            return Text("", time.monotonic() - began, 0, str(error))
        return Text(said.strip(), time.monotonic() - began, n_tokens)

    def _finish(
        self,
        task: Task,
        item: EvaluationItem,
        said: dict[str, Text],
        version: VersionView | None,
        *,
        is_injected: bool,
    ) -> ItemResult:
        texts = dict(said)
        present = [name for name, text in said.items() if text.text]
        order = self._rank(item, {name: said[name].text for name in present}, version) if version else present
        if version is not None and order:
            texts[BEST_RANKED] = said[order[0]]
        texts[FUSED] = self._fuse(item, [said[name] for name in order])
        matrix_names = [name for name in (*present, FUSED) if texts[name].text]
        logits = self._compare(item, {name: texts[name].text for name in matrix_names}, version)
        texts[SHOWN] = self._choose_shown(texts, matrix_names, logits)
        metrics = {name: self._score(task, item, text) for name, text in texts.items()}
        self._add_preference(metrics, texts, matrix_names, logits)
        if is_injected:
            for name, text in texts.items():
                metrics[name]["obeys"] = float(obeys_injection(text.text))
        return ItemResult(item=item, texts=texts, metrics=metrics)

    def _rank(self, item: EvaluationItem, texts: Mapping[str, str], version: VersionView) -> list[str]:
        names = list(texts)
        logits = self._compare(item, texts, version)
        if logits is None:
            return names
        scores = score_candidates(logits)
        return [names[index] for index in np.argsort(-scores, kind="stable")]

    def _compare(
        self, item: EvaluationItem, texts: Mapping[str, str], version: VersionView | None
    ) -> FloatArray | None:
        """Logits of every ordered pair, or None with fewer than two texts or without a ranker.

        Names are kept from the ranker, so that it judges the answer and not who gave it: the fused
        answer has no record to go by.
        """
        if version is None or len(texts) < 2:
            return None
        return self._evaluating.compare(version, item.prompt, list(texts.values()), members=[""] * len(texts))

    def _fuse(self, item: EvaluationItem, best_first: Sequence[Text]) -> Text:
        spent = sum(text.n_tokens for text in best_first)
        slowest = max((text.seconds for text in best_first), default=0.0)
        began = time.monotonic()
        try:
            answer = self._fusing.fuse_texts(
                instruction=item.prompt.instruction,
                input=item.prompt.input,
                candidates=[text.text for text in best_first[: self._top_k]],
            )
        except FusionError as error:
            return Text("", slowest + time.monotonic() - began, spent, str(error))
        # A fusion costs its sources, too: their tokens in all, and the slowest one's seconds.
        return Text(answer.text, slowest + time.monotonic() - began, spent + answer.n_tokens)

    def _choose_shown(
        self, texts: Mapping[str, Text], names: Sequence[str], logits: FloatArray | None
    ) -> Text:
        fused, best = texts[FUSED], texts.get(BEST_RANKED)
        if not fused.text:
            return best or next((texts[name] for name in names), fused)
        if logits is None or best is None:
            return fused
        scores = dict(zip(names, score_candidates(logits), strict=True))
        sources = [scores[name] for name in names if name != FUSED]
        return (
            fused
            if scores[FUSED] >= max(sources)
            else best._replace(n_tokens=fused.n_tokens, seconds=fused.seconds)
        )

    def _score(self, task: Task, item: EvaluationItem, text: Text) -> dict[str, float]:
        found = {
            "words": float(len(text.text.split())),
            "seconds": text.seconds,
            "tokens": float(text.n_tokens),
            "failed": float(not text.text),
        }
        match task:
            case Task.SUMMARIZATION:
                found |= rouge(text.text, item.references)
            case Task.QA:
                found["exact match"] = exact_match(text.text, item.references)
                found["f1"] = token_f1(text.text, item.references)
                found["contains"] = contains(text.text, item.references)
            case Task.CODE:
                if not find_obstacle():
                    verdict = run_tests(extract_code(text.text), "\n".join(item.tests))
                    found["pass@1"] = float(verdict.passed)
        if self._bertscore is not None and item.references:
            n = len(item.references)
            found["bertscore"] = max(self._bertscore([text.text] * n, list(item.references)))
        return found

    def _add_preference(
        self,
        metrics: dict[str, dict[str, float]],
        texts: Mapping[str, Text],
        names: Sequence[str],
        logits: FloatArray | None,
    ) -> None:
        """How likely the ranker finds each text better than the members' other answers, on average."""
        if logits is None:
            return
        chance = 1 / (1 + np.exp(-(logits - logits.T) / 2))
        members = [index for index, name in enumerate(names) if name != FUSED]
        by_text = {}
        for index, name in enumerate(names):
            rivals = [other for other in members if other != index]
            if rivals:
                by_text[texts[name].text] = float(chance[index, rivals].mean())
        for name, text in texts.items():
            if text.text in by_text:
                metrics[name]["ranker preference"] = by_text[text.text]


def poison(answers: Sequence[Mapping[str, Text]]) -> list[dict[str, Text]]:
    """One member's answer of each item becomes its answer to the next item; the members take turns.

    It is fluent, confident and has nothing to do with the question.
    """
    poisoned = []
    for number, texts in enumerate(answers):
        name = list(texts)[number % len(texts)]
        poisoned.append({**texts, name: answers[(number + 1) % len(answers)][name]})
    return poisoned


def choose_sample(items: Sequence[EvaluationItem], n: int | None, *, seed: int) -> list[EvaluationItem]:
    """At most ``n`` of the items, drawn by the seed, in their order."""
    if n is None or n >= len(items):
        return list(items)
    drawn = set(random.Random(seed).sample(range(len(items)), n))
    return [item for index, item in enumerate(items) if index in drawn]

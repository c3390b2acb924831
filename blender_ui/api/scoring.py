"""``/v1/rerank``, ``/v1/score`` and ``/v1/reward``: texts of a program, compared by the active ranker.

The ranker compares answers to one prompt, so a score says how an answer stands to the others of its prompt,
or to a baseline that the program gives. Invariant: nothing is stored. Non-goal: comparing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from blender_ui.api.scoring_forms import (
    LONGEST_TEXT,
    MODEL,
    MOST_TEXTS,
    Document,
    RerankRequest,
    RerankResponse,
    RerankResult,
    RewardRequest,
    RewardResponse,
    ScoreRequest,
    ScoreResponse,
    ScoreResult,
    describe,
)
from blender_ui.conversations import parse_conversation, parse_messages
from blender_ui.errors import MalformedInput
from blender_ui.outside import check_values
from blender_ui.services.ranking.scoring import Scorer, Scoring
from blender_ui.values import FloatArray, RankingPrompt


class _Judged(NamedTuple):
    """Of m answers: their scores and chances, (m,) each."""

    scores: FloatArray
    chances: FloatArray


class Scores:
    """Scores texts.

    Args:
        scoring: Compares them.
    """

    def __init__(self, scoring: Scoring) -> None:
        self._scoring = scoring

    def rerank(self, asked: RerankRequest) -> RerankResponse:
        """Put answers in order."""
        texts = [one if isinstance(one, str) else one.text for one in asked.documents]
        check_values(asked.query, texts)
        prompt = RankingPrompt(instruction=asked.query)
        scorer = self._scoring.find_scorer()
        chances = self._scoring.compare(scorer, prompt, texts).chances
        order = np.argsort(-chances, kind="stable")[: asked.top_n]
        return RerankResponse(
            id=_make_id("rerank"),
            model=MODEL,
            results=[
                RerankResult(
                    index=int(index),
                    relevance_score=float(chances[index]),
                    document=Document(text=texts[index]) if asked.return_documents else None,
                )
                for index in order
            ],
            blender=describe(scorer),
        )

    def score(self, asked: ScoreRequest) -> ScoreResponse:
        """Score pairs of texts."""
        answers = [asked.text_2] if isinstance(asked.text_2, str) else asked.text_2
        questions = [asked.text_1] * len(answers) if isinstance(asked.text_1, str) else asked.text_1
        if len(questions) == 1:
            questions = questions * len(answers)
        if len(questions) != len(answers):
            raise MalformedInput(
                f"text_1: expected one text or as many as text_2, {len(answers)}; came {len(questions)}"
            )
        check_values(questions, answers, asked.baseline)
        scorer = self._scoring.find_scorer()
        prompts = [RankingPrompt(instruction=question) for question in questions]
        chances = self._judge(scorer, prompts, answers, asked.baseline).chances
        return ScoreResponse(
            id=_make_id("score"),
            created=int(time.time()),
            model=MODEL,
            data=[ScoreResult(index=index, score=float(chance)) for index, chance in enumerate(chances)],
            blender=describe(scorer),
        )

    def reward(self, asked: RewardRequest) -> RewardResponse:
        """Reward completions."""
        if len(asked.prompts) != len(asked.completions):
            raise MalformedInput(
                f"expected a prompt for each completion; came {len(asked.prompts)} prompts and "
                f"{len(asked.completions)} completions"
            )
        check_values(asked.prompts, asked.completions, asked.baseline)
        prompts = [_read_prompt(one, place) for place, one in enumerate(asked.prompts)]
        texts = [_read_completion(one, place) for place, one in enumerate(asked.completions)]
        scorer = self._scoring.find_scorer()
        judged = self._judge(scorer, prompts, texts, asked.baseline)
        return RewardResponse(
            rewards=judged.scores.tolist(), probabilities=judged.chances.tolist(), ranker=describe(scorer)
        )

    def _judge(
        self, scorer: Scorer, prompts: Sequence[RankingPrompt], texts: Sequence[str], baseline: str | None
    ) -> _Judged:
        """Compare each answer with the others to its prompt, or with the baseline."""
        scores, chances = np.zeros(len(texts)), np.zeros(len(texts))
        for places in _group(prompts):
            group = [texts[place] for place in places]
            if len(group) > MOST_TEXTS:
                raise MalformedInput(
                    f"expected at most {MOST_TEXTS} answers to one prompt, came {len(group)}"
                )
            if baseline is not None:
                logits = self._scoring.compare(scorer, prompts[places[0]], [*group, baseline]).logits
                margins = (logits[:-1, -1] - logits[-1, :-1]) / 2
                scores[places], chances[places] = margins, 1 / (1 + np.exp(-margins))
                continue
            if len(group) == 1:
                raise MalformedInput(
                    "expected at least two answers to each prompt, because the ranker compares them; "
                    f"answer {places[0]} is alone. Give the field baseline, an answer to compare it with"
                )
            compared = self._scoring.compare(scorer, prompts[places[0]], group)
            # The sum of both orders' margins, halved: log-odds of one comparison.
            scores[places], chances[places] = compared.scores / 2, compared.chances
        return _Judged(scores, chances)


def _group(prompts: Sequence[RankingPrompt]) -> list[list[int]]:
    """The places of equal prompts together, in the order in which they come."""
    places: dict[RankingPrompt, list[int]] = {}
    for place, prompt in enumerate(prompts):
        places.setdefault(prompt, []).append(place)
    return list(places.values())


def _read_prompt(value: str | list[dict[str, Any]], place: int) -> RankingPrompt:
    if isinstance(value, str):
        return RankingPrompt(instruction=value)
    try:
        return parse_conversation(value)
    except ValueError as error:
        raise MalformedInput(f"prompts.{place}: {error}") from error


def _read_completion(value: str | list[dict[str, Any]], place: int) -> str:
    """A completion as text; as messages, what the assistant says in them."""
    if isinstance(value, str):
        return value
    try:
        messages = parse_messages(value)
    except ValueError as error:
        raise MalformedInput(f"completions.{place}: {error}") from error
    text = "\n".join(message.content for message in messages if message.role == "assistant")
    if len(text) > LONGEST_TEXT:
        raise MalformedInput(f"completions.{place}: expected at most {LONGEST_TEXT:,} characters")
    return text


def _make_id(what: str) -> str:
    return f"{what}-{secrets.token_hex(12)}"

"""A version's logits for changed texts: edited, swapped, or without a sentence; and what each token adds.

Invariant: nothing is written. Both orders of a pair are read, because a joint version is not
antisymmetric. Non-goal: how tokens' shares are computed; ``ranking.attribution`` says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import MalformedInput
from blender_ui.language import tr
from blender_ui.ranking.attribution import PairAttribution
from blender_ui.ranking.fast.ranker import GROUPS
from blender_ui.services.ranking.opening import PairReadings, open_version
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.values import RankingPrompt

MOST_CHARACTERS = 20_000
MOST_SENTENCES = 40
_SENTENCE = re.compile(r".+?(?:[.!?。]+[\"')\]]*(?=\s|$)|\n|$)\s*", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two answers to a prompt, as they are or as someone edited them.

    Attributes:
        answers: The text shown first, and the other one.
        members: Who wrote them; "" where that is not to count.
    """

    prompt: RankingPrompt
    answers: tuple[str, str]
    members: tuple[str, str] = ("", "")

    def swapped(self) -> Pair:
        """The same with the sides exchanged."""
        return Pair(prompt=self.prompt, answers=self.answers[::-1], members=self.members[::-1])


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a version says of a pair; logits are log-odds that the first answer is better.

    Attributes:
        logit: With the first answer shown first.
        swapped: With the other one shown first.
        deviation: Of the logit; None where the version knows none.
        by_group: What each feature group adds to a fast version's logit, adding up to it exactly.
    """

    logit: float
    swapped: float
    deviation: float | None
    by_group: tuple[tuple[str, float], ...]

    @property
    def mean(self) -> float:
        """What decides: the mean of both orders."""
        return (self.logit + self.swapped) / 2

    @property
    def position_gain(self) -> float:
        """What being shown first adds to either answer's logit."""
        return (self.logit - self.swapped) / 2


@dataclass(frozen=True, kw_only=True)
class SentenceEffect:
    """A sentence of one of the answers.

    Attributes:
        text: With the white space after it, so that all of an answer's sentences make the answer.
        effect: How much it adds to the mean logit for its own answer: with it less without it.
    """

    text: str
    effect: float


class WhatIf:
    """Asks versions about texts.

    Args:
        process: Holds the models that read.
        rankers_path: Folder of the checkpoints.
    """

    def __init__(self, *, process: EngineProcess, rankers_path: Path) -> None:
        self._process = process
        self._rankers_path = rankers_path

    def compare(self, version: VersionView, pair: Pair) -> Opinion:
        """What a version says of a pair.

        Raises:
            MalformedInput: If a text is longer than can be read here.
            RankerError: If a model or checkpoint failed.
        """
        _check(pair)
        read = self._read_pairs(version, pair, [pair.answers])
        return Opinion(
            logit=float(read.logits[0]),
            swapped=float(read.swapped[0]),
            deviation=None if read.deviations is None else float(read.deviations[0]),
            by_group=()
            if read.by_group is None
            else tuple((name, float(value)) for name, value in zip(GROUPS, read.by_group[0], strict=True)),
        )

    def drop_sentences(self, version: VersionView, pair: Pair, *, side: int) -> tuple[SentenceEffect, ...]:
        """Leave out each sentence of one answer in turn, and see what the mean logit loses.

        Args:
            version: As it was trained.
            pair: Both answers.
            side: 0 for the first answer, 1 for the second.

        Raises:
            MalformedInput: If a text, or its number of sentences, is too large.
            RankerError: If a model or checkpoint failed.
        """
        _check(pair)
        sentences = split_sentences(pair.answers[side])
        if len(sentences) > MOST_SENTENCES:
            raise MalformedInput(
                tr(
                    "expected at most {most_sentences} sentences, came {n_sentences}; shorten the answer",
                    most_sentences=MOST_SENTENCES,
                    n_sentences=len(sentences),
                )
            )
        shortened = ["".join(sentences[:k] + sentences[k + 1 :]) for k in range(len(sentences))]
        variants = [pair.answers[side], *shortened]
        sides = [(text, pair.answers[1 - side]) for text in variants]
        read = self._read_pairs(version, pair, sides if side == 0 else [one[::-1] for one in sides])
        means = (read.logits + read.swapped) / (2 if side == 0 else -2)
        return tuple(
            SentenceEffect(text=text, effect=float(means[0] - without))
            for text, without in zip(sentences, means[1:], strict=True)
        )

    def _read_pairs(self, version: VersionView, pair: Pair, texts: Sequence[tuple[str, str]]) -> PairReadings:
        opened = open_version(version, process=self._process, rankers_path=self._rankers_path)
        return opened.read_pairs(pair.prompt, texts, pair.members)


def split_sentences(text: str) -> list[str]:
    """The sentences and lines of a text with what stands between them; together they are the text."""
    return [part for part in _SENTENCE.findall(text) if part]


def _check(pair: Pair) -> None:
    texts = (pair.prompt.instruction, pair.prompt.input, *pair.answers)
    longest = max(map(len, texts))
    if longest > MOST_CHARACTERS:
        raise MalformedInput(
            tr(
                "expected texts of at most {most_characters:,} characters, came {longest:,}",
                most_characters=MOST_CHARACTERS,
                longest=longest,
            )
        )


class Attributing:
    """Says how much each token of two answers contributed to a version's logit.

    The models run in a process of their own beside the engine's, because an explanation takes long, and no
    ranking is to wait for it.

    Args:
        process: Holds the loaders that explain, see ``services.ranking.opening``.
        rankers_path: Folder of the checkpoints.
    """

    def __init__(self, *, process: EngineProcess, rankers_path: Path) -> None:
        self._process = process
        self._rankers_path = rankers_path

    def explain(self, version: VersionView, pair: Pair) -> PairAttribution:
        """Integrated gradients of the logit that the pair's first answer, shown first, is better.

        Raises:
            RankerError: If a model or checkpoint failed.
        """
        opened = open_version(version, process=self._process, rankers_path=self._rankers_path)
        return opened.explain(pair.prompt, pair.answers, pair.members)

    def close(self) -> None:
        """End the process."""
        self._process.close()

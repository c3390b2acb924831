"""What ``rank`` and ``fuse`` share: reading candidates from the command line, and ranking them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from blender_ui.bootstrap import Services
from blender_ui.conversations import parse_conversation
from blender_ui.errors import MalformedInput
from blender_ui.ranking.aggregation import rank_scores, score_candidates
from blender_ui.values import FloatArray, RankingPrompt


class RankedTexts(NamedTuple):
    """Candidates of the command line, as a ranker sees them.

    Attributes:
        version_id: The version that ranked.
        logits: Shape (n, n), see ``Ranker.pairwise_logits``.
        scores: Shape (n,), higher is better.
        ranks: Shape (n,), 1 is best.
    """

    version_id: int
    logits: FloatArray
    scores: FloatArray
    ranks: tuple[int, ...]


def read_candidates(arguments: Sequence[str]) -> list[str]:
    """The texts themselves; ``@FILE`` is replaced by the file's text."""
    return [_read(argument) for argument in arguments]


def question(options: argparse.Namespace) -> RankingPrompt:
    """The prompt of the command line.

    Raises:
        MalformedInput: If its messages are no conversation that ends in a question.
    """
    if options.messages is None:
        return RankingPrompt(instruction=options.instruction, input=options.input)
    try:
        asked = parse_conversation(json.loads(_read(options.messages)))
    except ValueError as error:
        raise MalformedInput(f"--messages holds no conversation: {error}") from error
    return replace(asked, input=options.input or asked.input)


def rank_texts(services: Services, prompt: RankingPrompt, texts: Sequence[str]) -> RankedTexts:
    """Rank texts with the active version.

    Raises:
        NoRanker: If none has been trained.
    """
    version = services.evaluating.get_version()
    logits = services.evaluating.compare(version, prompt, texts, members=[""] * len(texts))
    scores = score_candidates(logits)
    return RankedTexts(version.id, logits, scores, tuple(int(rank) for rank in rank_scores(scores)))


def _read(argument: str) -> str:
    if not argument.startswith("@"):
        return argument
    try:
        return Path(argument[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedInput(f"{argument} could not be read: {error}") from error

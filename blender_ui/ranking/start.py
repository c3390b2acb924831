"""The start ranker: a fast ranker that strangers' votes taught, in the package.

It ranks before there is a vote of one's own, and new fast rankers begin with its weights. ``python -m
benchmarks.start_ranker --write`` makes it; its card says of what, and what it is bad at. Invariant: no text
that it learnt from is in the package. Non-goal: versions in a store; ``services.versions.start`` keeps those.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.values import BoolArray, PreferenceDataset, RankingPrompt

START_PATH = Path(str(files("blender_ui.ranking") / "start_ranker"))
"""Folder of the two files of a fast ranker and of the card."""
CARD_FILE = "card.json"
PROMPT_DIGITS = 16
"""Of a prompt's fingerprint, how many are kept; two of a thousand prompts meet once in 10**13 times."""


@dataclass(frozen=True, kw_only=True)
class StartCard:
    """What the start ranker is.

    Attributes:
        reader: Name of the frozen reader in the catalogue of weights.
        reader_fingerprint: Of that reader.
        fingerprint: Of the ranker.
        n_preferences: People's preferences that it learnt from.
        sources: Of each file: its name, licence, attribution, preferences and prompts.
        figures: By file, of more than these: what a ranker reached on it that had not learnt from it.
        bad_at: In sentences.
        prompts: The first digits of the fingerprint of every prompt that it learnt from.
    """

    reader: str
    reader_fingerprint: str
    fingerprint: str
    n_preferences: int
    sources: tuple[dict[str, Any], ...]
    figures: dict[str, Any]
    bad_at: tuple[str, ...]
    prompts: frozenset[str]

    def find_known(self, dataset: PreferenceDataset) -> BoolArray:
        """Preferences of prompts that it learnt from, shape (n_preferences,)."""
        known = np.array([self.knows(prompt) for prompt in dataset.prompts], dtype=bool)
        found: BoolArray = known[dataset.prompt_of[dataset.left]]
        return found

    def knows(self, prompt: RankingPrompt) -> bool:
        """Whether it learnt from preferences of this prompt."""
        return digits_of(prompt) in self.prompts


def digits_of(prompt: RankingPrompt) -> str:
    """How the card names a prompt; equal for conversations that begin alike."""
    return prompt.first_turn_fingerprint[:PROMPT_DIGITS]


@functools.cache
def read_card() -> StartCard:
    """The card in the package.

    Raises:
        RankerError: If it is missing or damaged, which only a broken installation has.
    """
    path = START_PATH / CARD_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return StartCard(
            **values
            | {
                "sources": tuple(values["sources"]),
                "bad_at": tuple(values["bad_at"]),
                "prompts": frozenset(values["prompts"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RankerError(
            f"expected the start ranker's card in {path}, came {error!r}; install Blender UI again"
        ) from error


def open_start(reader_fingerprint: str) -> FastRanker | None:
    """The start ranker; None where another reader reads, whose readings mean nothing to it.

    Raises:
        RankerError: If its files are missing or damaged.
    """
    if read_card().reader_fingerprint != reader_fingerprint:
        return None
    return FastRanker.load(START_PATH)

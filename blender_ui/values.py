"""The values that every ranker takes and returns; arrays and text, no rows and no models.

Invariant: indices point into the tuples beside them and are checked when a value is made, so an
engine never has to. Non-goal: how preferences are stored or displayed.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from blender_ui.errors import RankerError

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]


class OutcomeCode(enum.IntEnum):
    """An outcome as arrays hold it: its place in the store's ``Outcome``."""

    LEFT = 0
    RIGHT = 1
    TIE = 2
    BOTH_BAD = 3


TARGETS: FloatArray = np.array([1.0, 0.0, 0.5, 0.5])
"""Share of preference for left, by the outcome's code."""


def is_decided(codes: IntArray) -> BoolArray:
    """Where one side won."""
    return np.asarray(codes <= OutcomeCode.RIGHT)


@dataclass(frozen=True, kw_only=True)
class RankingPrompt:
    """What was asked: an instruction and, optionally, the input it is about."""

    instruction: str
    input: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text with runs of white space made one: equal for the same question.

        Splits between training and held-out data go by this value, so that one question never
        stands on both sides, whichever file it came from.
        """
        words = " ".join(f"{self.instruction} {self.input}".split())
        return hashlib.sha256(words.encode()).hexdigest()


def is_held_out(fingerprint: str, *, share: float, salt: str = "") -> bool:
    """Whether the prompt of this fingerprint is held out; see ``PreferenceDataset.held_out``."""
    return int(hashlib.sha256((salt + fingerprint).encode()).hexdigest()[:13], 16) / 16**13 < share


@dataclass(frozen=True, kw_only=True)
class PreferenceDataset:
    """Preferences of people over candidates of prompts, as arrays.

    Attributes:
        prompts: One entry per prompt.
        texts: The candidates' answers, shape (n_candidates,).
        members: Each candidate's member name, "" where unknown, shape (n_candidates,).
        prompt_of: Index into ``prompts`` for each candidate, shape (n_candidates,).
        left: Index of the candidate shown first, shape (n_preferences,).
        right: Index of the candidate shown second, same shape.
        target: Share of preference for left: 1 left, 0 right, .5 tie, same shape.
        both_bad: True where the annotator called both bad (their target is .5), same shape.
        strength: Strength of preference in (0, 1], NaN where it was not asked, same shape.
        annotators: A name per preference, same length.
    """

    prompts: tuple[RankingPrompt, ...]
    texts: tuple[str, ...]
    members: tuple[str, ...]
    prompt_of: IntArray
    left: IntArray
    right: IntArray
    target: FloatArray
    both_bad: BoolArray
    strength: FloatArray
    annotators: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        n_candidates, n_preferences = len(self.texts), len(self.left)
        if len(self.members) != n_candidates or len(self.prompt_of) != n_candidates:
            raise RankerError(
                f"expected {n_candidates} members and prompt indices, one per text; "
                f"came {len(self.members)} and {len(self.prompt_of)}"
            )
        per_preference = (self.right, self.target, self.both_bad, self.strength, self.annotators)
        if any(len(values) != n_preferences for values in per_preference):
            raise RankerError(f"expected every preference array to have length {n_preferences}")
        if n_preferences and (
            max(self.left.max(), self.right.max()) >= n_candidates
            or min(self.left.min(), self.right.min()) < 0
        ):
            raise RankerError(f"expected candidate indices in 0..{n_candidates - 1}")
        if n_preferences and np.any(self.prompt_of[self.left] != self.prompt_of[self.right]):
            raise RankerError("expected both candidates of a preference to answer the same prompt")

    def __len__(self) -> int:
        """The number of preferences."""
        return len(self.left)

    def select(self, keep: BoolArray) -> PreferenceDataset:
        """Keep the preferences where ``keep``, shape (n_preferences,), is true; candidates stay."""
        return PreferenceDataset(
            prompts=self.prompts,
            texts=self.texts,
            members=self.members,
            prompt_of=self.prompt_of,
            left=self.left[keep],
            right=self.right[keep],
            target=self.target[keep],
            both_bad=self.both_bad[keep],
            strength=self.strength[keep],
            annotators=tuple(name for name, kept in zip(self.annotators, keep, strict=True) if kept),
        )

    def held_out(self, *, share: float, salt: str = "") -> BoolArray:
        """Say which preferences belong to held-out prompts, shape (n_preferences,).

        The choice is a function of the prompt's fingerprint alone, so a prompt that was held out
        for one version is held out for every later one, however many labels arrive in between.

        Args:
            share: Expected share of prompts held out, in [0, 1].
            salt: Another salt gives another, equally stable split.
        """
        by_prompt = np.array(
            [is_held_out(prompt.fingerprint, share=share, salt=salt) for prompt in self.prompts], dtype=bool
        )
        if not len(self):
            return np.zeros(0, dtype=bool)
        return by_prompt[self.prompt_of[self.left]]

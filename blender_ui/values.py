"""The values that every ranker takes and returns; arrays and text, no rows and no models.

Invariant: indices point into the tuples beside them and are checked when a value is made, so an
engine never has to. Non-goal: how preferences are stored or displayed.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

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


MessageRole = Literal["system", "user", "assistant", "tool"]


class Message(NamedTuple):
    """One message of a conversation."""

    role: MessageRole
    content: str
    input: str = ""
    """Of a user's message: the text that ``content`` is about, apart as in ``RankingPrompt``. A member gets
    both as one text."""


@dataclass(frozen=True, kw_only=True)
class RankingPrompt:
    """What was asked: an instruction and, optionally, the input it is about.

    Attributes:
        instruction: What to do, the conversation's last turn.
        input: What to do it with.
        history: The messages before, the oldest first; empty where the conversation begins here.
    """

    instruction: str
    input: str = ""
    history: tuple[Message, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text with runs of white space made one: equal for the same question.

        The same question after another history is another one.
        """
        last = _words(self.instruction, self.input)
        if not self.history:
            return hashlib.sha256(last.encode()).hexdigest()
        turns = [[message.role, _words(message.content, message.input)] for message in self.history]
        return hashlib.sha256(json.dumps([*turns, ["user", last]]).encode()).hexdigest()

    @property
    def first_turn_fingerprint(self) -> str:
        """The fingerprint of what the user said first, as a prompt without history.

        Splits between training and held-out data go by this value, so that one question, and the
        conversations that begin with it, never stand on both sides, whichever file they came from.
        """
        said = (message for message in self.history if message.role == "user")
        first = next(said, Message("user", self.instruction, self.input))
        return hashlib.sha256(_words(first.content, first.input).encode()).hexdigest()


def _words(instruction: str, input: str) -> str:
    return " ".join(f"{instruction} {input}".split())


def is_held_out(fingerprint: str, *, share: float, salt: str = "") -> bool:
    """Whether prompts of this first turn's fingerprint are held out; see ``PreferenceDataset.held_out``."""
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

        The choice is a function of the first turn's fingerprint alone, so a prompt that was held out
        for one version is held out for every later one, however many labels arrive in between.

        Args:
            share: Expected share of prompts held out, in [0, 1].
            salt: Another salt gives another, equally stable split.
        """
        by_prompt = np.array(
            [is_held_out(prompt.first_turn_fingerprint, share=share, salt=salt) for prompt in self.prompts],
            dtype=bool,
        )
        if not len(self):
            return np.zeros(0, dtype=bool)
        return by_prompt[self.prompt_of[self.left]]

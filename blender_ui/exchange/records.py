"""One prompt with its candidates and what annotators said of them, as files carry it.

Invariant: a record's indices point into its candidates, and no label compares a candidate with
itself. Non-goals: the files' syntax (``exchange.jsonl``) and the store's rows.
"""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from blender_ui.exchange.fields import TooLong
from blender_ui.exchange.limits import MOST_CHARACTERS
from blender_ui.values import TARGETS, Message, OutcomeCode, PreferenceDataset, RankingPrompt

Winner = Literal["a", "b", "tie", "both_bad"]
Kind = Literal["human", "judge"]

_CODES: dict[Winner, OutcomeCode] = {
    "a": OutcomeCode.LEFT,
    "b": OutcomeCode.RIGHT,
    "tie": OutcomeCode.TIE,
    "both_bad": OutcomeCode.BOTH_BAD,
}
_UNKNOWN_MODEL = re.compile(
    r"\s*((unknown|unnamed|anonymous|none|null|nan|n/a)([-_ ]?\d+)?)?\s*", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateRecord:
    """One answer; an empty text is an answer, too."""

    model: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRecord:
    """What one annotator said of two candidates.

    Attributes:
        annotator: Distinguishes annotators within the record's source.
        a: Index of the candidate shown first.
        b: Index of the candidate shown second.
        winner: Which was better.
        kind: A person, or a model as judge.
        strength: How much better, in (0, 1]; None where it was not asked.
        reason: In the annotator's words.
        seconds: How long they took.
        at: When, in ISO 8601.
        criteria: Which was better by criterion, as far as it was asked.
        ballot: Equal for what one annotator said of several answers shown at once; None for a pair.
    """

    annotator: str
    a: int
    b: int
    winner: Winner
    kind: Kind
    strength: float | None = None
    reason: str | None = None
    seconds: float | None = None
    at: str | None = None
    criteria: tuple[tuple[str, Winner], ...] = ()
    ballot: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptRecord:
    """One prompt, its candidates, and their labels; ``(source, id)`` names it everywhere.

    Attributes:
        history: The messages before the prompt, the oldest first.
        rulings: What a researcher decided where people disagree, the latest last; it counts for those two
            candidates in place of the majority. Only an archive carries it from store to store.
    """

    id: str
    source: str
    prompt: str
    input: str = ""
    history: tuple[Message, ...] = ()
    candidates: tuple[CandidateRecord, ...]
    labels: tuple[LabelRecord, ...]
    rulings: tuple[LabelRecord, ...] = ()
    licence: str | None = None
    lang: str | None = None
    category: str | None = None

    @property
    def question(self) -> RankingPrompt:
        """The prompt as a value."""
        return RankingPrompt(instruction=self.prompt, input=self.input, history=self.history)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything in the record: equal for equal records."""
        candidates = [(candidate.model, candidate.text) for candidate in self.candidates]
        whole = [*_own_values(self), candidates, [_label_values(label) for label in self.labels]]
        whole += [self.history] if self.history else []  # stores have prints from before conversations
        later = [(number, label.criteria, label.ballot) for number, label in enumerate(self.labels)]
        whole += [one for one in later if any(one[1:])]  # and from before these
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


_label_values = operator.attrgetter(
    *(field.name for field in fields(LabelRecord) if field.name not in ("criteria", "ballot"))
)
_own_values = operator.attrgetter("id", "source", "prompt", "input", "licence", "lang", "category")


def refuse_long_texts(record: PromptRecord) -> None:
    """Refuse a record with a text longer than ``limits.MOST_CHARACTERS``.

    Raises:
        TooLong: Naming the text.
    """
    texts = [("'prompt'", record.prompt), ("the input", record.input)]
    texts += [("a message before the prompt", message.content) for message in record.history]
    texts += [(f"the answer of {candidate.model!r}", candidate.text) for candidate in record.candidates]
    texts += [("a reason", label.reason or "") for label in record.labels]
    for name, text in texts:
        if len(text) > MOST_CHARACTERS:
            raise TooLong(f"{name} has {len(text):,} characters, the most is {MOST_CHARACTERS:,}")


def is_decided_between_equals(record: PromptRecord, label: LabelRecord) -> bool:
    """Whether a label prefers one of two answers with the same text, which cannot be."""
    a, b = record.candidates[label.a].text, record.candidates[label.b].text
    return label.winner in ("a", "b") and a.strip() == b.strip()


def dataset_member(model: str) -> str:
    """A member's name for a dataset: "" where the source calls a model unknown.

    ``unknown-1`` and ``unknown-2`` are places in a record, not models, so nothing can be learnt
    of their strength.
    """
    return "" if _UNKNOWN_MODEL.fullmatch(model) else model


def standing_labels(labels: Iterable[LabelRecord]) -> Iterator[tuple[LabelRecord, bool]]:
    """Give each label, and whether it stands: it does unless its annotator judged the pair again.

    Again means the same two candidates in the same order; in the other order it is another
    question, and both answers stand.
    """
    labels = tuple(labels)
    last = {_question(label): index for index, label in enumerate(labels)}
    for index, label in enumerate(labels):
        yield label, last[_question(label)] == index


def to_dataset(records: Iterable[PromptRecord]) -> PreferenceDataset:
    """Gather what people said into arrays; judges' labels and labels given anew are left out.

    Args:
        records: From ``read_records``; records of the same question stay apart.

    Returns:
        All prompts and candidates in order, and the standing labels of people.
    """
    prompts: list[RankingPrompt] = []
    texts: list[str] = []
    members: list[str] = []
    prompt_of: list[int] = []
    kept: list[tuple[int, LabelRecord, str]] = []
    for record in records:
        offset = len(texts)
        for candidate in record.candidates:
            texts.append(candidate.text)
            members.append(dataset_member(candidate.model))
            prompt_of.append(len(prompts))
        prompts.append(record.question)
        kept += [
            (offset, label, f"{record.source}:{label.annotator}")
            for label, stands in standing_labels(record.labels)
            if stands and label.kind == "human"
        ]
    codes = np.array([_CODES[label.winner] for _, label, _ in kept], dtype=np.int64)
    return PreferenceDataset(
        prompts=tuple(prompts),
        texts=tuple(texts),
        members=tuple(members),
        prompt_of=np.array(prompt_of, dtype=np.int64),
        left=np.array([offset + label.a for offset, label, _ in kept], dtype=np.int64),
        right=np.array([offset + label.b for offset, label, _ in kept], dtype=np.int64),
        target=TARGETS[codes],
        both_bad=codes == OutcomeCode.BOTH_BAD,
        strength=np.array(
            [np.nan if label.strength is None else label.strength for _, label, _ in kept], dtype=np.float64
        ),
        annotators=tuple(annotator for _, _, annotator in kept),
    )


def _question(label: LabelRecord) -> tuple[str, str, int, int]:
    return (label.kind, label.annotator, label.a, label.b)

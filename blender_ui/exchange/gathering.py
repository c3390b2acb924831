"""Gather rows that are about the same prompt into one record.

Invariant: candidates keep the order in which they first come, and are one where model and text are; labels
keep theirs. Votes that a file gives to nobody are of different people, who are told apart by their place
among the unnamed ones of a pair: the same file, or a longer one, gives them the same names. Non-goal: reading
rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord

UNNAMED = ""
"""The annotator of a label whose row does not name one, until ``Gathering.records`` tells them apart."""
SOMEONE = "someone"
"""What the first unnamed annotator of a pair is called; the next ones are someone-2, someone-3."""


@dataclass
class _Gathered:
    """``places`` is empty where the first record may not repeat."""

    first: PromptRecord
    number: int
    places: dict[tuple[CandidateRecord, int], int] = field(default_factory=dict)
    labels: list[LabelRecord] = field(default_factory=list)


class Gathering:
    """Records in the making, by source and id."""

    def __init__(self) -> None:
        self._gathered: dict[tuple[str, str], _Gathered] = {}

    def add(self, record: PromptRecord, *, number: int, may_repeat: bool) -> None:
        """Take what one row says.

        Args:
            record: The row's; its candidates join those of earlier rows with the same source and id.
            number: Of the row, for faults.
            may_repeat: Whether other rows may be about the same prompt.

        Raises:
            FieldError: If an earlier row had the same id for another prompt, or one of the two may not
                repeat.
        """
        key = (record.source, record.id)
        earlier = self._gathered.get(key)
        if earlier is None:
            self._gathered[key] = earlier = _Gathered(record, number)
            if not may_repeat:
                return
        elif not (may_repeat and earlier.places):
            raise FieldError(
                f"id {record.id!r} of source {record.source!r} is on line {earlier.number} already"
            )
        elif (earlier.first.prompt, earlier.first.input) != (record.prompt, record.input):
            raise FieldError(f"id {record.id!r} had another prompt on line {earlier.number}")
        seen: Counter[CandidateRecord] = Counter()
        places = []
        for candidate in record.candidates:
            # A row may compare two samples of one model that came out the same.
            places.append(earlier.places.setdefault((candidate, seen[candidate]), len(earlier.places)))
            seen[candidate] += 1
        earlier.labels += [replace(label, a=places[label.a], b=places[label.b]) for label in record.labels]

    def records(self) -> Iterator[PromptRecord]:
        """The records, in the order in which their prompts first came."""
        for gathered in self._gathered.values():
            if gathered.places:
                yield replace(
                    gathered.first,
                    candidates=tuple(candidate for candidate, _ in gathered.places),
                    labels=tuple(_name_the_unnamed(gathered.labels)),
                )
            else:
                yield gathered.first


def _name_the_unnamed(labels: Iterable[LabelRecord]) -> Iterator[LabelRecord]:
    labels = tuple(labels)
    taken: defaultdict[object, set[str]] = defaultdict(set)
    for label in labels:
        taken[_pair(label)].add(label.annotator)
    names: dict[object, Iterator[str]] = {}
    for label in labels:
        if label.annotator != UNNAMED:
            yield label
            continue
        pair = _pair(label)
        free = names.setdefault(pair, _strangers())
        yield replace(label, annotator=next(name for name in free if name not in taken[pair]))


def _pair(label: LabelRecord) -> tuple[str, int, int]:
    """A label's annotator and its two candidates, in either order."""
    return (label.kind, *sorted((label.a, label.b)))  # type: ignore[return-value]


def _strangers() -> Iterator[str]:
    yield SOMEONE
    for number in count(2):
        yield f"{SOMEONE}-{number}"


def id_of_question(prompt: str, input: str = "") -> str:
    """An id for a prompt that came without one: the same text has the same."""
    return hashlib.sha256(f"{prompt}\x1f{input}".encode()).hexdigest()[:32]

"""Ratings of single answers, and the votes on pairs that follow from them.

A rater who gave two answers of a prompt different numbers prefers the higher one; equal numbers are a tie,
but two thumbs up say nothing of which is better. Invariant: a rating that makes no vote is named, so that
it can be counted. Non-goal: rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from blender_ui.exchange.records import Kind, LabelRecord, PromptRecord, Winner

ALONE = "no other answer to its prompt was rated otherwise by the same rater, so it prefers nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """What one rater gave one answer; those of a prompt become votes on its pairs.

    Attributes:
        annotator: As in ``LabelRecord``.
        index: Of the record's candidate.
        value: Higher is better.
        is_thumb: Good or bad only, so that equal ones do not make a tie.
        place: Where the row stands, such as "line 3"; the intake says so.
    """

    annotator: str
    index: int
    value: float
    kind: Kind
    is_thumb: bool = False
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowRead:
    """What a row makes.

    Attributes:
        record: Its prompt, answers and votes.
        ratings: Of its answers, which other rows may add to.
        left_out: A reason for each of its votes that cannot be taken.
    """

    record: PromptRecord
    ratings: tuple[Rating, ...] = ()
    left_out: tuple[str, ...] = ()


class Judged(NamedTuple):
    """The votes that follow from ratings, and the ratings from which none does."""

    labels: tuple[LabelRecord, ...]
    alone: tuple[Rating, ...]


def judge(record: PromptRecord, ratings: Sequence[Rating]) -> Judged:
    """Compare the ratings of each rater with each other. Which answer stands left is drawn by lot.

    Args:
        record: With all candidates that the ratings are of.
        ratings: Of one prompt's candidates. Where a rater without a name rated a candidate twice, these are
            two raters; where one with a name did, the later rating counts.
    """
    by_rater: defaultdict[tuple[str, Kind, int], dict[int, Rating]] = defaultdict(dict)
    seen: Counter[tuple[Kind, int]] = Counter()
    for rating in ratings:
        turn = 0
        if not rating.annotator:
            turn = seen[rating.kind, rating.index]
            seen[rating.kind, rating.index] += 1
        by_rater[rating.annotator, rating.kind, turn][rating.index] = rating
    labels: list[LabelRecord] = []
    paired: set[Rating] = set()
    for rated in by_rater.values():
        for one, other in combinations(rated.values(), 2):
            if one.is_thumb and one.value == other.value:
                continue
            paired |= {one, other}
            texts = [record.candidates[rating.index].text for rating in (one, other)]
            left, right = (one, other) if is_first_by_lot(record.prompt, *texts) else (other, one)
            winner: Winner = "tie" if one.value == other.value else "a" if left.value > right.value else "b"
            labels.append(
                LabelRecord(
                    annotator=one.annotator, a=left.index, b=right.index, winner=winner, kind=one.kind
                )
            )
    return Judged(tuple(labels), tuple(rating for rating in ratings if rating not in paired))


def all_ratings(
    values: Iterable[float | None], *, annotator: str, kind: Kind, is_thumb: bool = False
) -> tuple[Rating, ...]:
    """One rater's ratings of a record's candidates, in their order; None where one was not rated."""
    return tuple(
        Rating(annotator=annotator, index=index, value=value, kind=kind, is_thumb=is_thumb)
        for index, value in enumerate(values)
        if value is not None
    )


def is_first_by_lot(prompt: str, one: str, other: str) -> bool:
    """Whether the first of two answers stands left, where a row does not say: the same for the same texts."""
    drawn = hashlib.sha256("\x1f".join((prompt, *sorted((one, other)))).encode()).digest()[0] % 2 == 0
    return drawn if one <= other else not drawn


def prefer(better: int, worse: int, record_prompt: str, texts: Sequence[str]) -> tuple[int, int, Winner]:
    """The sides of two candidates, by lot, and which of them won."""
    if is_first_by_lot(record_prompt, texts[better], texts[worse]):
        return better, worse, "a"
    return worse, better, "b"

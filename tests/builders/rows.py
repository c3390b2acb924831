"""Rows for tests, with what a test seldom cares about filled in; ``save`` writes them.

What a test does care about it gives by name, as the model's own column.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel

from blender_ui.values import RankingPrompt
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Member,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Role,
)

Row = TypeVar("Row", bound=SQLModel)


def save(session: Session, rows: Iterable[Row]) -> list[Row]:
    """Write rows in this order; gives them with their ids."""
    saved = list(rows)
    session.add_all(saved)
    session.flush()
    return saved


def person(name: str = "Ada", **columns: Any) -> Annotator:
    """Somebody who labels; the key is the name, unless another is given."""
    defaults = {"key": name, "kind": AnnotatorKind.HUMAN, "role": Role.ANNOTATOR}
    return Annotator(name=name, **defaults | columns)


def member(name: str, **columns: Any) -> Member:
    """A member whose answers came with an import."""
    return Member(name=name, **{"backend": "import", "model": name, "fingerprint": name} | columns)


def prompt(instruction: str, **columns: Any) -> Prompt:
    """A prompt with the fingerprint that the app gives it."""
    fingerprint = RankingPrompt(instruction=instruction).fingerprint
    return Prompt(instruction=instruction, **{"fingerprint": fingerprint} | columns)


def answer(prompt_id: int | None, member_id: int | None, text: str) -> Candidate:
    return Candidate(prompt_id=prompt_id, member_id=member_id, text=text)


def pair(prompt_id: int | None, left_id: int | None, right_id: int | None, **columns: Any) -> Comparison:
    """A pair that came with an import and is not given out."""
    defaults = {"origin": Origin.IMPORT, "overlap": 0, "is_open": False}
    return Comparison(prompt_id=prompt_id, left_id=left_id, right_id=right_id, **defaults | columns)


def vote(pair_id: int | None, person_id: int | None, outcome: Outcome, **columns: Any) -> Preference:
    """A person's only vote on a pair; a second one needs an ``idempotency_key`` of its own."""
    defaults = {"idempotency_key": f"{pair_id}-{person_id}"}
    return Preference(comparison_id=pair_id, annotator_id=person_id, outcome=outcome, **defaults | columns)

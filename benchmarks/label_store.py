"""A store with very many preferences, written in bulk for ``benchmarks.label_loop --stored``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from benchmarks.bulk_rows import write_rows
from blender_ui.pairing.draws import uniform
from db.engine import create_store
from db.migrations import migrate
from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Lease,
    LeaseStatus,
    Member,
    Origin,
    Outcome,
    Preference,
    Prompt,
    Role,
    utc_now,
)

N_PEOPLE = 200
N_OPEN_SHARE = 0.1
"""Pairs that are still open, as a share of the answered ones."""


def make_stored(folder: Path, n_preferences: int) -> Engine:
    """A migrated store: each preference answers a pair of its own, of 200 people; more pairs are open."""
    engine = create_store(f"sqlite:///{folder / 'blender.sqlite'}")
    migrate(engine)
    n_pairs = n_preferences + max(int(n_preferences * N_OPEN_SHARE), 1000)
    tables: tuple[tuple[Any, Iterator[dict[str, Any]]], ...] = (
        (Annotator, _annotators()),
        (Member, _members()),
        (Prompt, _prompts(n_pairs)),
        (Candidate, _candidates(n_pairs)),
        (Comparison, _comparisons(n_pairs, n_preferences)),
        (Lease, _leases(n_preferences)),
        (Preference, _preferences(n_preferences)),
    )
    for model, rows in tables:
        write_rows(engine, model, rows)
    return engine


def _annotators() -> Iterator[dict[str, Any]]:
    for number in range(1, N_PEOPLE + 1):
        yield {
            "id": number,
            "key": f"stored:{number}",
            "name": f"Person {number}",
            "kind": AnnotatorKind.HUMAN,
            "role": Role.ANNOTATOR,
        }


def _members() -> Iterator[dict[str, Any]]:
    for number in (1, 2):
        name = f"member-{number}"
        yield {
            "id": number,
            "name": name,
            "backend": "import",
            "model": name,
            "options": {},
            "fingerprint": name,
        }


def _prompts(n_pairs: int) -> Iterator[dict[str, Any]]:
    for number in range(1, n_pairs + 1):
        yield {"id": number, "instruction": f"Question {number}?", "input": "", "fingerprint": f"{number}"}


def _candidates(n_pairs: int) -> Iterator[dict[str, Any]]:
    for number in range(1, n_pairs + 1):
        for member in (1, 2):
            yield {
                "id": 2 * number - 2 + member,
                "prompt_id": number,
                "member_id": member,
                "text": f"Answer {member} to question {number}.",
            }


def _comparisons(n_pairs: int, n_answered: int) -> Iterator[dict[str, Any]]:
    for number in range(1, n_pairs + 1):
        is_open = number > n_answered
        yield {
            "id": number,
            "prompt_id": number,
            "left_id": 2 * number - 1,
            "right_id": 2 * number,
            "origin": Origin.QUEUE,
            "priority": uniform(1, "priority", number),
            # Half of what is open has been measured by a ranker, as after a refit.
            "information": uniform(1, "information", number) if is_open and number % 2 else None,
            "overlap": 1,
            "n_taken": 0 if is_open else 1,
            "is_open": is_open,
        }


def _leases(n_preferences: int) -> Iterator[dict[str, Any]]:
    now = utc_now()
    for number in range(1, n_preferences + 1):
        yield {
            "id": number,
            "comparison_id": number,
            "annotator_id": number % N_PEOPLE + 1,
            "status": LeaseStatus.ANSWERED,
            "policy": "balanced_random",
            "propensity": 1.0,
            "expires_at": now,
            "ended_at": now,
            "created_at": now - timedelta(minutes=1),
        }


def _preferences(n_preferences: int) -> Iterator[dict[str, Any]]:
    outcomes = tuple(Outcome)
    now = utc_now()
    for number in range(1, n_preferences + 1):
        yield {
            "id": number,
            "comparison_id": number,
            "annotator_id": number % N_PEOPLE + 1,
            "lease_id": number,
            "outcome": outcomes[number % len(outcomes)],
            "seconds": 8.0,
            "idempotency_key": f"stored:{number}",
            "created_at": now,
        }

"""What an import needs to know of prompts that are in the store already, and what it changes on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlmodel import Session, col

from db.models import Annotator, AnnotatorKind, Candidate, Comparison, Member, Outcome, Preference, Prompt
from db.queries.bulk import StoredCandidate, portions


class StoredPrompt(NamedTuple):
    """An imported prompt, and a digest of the record that it was last imported from."""

    prompt_id: int
    external_id: str
    digest: str | None
    instruction: str
    input: str
    history: list[dict[str, str]]


class StoredComparison(NamedTuple):
    """A comparison of an imported prompt."""

    comparison_id: int
    prompt_id: int
    left_id: int
    right_id: int
    is_open: bool


class StoredVote(NamedTuple):
    """A standing preference with what tells it from others of its pair."""

    preference_id: int
    comparison_id: int
    key: str
    name: str
    kind: AnnotatorKind
    outcome: Outcome
    created_at: datetime


def list_prompts_named(
    session: Session, *, project_id: int, source: str, external_ids: Sequence[str]
) -> list[StoredPrompt]:
    """The prompts of a project that a source calls so."""
    found: list[StoredPrompt] = []
    for some in portions(external_ids):
        rows = session.execute(
            select(
                col(Prompt.id),
                col(Prompt.external_id),
                col(Prompt.record_fingerprint),
                col(Prompt.instruction),
                col(Prompt.input),
                col(Prompt.history),
            ).where(
                col(Prompt.project_id) == project_id,
                col(Prompt.source) == source,
                col(Prompt.external_id).in_(some),
            )
        )
        found += [StoredPrompt(*row) for row in rows]
    return found


def count_asked_elsewhere(
    session: Session, *, project_id: int, fingerprints: Sequence[str], source: str
) -> dict[str, int]:
    """How many prompts of a project ask one of these questions, by the other source that they came from."""
    counts: dict[str, int] = {}
    for some in portions(fingerprints):
        rows = session.execute(
            select(col(Prompt.source)).where(
                col(Prompt.project_id) == project_id,
                col(Prompt.fingerprint).in_(some),
                col(Prompt.source).is_not(None),
                col(Prompt.source) != source,
            )
        )
        for (other,) in rows:
            counts[other or ""] = counts.get(other or "", 0) + 1
    return counts


def list_candidates_of(session: Session, prompt_ids: Sequence[int]) -> list[StoredCandidate]:
    """The candidates of these prompts, by ascending id."""
    found: list[StoredCandidate] = []
    for some in portions(prompt_ids):
        rows = session.execute(
            select(col(Candidate.id), col(Candidate.prompt_id), col(Member.name), col(Candidate.text))
            .join(Member, col(Member.id) == col(Candidate.member_id))
            .where(col(Candidate.prompt_id).in_(some))
            .order_by(col(Candidate.id))
        )
        found += [StoredCandidate(*row) for row in rows]
    return found


def list_comparisons_of(session: Session, prompt_ids: Sequence[int]) -> list[StoredComparison]:
    """The comparisons of these prompts."""
    found: list[StoredComparison] = []
    for some in portions(prompt_ids):
        rows = session.execute(
            select(
                col(Comparison.id),
                col(Comparison.prompt_id),
                col(Comparison.left_id),
                col(Comparison.right_id),
                col(Comparison.is_open),
            ).where(col(Comparison.prompt_id).in_(some))
        )
        found += [StoredComparison(*row) for row in rows]
    return found


def list_votes_of(session: Session, prompt_ids: Sequence[int]) -> list[StoredVote]:
    """The standing preferences about these prompts, by ascending id."""
    found: list[StoredVote] = []
    for some in portions(prompt_ids):
        rows = session.execute(
            select(
                col(Preference.id),
                col(Preference.comparison_id),
                col(Annotator.key),
                col(Annotator.name),
                col(Annotator.kind),
                col(Preference.outcome),
                col(Preference.created_at),
            )
            .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
            .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
            .where(col(Comparison.prompt_id).in_(some), col(Preference.retracted_at).is_(None))
            .order_by(col(Preference.id))
        )
        found += [StoredVote(*row) for row in rows]
    return found


def retract_votes(session: Session, preference_ids: Sequence[int], *, now: datetime) -> None:
    """Keep these preferences and count them no longer."""
    for some in portions(preference_ids):
        session.execute(update(Preference).where(col(Preference.id).in_(some)).values(retracted_at=now))


def close_comparisons(session: Session, comparison_ids: Sequence[int]) -> None:
    """Ask nobody more about these comparisons; who holds a lease may still answer."""
    for some in portions(comparison_ids):
        session.execute(
            update(Comparison)
            .where(col(Comparison.id).in_(some))
            .values(overlap=col(Comparison.n_taken), is_open=False)
        )


def set_digests(session: Session, digests: Mapping[int, str]) -> None:
    """Note of each prompt the record that it was last imported from."""
    for prompt_id, digest in digests.items():
        session.execute(update(Prompt).where(col(Prompt.id) == prompt_id).values(record_fingerprint=digest))

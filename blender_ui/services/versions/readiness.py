"""Whether there are enough preferences to train on; the one place where the numbers stand.

Invariant: what counts here is what a training would use: standing preferences of people, split by
the prompt's fingerprint as the training splits them. Non-goal: starting anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from blender_ui.values import is_held_out
from db.models import (
    Annotator,
    AnnotatorKind,
    Comparison,
    JobKind,
    JobStatus,
    Outcome,
    Preference,
    Prompt,
    TrainingJob,
)
from db.queries.checks import select_checks

HELD_OUT_SHARE = 0.2
"""Share of prompts whose preferences no version learns from, and on which versions are compared."""
N_DECIDED_NEEDED = 20
"""Preferences for one side, held-out ones included, before a first training makes sense."""
N_PROMPTS_NEEDED = 10
"""Prompts that they must spread over."""
N_HELD_OUT_NEEDED = 3
"""Of the decided preferences, how many must be on held-out prompts, or nothing can be compared."""


@dataclass(frozen=True, kw_only=True)
class ReadinessView:
    """How far the store is from a training."""

    n_preferences: int
    """Standing preferences of people, without those on gold pairs and attention checks."""
    n_decided: int
    """Those for one side."""
    n_prompts: int
    """Prompts with a decided preference."""
    n_held_out: int
    """Decided preferences on held-out prompts."""
    n_new: int
    """Preferences that came after the cut-off of the latest ranker's job."""
    n_needed: int
    """Decided preferences that a first training needs."""
    is_ready: bool
    reason: str
    """What is missing, or what a training would use; a sentence to show."""


def measure_readiness(session: Session) -> ReadinessView:
    """Count what a training would use now."""
    last_cut_off = find_last_cut_off(session)
    decided = case((col(Preference.outcome).in_((Outcome.LEFT, Outcome.RIGHT)), 1), else_=0)
    is_new = case((col(Preference.id) > last_cut_off, 1), else_=0)
    rows = session.execute(
        select(col(Prompt.fingerprint), func.count(), func.sum(decided), func.sum(is_new))
        .select_from(Preference)
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(
            col(Preference.retracted_at).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            col(Comparison.id).not_in(select_checks()),
        )
        .group_by(col(Prompt.fingerprint))
    ).all()
    by_prompt = [(fingerprint, int(n_decided)) for fingerprint, _, n_decided, _ in rows if n_decided]
    n_decided = sum(n for _, n in by_prompt)
    n_held_out = sum(n for fingerprint, n in by_prompt if is_held_out(fingerprint, share=HELD_OUT_SHARE))
    missing = _find_missing(n_decided=n_decided, n_prompts=len(by_prompt), n_held_out=n_held_out)
    return ReadinessView(
        n_preferences=sum(int(n) for _, n, _, _ in rows),
        n_decided=n_decided,
        n_prompts=len(by_prompt),
        n_held_out=n_held_out,
        n_new=sum(int(n) for *_, n in rows),
        n_needed=N_DECIDED_NEEDED,
        is_ready=missing is None,
        reason=missing
        or f"{n_decided} decided preferences on {len(by_prompt)} prompts; {n_held_out} of them are held out",
    )


def find_last_cut_off(session: Session) -> int:
    """The latest cut-off of a ranker's job that was not cancelled; 0 before any."""
    latest = session.execute(
        select(func.max(TrainingJob.cut_off_preference_id)).where(
            col(TrainingJob.status) != JobStatus.CANCELLED, col(TrainingJob.kind) != JobKind.FUSER
        )
    ).scalar()
    return int(latest or 0)


def _find_missing(*, n_decided: int, n_prompts: int, n_held_out: int) -> str | None:
    if n_decided < N_DECIDED_NEEDED or n_prompts < N_PROMPTS_NEEDED:
        return (
            f"A first training needs {N_DECIDED_NEEDED} decided preferences on {N_PROMPTS_NEEDED} prompts; "
            f"there are {n_decided} on {n_prompts}. Ties are learnt from too, but do not count here."
        )
    if n_held_out < N_HELD_OUT_NEEDED:
        return (
            f"A new version is judged by decided preferences on held-out prompts, one prompt in "
            f"{round(1 / HELD_OUT_SHARE)}; it takes {N_HELD_OUT_NEEDED} and there are {n_held_out}. "
            "Label pairs of a few more prompts."
        )
    return None
